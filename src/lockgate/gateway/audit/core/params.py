"""The parameters of the operations on the audit log, strictly."""

from lockgate.kernel.params import Listing, Object, Range, Text, optional

_WORD = Text(200)

LIST_RECORDS = Listing(
    {
        "action": optional(_WORD, "What was done, such as payment_intent.capture."),
        "actor": optional(_WORD, "Who did it, as a record's actor says it."),
        "address": optional(Text(45), "The address that the request came from."),
        "created": optional(Range()),
        "object": optional(_WORD, "The id of the object that it was done to."),
        "outcome": optional(_WORD, "How it ended, such as done or refused."),
    }
).object()
LIST_CHECKPOINTS = Listing({}).object()
GET_CHECKPOINT = Object(
    {"continues": optional(Text(40), "The id of an older checkpoint; the answer proves that nothing changed since.")}
)
NOTHING = Object({})
