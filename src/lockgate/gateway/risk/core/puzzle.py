"""The signed token of a puzzle: whose browser is to do the work, for which payment, and until when."""

import base64
import binascii
import hmac
from typing import Any, NamedTuple

from lockgate.kernel import puzzle
from lockgate.kernel.errors import Kind, Refusal

LIFE_S = 300
BITS = 12
HARD_BITS = puzzle.MAX_BITS
_MARK = b"puzzle.v1\0"


class Puzzle(NamedTuple):
    """``about`` is the payment or setup that is to be confirmed, or the name of the operation that makes something
    new; ``id`` is used once. ``expires_at`` is the world's time, not the business's."""

    account: str
    livemode: bool
    about: str
    id: str
    bits: int
    expires_at: int


def token(key: bytes, asked: Puzzle) -> str:
    """The token: fit for a header."""
    text = "|".join((asked.account, "1" if asked.livemode else "0", *map(str, asked[2:])))
    payload = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return f"{payload}.{_mac(key, payload)}"


def solved(key: bytes, solution: str, *, now: int) -> Puzzle | None:
    """The puzzle that ``solution`` solves: one that we asked, not expired, with every part done. None otherwise.

    The signature is looked at first: nobody makes us hash for a token that is not ours.
    """
    if len(solution) > puzzle.LONGEST_SOLUTION or not solution.isascii():
        return None
    given = puzzle.token_of(solution)
    payload, _, mac = given.partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(key, payload).encode()):
        return None
    try:
        fields = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode().split("|")
        account, livemode, about, id_, bits, expires_at = fields
    except (ValueError, binascii.Error):
        return None
    asked = Puzzle(account, livemode == "1", about, id_, int(bits), int(expires_at))
    return asked if now < asked.expires_at and puzzle.is_solved(solution, bits=asked.bits) else None


def refusal(key: bytes, asked: Puzzle) -> Refusal:
    """What a browser is told that has to do some work first. To a person it reads like any declined card."""
    shown: dict[str, Any] = {
        "algorithm": "sha-256",
        "bits": asked.bits,
        "expires_at": asked.expires_at,
        "parts": puzzle.PARTS,
        "token": token(key, asked),
    }
    return Refusal(
        Kind.CARD,
        "Your card was declined.",
        code="card_declined",
        decline_code="try_again_later",
        puzzle=shown,
    )


def _mac(key: bytes, payload: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, _MARK + payload.encode(), "sha256")[:24]).decode()
