"""Forms that only our own pages can send: a hidden field that belongs to the browser's cookie, and the Origin header.

The cookie holds a secret of 256 bits that no page can read or set (``__Host-``), the field a keyed hash made with it.
So nothing is kept here, and a form stays good while its session is renewed.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from lockgate.gateway.pages import cookies
from lockgate.gateway.pages.cookies import SetCookie
from lockgate.gateway.pages.origins import accepted
from lockgate.kernel.errors import Kind, Refusal

COOKIE = "__Host-lockgate-form"
FIELD = "csrf"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_KEPT_S = 12 * 3600


class Visit(Protocol):
    """What is looked at of a browser's request."""

    @property
    def fields(self) -> Mapping[str, str]: ...

    @property
    def cookies(self) -> Mapping[str, str]: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class Form(NamedTuple):
    """``token`` goes into each form's hidden field ``csrf``; ``headers`` into the answer that shows the form."""

    token: str
    headers: tuple[SetCookie, ...] = ()


def form(visit: Visit) -> Form:
    """The token of this browser, which gets its cookie now if it has none."""
    secret = visit.cookies.get(COOKIE, "")
    return Form(_token(secret)) if _SECRET.fullmatch(secret) else fresh()


def fresh() -> Form:
    """A new secret for this browser: forms shown before it are no longer good. After each sign-in and sign-out."""
    secret = secrets.token_urlsafe(32)
    return Form(_token(secret), (cookies.set(COOKIE, secret, max_age_s=_KEPT_S, same_site="Strict"),))


def check(visit: Visit, *, origin: str) -> None:
    """Refuses what was not sent by a form that a page of ``origin``, our own, showed to this very browser."""
    secret = visit.cookies.get(COOKIE, "")
    given = visit.fields.get(FIELD, "").encode()
    if not _sent_by(visit.headers, origin) or not _SECRET.fullmatch(secret) or not hmac.compare_digest(
        _token(secret).encode(), given
    ):
        raise Refusal(
            Kind.FORBIDDEN,
            "This form is out of date, or another site sent it. Go back, load the page again, and retry.",
            code="form_not_ours",
        )


def _sent_by(headers: Mapping[str, str], origin: str) -> bool:
    """Browsers name a form's origin; where a privacy setting hides it, they still say that it is the same."""
    site = headers.get("sec-fetch-site")
    named = headers.get("origin", "null")
    if site not in (None, "same-origin"):
        return False
    return named in accepted(origin) if named != "null" else site == "same-origin"


def _token(secret: str) -> str:
    return urlsafe_b64encode(hmac.digest(secret.encode(), b"lockgate form", "sha256")).rstrip(b"=").decode()
