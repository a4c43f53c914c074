"""The signed word in the address to which a challenge sends the shopper back: it says which attempt to complete."""

import base64
import binascii
import hmac
from typing import NamedTuple

LIFE_S = 24 * 3600


class Return(NamedTuple):
    """Whose attempt the shopper comes back from."""

    account: str
    livemode: bool
    intent: str
    attempt: str
    expires_at: int


def sign(key: bytes, back: Return) -> str:
    """The token for ``back``: fit for a URL's path."""
    text = "|".join((back.account, "1" if back.livemode else "0", back.intent, back.attempt, str(back.expires_at)))
    payload = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return f"{payload}.{_mac(key, payload)}"


def read(key: bytes, token: str, *, now: int) -> Return | None:
    """What ``token`` says, if we signed it and it has not expired."""
    payload, _, mac = token.partition(".")
    if not token.isascii() or not hmac.compare_digest(mac.encode(), _mac(key, payload).encode()):
        return None
    try:
        fields = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode().split("|")
        account, livemode, intent, attempt, expires_at = fields
    except (ValueError, binascii.Error):
        return None
    back = Return(account, livemode == "1", intent, attempt, int(expires_at))
    return back if now < back.expires_at else None


def _mac(key: bytes, payload: str) -> str:
    digest = hmac.digest(key, b"return\0" + payload.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:24]).decode()
