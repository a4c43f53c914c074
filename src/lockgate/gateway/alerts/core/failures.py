"""Which records tell of a failed authentication, and whom each was tried as. Pure."""

from lockgate.gateway.alerts.core.rule import Record

ACTIONS = frozenset(
    {
        "authentication.refused",  # at the API's door
        "person.sign_in_refused",
        "session.refused",
        "factor.refused",
        "token.refused",  # by the authorization server, as are the next three
        "par.refused",
        "introspect.refused",
        "revoke.refused",
    }
)
WINDOW_S = 60
THRESHOLD = 5


def failed(record: Record) -> bool:
    """Whether this is one: a browser that comes back when its own session is over is none."""
    return record.outcome in ("refused", "failed") and record.detail.get("reason") != "session_over"


def address_of(record: Record) -> str:
    """Where it came from, for a sentence."""
    return record.address or "an unknown address"
