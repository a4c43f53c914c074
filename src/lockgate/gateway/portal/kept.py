"""What the portal keeps in a browser between pages: a sign-in that waits, a link that was opened, a known device."""

from lockgate.gateway.pages import cookies
from lockgate.gateway.pages.cookies import SetCookie
from lockgate.gateway.people.sign_in import Begun, Finished, From
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Visit

WAITING = "__Host-sign-in"
LINK = "__Host-link"
CEREMONY = "__Host-ceremony"
DEVICE = "__Host-device"
_MINUTES_S = 10 * 60
_DEVICE_S = 365 * 24 * 3600


def waiting(begun: Begun) -> SetCookie:
    """Keep a sign-in that waits for its second factor."""
    return cookies.set(WAITING, f"{begun.id}.{begun.secret}", max_age_s=_MINUTES_S, same_site="Strict")


def of_waiting(visit: Visit) -> tuple[str, str]:
    """The id and the secret of the sign-in that waits here."""
    id_, dot, secret = visit.cookies.get(WAITING, "").partition(".")
    if not dot:
        raise Refusal(Kind.UNAUTHENTICATED, "This sign-in is over. Begin again.", code="sign_in_over")
    return id_, secret


def signed_in(finished: Finished) -> tuple[SetCookie, ...]:
    """What a browser keeps once somebody is signed in; what led there goes."""
    return (
        *finished.started.cookies,
        cookies.set(DEVICE, finished.device, max_age_s=_DEVICE_S, same_site="Strict"),
        cookies.clear(WAITING),
        cookies.clear(LINK),
        cookies.clear(CEREMONY),
    )


def link(secret: str) -> SetCookie:
    """Keep the secret of a link that was opened, out of the address bar."""
    return cookies.set(LINK, secret, max_age_s=_MINUTES_S, same_site="Strict")


def ceremony(secret: str) -> SetCookie:
    """Keep what ties a passkey's answer to the browser that asked."""
    return cookies.set(CEREMONY, secret, max_age_s=_MINUTES_S, same_site="Strict")


def from_(visit: Visit) -> From:
    """Where a try comes from, and the device that its browser is known by."""
    device = visit.cookies.get(DEVICE)
    return From(visit.address, visit.user_agent, visit.request_id, device or None)
