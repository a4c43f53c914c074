"""What the operations on disputes and early fraud warnings take."""

from lockgate.gateway.disputes.core import evidence
from lockgate.kernel.params import (
    Boolean,
    Listing,
    Metadata,
    Object,
    Range,
    Text,
    Unsupported,
    clearable,
    optional,
)

UPDATE = Object(
    {
        "evidence": optional(evidence.PARAMS),
        "intended_submission_method": optional(Unsupported("Evidence is submitted by 'submit' alone.")),
        "metadata": clearable(Metadata()),
        "submit": optional(Boolean(), "Whether the evidence is handed in at once; true unless said otherwise."),
    }
)
CLOSE = Object({})
LIST = Listing(
    {"charge": optional(Text(255)), "created": optional(Range()), "payment_intent": optional(Text(255))}
).object()
