"""What merchants may send about payments: parsed strictly into closed messages, or refused by field."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lockgate.simulator.parsing import CURRENCY, REFERENCE, BadMessage, closed, digest, flag, inner, integer, matching

_NUMBER = re.compile(r"[0-9]{12,19}")
_CVC = re.compile(r"[0-9]{3,4}")
_THREE_D_SECURE = ("automatic", "any", "challenge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Reserve or take an amount. ``digest`` identifies the message; of the card it covers last four and expiry."""

    reference: str
    amount: int
    currency: str
    capture: bool
    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    has_cvc: bool
    has_line1: bool
    has_postal_code: bool
    off_session: bool
    setup: bool
    three_d_secure: str
    return_url: str | None
    network_transaction_id: str | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Finish a challenged authorisation (``authorization`` is its id here)."""

    reference: str
    authorization: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A capture, a refund, or an increment, whose amount is the new total."""

    reference: str
    authorization: str
    amount: int
    final: bool
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A void."""

    reference: str
    authorization: str
    digest: str


def authorization(body: dict[str, Any]) -> Authorization:
    """Parse POST /authorizations."""
    closed(
        body,
        required=("reference", "amount", "currency", "capture", "card"),
        optional=("off_session", "setup", "three_d_secure", "return_url", "network_transaction_id", "billing"),
    )
    card = inner(body, "card")
    closed(card, required=("number", "exp_month", "exp_year"), optional=("cvc",), at="card.")
    billing = inner(body, "billing") if "billing" in body else {}
    closed(billing, required=(), optional=("line1", "postal_code"), at="billing.")
    number = matching(card, "number", _NUMBER, at="card.")
    if "cvc" in card:
        matching(card, "cvc", _CVC, at="card.")
    asked = body.get("three_d_secure", "automatic")
    if asked not in _THREE_D_SECURE:
        raise BadMessage("three_d_secure", "is not a known value")
    setup = flag(body, "setup")
    amount = integer(body, "amount", low=0)
    if amount == 0 and not setup:
        raise BadMessage("amount", "may be 0 only with setup")
    transaction = body.get("network_transaction_id")
    if transaction is not None:
        transaction = matching(body, "network_transaction_id", REFERENCE)
    return Authorization(
        reference=matching(body, "reference", REFERENCE),
        amount=amount,
        currency=matching(body, "currency", CURRENCY),
        capture=flag(body, "capture"),
        number=number,
        exp_month=_decimal(card, "exp_month", low=1, high=12),
        exp_year=_decimal(card, "exp_year", low=2000, high=2100),
        has_cvc="cvc" in card,
        has_line1=flag(billing, "line1", at="billing."),
        has_postal_code=flag(billing, "postal_code", at="billing."),
        off_session=flag(body, "off_session"),
        setup=setup,
        three_d_secure=asked,
        return_url=_return_url(body),
        network_transaction_id=transaction,
        digest=digest("authorization", {**body, "card": _without_secrets(card)}),
    )


def completion(body: dict[str, Any]) -> Completion:
    """Parse POST /authorizations/complete."""
    closed(body, required=("reference", "authorization"))
    return Completion(
        reference=matching(body, "reference", REFERENCE),
        authorization=matching(body, "authorization", REFERENCE),
        digest=digest("completion", body),
    )


def capture(body: dict[str, Any]) -> Movement:
    """Parse POST /captures."""
    return _movement("capture", body, optional=("final",))


def refund(body: dict[str, Any]) -> Movement:
    """Parse POST /refunds."""
    return _movement("refund", body, optional=())


def increment(body: dict[str, Any]) -> Movement:
    """Parse POST /increments."""
    return _movement("increment", body, optional=())


def void(body: dict[str, Any]) -> Release:
    """Parse POST /voids."""
    closed(body, required=("reference", "authorization"))
    return Release(
        reference=matching(body, "reference", REFERENCE),
        authorization=matching(body, "authorization", REFERENCE),
        digest=digest("void", body),
    )


def reference(body: dict[str, Any]) -> str:
    """Parse POST /inquiries and POST /reversals."""
    closed(body, required=("reference",))
    return matching(body, "reference", REFERENCE)


def _movement(kind: str, body: dict[str, Any], *, optional: tuple[str, ...]) -> Movement:
    closed(body, required=("reference", "authorization", "amount"), optional=optional)
    return Movement(
        reference=matching(body, "reference", REFERENCE),
        authorization=matching(body, "authorization", REFERENCE),
        amount=integer(body, "amount", low=1),
        final=flag(body, "final", default=True),
        digest=digest(kind, body),
    )


def _decimal(card: dict[str, Any], name: str, *, low: int, high: int) -> int:
    """A number written in a string, as slots are filled."""
    text = card[name]
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,4}", text) or not low <= int(text) <= high:
        raise BadMessage(f"card.{name}", "must be digits in range")
    return int(text)


def _return_url(body: dict[str, Any]) -> str | None:
    url = body.get("return_url")
    if url is None:
        return None
    if not isinstance(url, str) or len(url) > 5000 or not url.isascii() or not url.isprintable():
        raise BadMessage("return_url", "does not have the right form")
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:
        raise BadMessage("return_url", "does not have the right form") from error
    if not known or any(char in parts.netloc for char in "@;,'\"<> \\"):
        raise BadMessage("return_url", "must be an http or https address")
    return url


def _without_secrets(card: dict[str, Any]) -> dict[str, Any]:
    return {"last4": card["number"][-4:], "exp_month": card["exp_month"], "exp_year": card["exp_year"]}
