"""An outside engine as the API shows it, and the parameters that set one up, strictly."""

from lockgate.gateway.risk.engines.core.contract import FAIL_MODES, SHARES, STAGES
from lockgate.kernel.params import Array, Boolean, Choice, Integer, Listing, Object, Text, optional, required
from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, list_of, one_of

SHORTEST_MS = 50
LONGEST_MS = 3_000
DEFAULT_MS = 500
MOST_ENGINES = 3

RISK_ENGINE = Shape(
    "risk_engine",
    {
        "id": Field(STRING),
        "object": Field(const("risk_engine"), default="risk_engine"),
        "acts": Field(BOOLEAN),
        "created": Field(INTEGER),
        "enabled": Field(BOOLEAN),
        "livemode": Field(BOOLEAN),
        "name": Field(STRING),
        "on_failure": Field(one_of(*FAIL_MODES)),
        "secret": Field(STRING, nullable=True),
        "shares": Field(list_of(one_of(*SHARES))),
        "stages": Field(list_of(one_of(*STAGES))),
        "timeout_ms": Field(INTEGER),
        "updated": Field(INTEGER),
        "url": Field(STRING),
        "version": Field(INTEGER),
    },
)

_NAME = Text(100)
_URL = Text(2048)
_STAGES = Array(Choice(*STAGES), len(STAGES))
_SHARES = Array(Choice(*SHARES), len(SHARES))
_TIMEOUT = Integer(SHORTEST_MS, LONGEST_MS)
_TIMEOUT_SAYS = f"How long it may take, {SHORTEST_MS} to {LONGEST_MS}; {DEFAULT_MS} where nothing is said."
_STAGES_SAY = "before: asked for a verdict; after: told how payments ended. By default before alone."
_FAILURE_SAYS = "What holds of a payment that it did not judge in time: allow, review (the default) or block."
_ACTS_SAYS = "Whether its decision makes the verdict at least that strict; else only rules look at it. By default true."
_SHARES_SAY = "What it is told of the shopper as it stands; by default nothing but keyed hashes."

CREATE = Object(
    {
        "acts": optional(Boolean(), _ACTS_SAYS),
        "enabled": optional(Boolean()),
        "name": required(_NAME),
        "on_failure": optional(Choice(*FAIL_MODES), _FAILURE_SAYS),
        "shares": optional(_SHARES, _SHARES_SAY),
        "stages": optional(_STAGES, _STAGES_SAY),
        "timeout_ms": optional(_TIMEOUT, _TIMEOUT_SAYS),
        "url": required(_URL, "Where it is asked: https, a public address."),
    }
)
UPDATE = Object(
    {
        "acts": optional(Boolean(), _ACTS_SAYS),
        "enabled": optional(Boolean()),
        "name": optional(_NAME),
        "on_failure": optional(Choice(*FAIL_MODES), _FAILURE_SAYS),
        "rotate_secret": optional(Boolean(), "Sign with a new secret from now on; it is shown this once."),
        "shares": optional(_SHARES, _SHARES_SAY),
        "stages": optional(_STAGES, _STAGES_SAY),
        "timeout_ms": optional(_TIMEOUT),
        "url": optional(_URL),
    }
)
LIST = Listing({}).object()
NOTHING = Object({})
