"""Which records tell of a failed authentication, and whom each was tried as. Pure."""

from lockgate.gateway.alerts.core.rule import Record

ACTIONS = frozenset(
    {
        "authentication.refused",
        "person.sign_in",
        "person.step_up",
        "factor.verify",
        "session.refresh",
        "token.issue",
        "client.authenticate",
        "client_certificate.refused",
    }
)
WINDOW_S = 60
THRESHOLD = 5


def failed(record: Record) -> bool:
    """Whether this is one: of a sign-in or token only what was refused."""
    return record.outcome in ("refused", "failed")


def address_of(record: Record) -> str:
    """Where it came from, for a sentence."""
    return record.address or "an unknown address"
