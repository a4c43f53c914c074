"""What merchants may send to the simulator: JSON parsed strictly into closed messages, or refused by field."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

MAX_AMOUNT = 10**12
_REFERENCE = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_CURRENCY = re.compile(r"[a-z]{3}")
_NUMBER = re.compile(r"[0-9]{12,19}")
_CVC = re.compile(r"[0-9]{3,4}")
_THREE_D_SECURE = ("automatic", "any", "challenge")


class BadMessage(ValueError):
    """A message that can have no effect; ``field`` names the fault's place. Never carries a value."""

    def __init__(self, field_: str, fault: str) -> None:
        super().__init__(f"{field_}: {fault}")
        self.field = field_


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
    """A capture or a refund."""

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


def parse_json(raw: bytes) -> dict[str, Any]:
    """One JSON object without duplicate keys, NaN or bad UTF-8."""
    try:
        loaded = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except BadMessage:
        raise
    except (ValueError, RecursionError) as error:
        raise BadMessage("body", "is not JSON") from error
    if not isinstance(loaded, dict):
        raise BadMessage("body", "must be an object")
    return loaded


def authorization(body: dict[str, Any]) -> Authorization:
    """Parse POST /authorizations."""
    _closed(
        body,
        required=("reference", "amount", "currency", "capture", "card"),
        optional=("off_session", "setup", "three_d_secure", "return_url", "network_transaction_id", "billing"),
    )
    card = _object(body, "card")
    _closed(card, required=("number", "exp_month", "exp_year"), optional=("cvc",), at="card.")
    billing = _object(body, "billing") if "billing" in body else {}
    _closed(billing, required=(), optional=("line1", "postal_code"), at="billing.")
    number = _matching(card, "number", _NUMBER, at="card.")
    if "cvc" in card:
        _matching(card, "cvc", _CVC, at="card.")
    asked = body.get("three_d_secure", "automatic")
    if asked not in _THREE_D_SECURE:
        raise BadMessage("three_d_secure", "is not a known value")
    setup = _flag(body, "setup")
    amount = _integer(body, "amount", low=0)
    if amount == 0 and not setup:
        raise BadMessage("amount", "may be 0 only with setup")
    transaction = body.get("network_transaction_id")
    if transaction is not None:
        transaction = _matching(body, "network_transaction_id", _REFERENCE)
    return Authorization(
        reference=_matching(body, "reference", _REFERENCE),
        amount=amount,
        currency=_matching(body, "currency", _CURRENCY),
        capture=_flag(body, "capture"),
        number=number,
        exp_month=_decimal(card, "exp_month", low=1, high=12),
        exp_year=_decimal(card, "exp_year", low=2000, high=2100),
        has_cvc="cvc" in card,
        has_line1=_flag(billing, "line1", at="billing."),
        has_postal_code=_flag(billing, "postal_code", at="billing."),
        off_session=_flag(body, "off_session"),
        setup=setup,
        three_d_secure=asked,
        return_url=_return_url(body),
        network_transaction_id=transaction,
        digest=_digest("authorization", {**body, "card": _without_secrets(card)}),
    )


def completion(body: dict[str, Any]) -> Completion:
    """Parse POST /authorizations/complete."""
    _closed(body, required=("reference", "authorization"))
    return Completion(
        reference=_matching(body, "reference", _REFERENCE),
        authorization=_matching(body, "authorization", _REFERENCE),
        digest=_digest("completion", body),
    )


def capture(body: dict[str, Any]) -> Movement:
    """Parse POST /captures."""
    return _movement("capture", body, optional=("final",))


def refund(body: dict[str, Any]) -> Movement:
    """Parse POST /refunds."""
    return _movement("refund", body, optional=())


def void(body: dict[str, Any]) -> Release:
    """Parse POST /voids."""
    _closed(body, required=("reference", "authorization"))
    return Release(
        reference=_matching(body, "reference", _REFERENCE),
        authorization=_matching(body, "authorization", _REFERENCE),
        digest=_digest("void", body),
    )


def reference(body: dict[str, Any]) -> str:
    """Parse POST /inquiries and POST /reversals."""
    _closed(body, required=("reference",))
    return _matching(body, "reference", _REFERENCE)


def _movement(kind: str, body: dict[str, Any], *, optional: tuple[str, ...]) -> Movement:
    _closed(body, required=("reference", "authorization", "amount"), optional=optional)
    return Movement(
        reference=_matching(body, "reference", _REFERENCE),
        authorization=_matching(body, "authorization", _REFERENCE),
        amount=_integer(body, "amount", low=1),
        final=_flag(body, "final", default=True),
        digest=_digest(kind, body),
    )


def _closed(
    body: dict[str, Any], *, required: tuple[str, ...], optional: tuple[str, ...] = (), at: str = ""
) -> None:
    for name in required:
        if name not in body:
            raise BadMessage(at + name, "is missing")
    for name in body:
        if name not in required and name not in optional:
            raise BadMessage("body", "has a field that is not known here")


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(body[name], dict):
        raise BadMessage(name, "must be an object")
    return body[name]


def _matching(body: dict[str, Any], name: str, pattern: re.Pattern[str], *, at: str = "") -> str:
    if not isinstance(body[name], str) or not pattern.fullmatch(body[name]):
        raise BadMessage(at + name, "does not have the right form")
    return body[name]


def _integer(body: dict[str, Any], name: str, *, low: int) -> int:
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= MAX_AMOUNT:
        raise BadMessage(name, "must be a whole number in range")
    return value


def _decimal(card: dict[str, Any], name: str, *, low: int, high: int) -> int:
    """A number written in a string, as slots are filled."""
    text = card[name]
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,4}", text) or not low <= int(text) <= high:
        raise BadMessage(f"card.{name}", "must be digits in range")
    return int(text)


def _flag(body: dict[str, Any], name: str, *, default: bool = False, at: str = "") -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise BadMessage(at + name, "must be true or false")
    return value


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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadMessage("body", "has a duplicate key")
    return found


def _no_constant(_name: str) -> Any:
    raise BadMessage("body", "is not JSON")


def _without_secrets(card: dict[str, Any]) -> dict[str, Any]:
    return {"last4": card["number"][-4:], "exp_month": card["exp_month"], "exp_year": card["exp_year"]}


def _digest(kind: str, body: dict[str, Any]) -> str:
    canonical = json.dumps([kind, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
