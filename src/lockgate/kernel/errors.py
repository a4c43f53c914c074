"""The one family of expected refusals: each says what happened in the domain's words; only the door translates it."""

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Kind(Enum):
    """What sort of refusal this is. The web edge alone maps a kind to an HTTP status and an envelope type."""

    INVALID = "invalid"                    # the request cannot be right whoever sends it
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD = "method"                      # the path exists, the method does not
    CONFLICT = "conflict"                  # another request holds what this one needs; try again
    CARD = "card"                          # the card was refused
    IDEMPOTENCY = "idempotency"            # an idempotency key reused with other parameters
    TOO_LARGE = "too_large"
    MEDIA_TYPE = "media_type"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"            # certainly without effect; try again
    INTERNAL = "internal"


class Refusal(Exception):
    """An expected answer that is not a success.

    ``message`` never carries a value that the caller sent; ``param`` names the offending parameter in the dialect's
    bracket form (``payment_method_data[card][number]``). ``embed`` adds whole objects to the error envelope
    (``{"payment_intent": {...}}``). ``puzzle`` is the work that a browser has to do before it is heard.
    ``retry_after_s`` becomes a Retry-After header.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        network_decline_code: str | None = None,
        advice_code: str | None = None,
        charge: str | None = None,
        embed: Mapping[str, Any] | None = None,
        puzzle: Mapping[str, Any] | None = None,
        reason: str | None = None,
        retry_after_s: int | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.network_decline_code = network_decline_code
        self.advice_code = advice_code
        self.charge = charge
        self.embed = embed
        self.puzzle = puzzle
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.should_retry = should_retry


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> Refusal:
    """A request that can never succeed as it stands."""
    return Refusal(Kind.INVALID, message, param=param, code=code)


def missing(kind: str, id_: str, *, param: str = "id") -> Refusal:
    """No such object for this principal; an object of another account looks just the same."""
    return Refusal(Kind.NOT_FOUND, f"No such {kind}: '{id_}'", code="resource_missing", param=param)
