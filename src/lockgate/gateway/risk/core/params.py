"""The parameters of value lists, their items and reviews, strictly."""

from lockgate.gateway.risk.core.values import ITEM_TYPES, MAX_LENGTH
from lockgate.kernel.params import Choice, Listing, Metadata, Object, Range, Text, clearable, optional, required

_ALIAS = Text(100, pattern=r"[A-Za-z0-9_\-]+")
_ID = Text(255)

CREATE_LIST = Object(
    {
        "alias": required(_ALIAS, "What rules call the list: letters, digits, _ and -."),
        "item_type": optional(Choice(*ITEM_TYPES), "Cannot change; string if it is not given."),
        "metadata": clearable(Metadata()),
        "name": required(Text(100)),
    }
)
UPDATE_LIST = Object(
    {"alias": optional(_ALIAS), "metadata": clearable(Metadata()), "name": optional(Text(100))}
)
LIST_LISTS = Listing(
    {
        "alias": optional(Text(100)),
        "contains": optional(Text(MAX_LENGTH), "Only lists in which this value stands."),
        "created": optional(Range()),
    }
).object()
CREATE_ITEM = Object({"value": required(Text(MAX_LENGTH)), "value_list": required(_ID)})
LIST_ITEMS = Listing(
    {"created": optional(Range()), "value": optional(Text(MAX_LENGTH)), "value_list": required(_ID)}
).object()
LIST_REVIEWS = Listing({"created": optional(Range())}).object()
NOTHING = Object({})
