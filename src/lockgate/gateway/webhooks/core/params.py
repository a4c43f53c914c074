"""The parameters of events' and webhook endpoints' operations."""

from lockgate.kernel.params import (
    Array,
    Boolean,
    Integer,
    Listing,
    Metadata,
    Object,
    Only,
    Range,
    Text,
    clearable,
    optional,
    required,
)

_TYPE = Text(100, pattern=r"[a-z0-9_.*]+")
_ENABLED_EVENTS = Array(_TYPE, 200)
MAX_OVERLAP_S = 7 * 24 * 3600

CREATE_ENDPOINT = Object(
    {
        "url": required(Text(2048)),
        "enabled_events": required(_ENABLED_EVENTS, "Types of events, or * for all."),
        "description": clearable(Text(5000)),
        "metadata": clearable(Metadata()),
        "api_version": optional(
            Text(40, pattern=r"\d{4}-\d{2}-\d{2}(?:\.[a-z]{1,20})?"), "Else events have the account's version."
        ),
        "connect": optional(Only(Boolean(), lambda value: value is False, "There are no connected accounts.")),
    }
)
UPDATE_ENDPOINT = Object(
    {
        "url": optional(Text(2048)),
        "enabled_events": optional(_ENABLED_EVENTS),
        "description": clearable(Text(5000)),
        "metadata": clearable(Metadata()),
        "disabled": optional(Boolean()),
    }
)
ROTATE_SECRET = Object(
    {"overlap_s": optional(Integer(0, MAX_OVERLAP_S), "How long the old secret goes on signing; 86400 if not given.")}
)
LIST_ENDPOINTS = Listing().object()
LIST_DELIVERIES = Listing().object()
LIST_EVENTS = Listing(
    {
        "created": optional(Range()),
        "delivery_success": optional(Boolean(), "Only events that all endpoints took, or only the others."),
        "related_object": optional(Text(255), "Only events about the object with this id."),
        "type": optional(_TYPE, "A type, or a group such as charge.*"),
        "types": optional(Array(_TYPE, 20)),
    }
).object()
REDELIVER = Object({"webhook_endpoint": optional(Text(255), "Only to this endpoint; else to all that want the event.")})
NOTHING = Object({})
