"""The adapter for Lockgate's own simulator: signed JSON over HTTPS, one order a step."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from lockgate.gateway.processors.contract import (
    REVERSED,
    Answered,
    Authorize,
    Body,
    Capture,
    Complete,
    Derived,
    Inquire,
    Lost,
    NotSent,
    Order,
    Outcome,
    Refund,
    Reply,
    Request,
    Result,
    Reverse,
    SentAt,
    Slot,
    Steps,
    Void,
)
from lockgate.kernel.orders import Part

_CARD_PATH = "^/authorizations$"
_REFUSALS = {
    (400, "invalid"), (401, "unauthenticated"), (401, "signature"), (404, "authorization_unknown"), (415, "media_type"),
}  # fmt: skip
"""Answers by which the simulator says that it did nothing. 409 is none: the reference stands for something else."""

_DIGEST = Derived("hash", "sha256", (Body(),), "base64")
_SIGNATURE = Derived("hmac", "sha256", (SentAt(), b".", Body()), "hex", key="secret.simulator_signing_key")

_STATUSES = {
    "approved": Outcome.APPROVED,
    "declined": Outcome.DECLINED,
    "action_required": Outcome.ACTION_REQUIRED,
    "voided": Outcome.DECLINED,
    "reversed": Outcome.DECLINED,
}
_CHECKS = ("cvc_check", "address_line1_check", "address_postal_code_check")
_MOVEMENTS = ("capture", "void", "refund")


class _Unreadable(Exception):
    """The answer is not one that this adapter understands: the outcome is unknown."""


class Simulator:
    """Settings: ``origin``, ``fee_percent_hundredths``, ``fee_fixed_minor`` and, for a private CA, ``ca_file``."""

    name = "simulator"

    def manifest(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        places = {
            "card.number": "body:card.number",
            "card.exp_month": "body:card.exp_month",
            "card.exp_year": "body:card.exp_year",
            "card.cvc": "body:card.cvc",
        }
        slots = [
            {"slot": slot, "method": "POST", "path": _CARD_PATH, "place": place} for slot, place in places.items()
        ]
        slots.append({"slot": "secret.simulator_key", "method": "*", "path": ".*", "place": "header:authorization"})
        return {
            "name": self.name,
            "origins": [settings["origin"]],
            "ca_file": settings.get("ca_file"),
            "slots": slots,
            "derived": [
                {"kind": value.kind, "key": value.key, "method": "POST", "path": ".*", "header": header}
                for header, value in (("content-digest", _DIGEST), ("x-signature", _SIGNATURE))
            ],
            "reference_fields": ["reference", "id", "authorization", "network_transaction_id", "redirect_url"],
        }

    def fee(self, settings: Mapping[str, Any], amount: int, currency: str) -> int:
        """A percentage, rounded half up to the minor unit, plus a fixed part in the same currency's minor units.

        ``fee_percent_hundredths`` is in hundredths of a percent: 290 is 2.90 %. The currency makes no difference here.
        """
        return (amount * settings["fee_percent_hundredths"] + 5_000) // 10_000 + settings["fee_fixed_minor"]

    def authorize(self, request: Authorize) -> Steps:
        body: dict[str, Any] = {
            "reference": request.step,
            "amount": request.amount,
            "currency": request.currency,
            "capture": request.capture,
            "off_session": request.off_session,
            "setup": request.setup,
            "three_d_secure": request.three_d_secure,
            "return_url": request.return_url,
            "network_transaction_id": request.network_transaction_id,
            "billing": {"line1": request.has_line1, "postal_code": request.has_postal_code},
        }
        reply = yield _order(request, "/authorizations", _with_card(body, request.has_cvc), card=request.card)
        return _read(reply, lambda said: _authorization(request, said, reference=request.step, amount=request.amount))

    def complete(self, request: Complete) -> Steps:
        body = {"reference": request.step, "authorization": request.processor_reference}
        reply = yield _order(request, "/authorizations/complete", _json(body))
        return _read(reply, lambda said: _authorization(request, said, reference=request.step))

    def capture(self, request: Capture) -> Steps:
        body = {
            "reference": request.step,
            "authorization": request.processor_reference,
            "amount": request.amount,
            "final": request.final,
        }
        reply = yield _order(request, "/captures", _json(body))
        return _read(reply, lambda said: _movement(said, reference=request.step, amount=request.amount))

    def void(self, request: Void) -> Steps:
        body = {"reference": request.step, "authorization": request.processor_reference}
        reply = yield _order(request, "/voids", _json(body))
        return _read(reply, lambda said: _movement(said, reference=request.step))

    def refund(self, request: Refund) -> Steps:
        body = {"reference": request.step, "authorization": request.processor_reference, "amount": request.amount}
        reply = yield _order(request, "/refunds", _json(body))
        return _read(reply, lambda said: _movement(said, reference=request.step, amount=request.amount))

    def inquire(self, request: Inquire) -> Steps:
        reply = yield _order(request, "/inquiries", _json({"reference": request.reference}))
        result = _read(reply, lambda said: _fate(request, said))
        if result.outcome is Outcome.FAILED:
            return Result(Outcome.UNKNOWN, reason=result.reason)
        return result

    def reverse(self, request: Reverse) -> Steps:
        reply = yield _order(request, "/reversals", _json({"reference": request.reference}))
        return _read(reply, lambda said: _reversal(said, reference=request.reference))


PROCESSOR = Simulator()


def _json(body: Mapping[str, Any]) -> tuple[Part, ...]:
    return (json.dumps(body, separators=(",", ":")).encode(),)


def _with_card(body: Mapping[str, Any], has_cvc: bool) -> tuple[Part, ...]:
    """``body`` with a card object of slots as its last member."""
    (plain,) = _json(body)
    assert isinstance(plain, bytes)
    parts: list[Part] = [plain.removesuffix(b"}") + b',"card":{"number":"', Slot("card.number", "json")]
    for name in ("exp_month", "exp_year", *(["cvc"] if has_cvc else [])):
        parts += [b'","%s":"' % name.encode(), Slot(f"card.{name}", "json")]
    return (*parts, b'"}}')


def _order(request: Request, path: str, body: tuple[Part, ...], *, card: str | None = None) -> Order:
    return Order(
        step=request.step,
        processor=PROCESSOR.name,
        method="POST",
        url=request.settings["origin"] + path,
        headers=(
            ("authorization", (b"Bearer ", Slot("secret.simulator_key", "ascii"))),
            ("content-type", (b"application/json",)),
            ("content-digest", (b"sha-256=:", _DIGEST, b":")),
            ("x-signature", (b"t=", SentAt(), b",v1=", _SIGNATURE)),
        ),
        body=body,
        send_before_ms=request.send_before_ms,
        timeout_ms=request.timeout_ms,
        card=card,
    )


def _read(reply: Reply, understand: Callable[[dict[str, Any]], Result]) -> Result:
    """What ``reply`` proves, and UNKNOWN for all that it does not."""
    match reply:
        case NotSent(reason=reason):
            return Result(Outcome.FAILED, reason=reason)
        case Lost(reason=reason):
            return Result(Outcome.UNKNOWN, reason=reason)
        case Answered(status=status, body=body):
            try:
                said = _object(json.loads(body))
                if status == 200:
                    return understand(said)
                code = _text(_object(said.get("error")), "code")
            except (ValueError, RecursionError, _Unreadable):
                return Result(Outcome.UNKNOWN, reason=f"unreadable_{status}")
            if (status, code) in _REFUSALS:
                return Result(Outcome.FAILED, reason=code)
            return Result(Outcome.UNKNOWN, reason=f"status_{status}")


def _authorization(request: Request, said: dict[str, Any], *, reference: str, amount: int | None = None) -> Result:
    _same(said, "reference", reference)
    if amount is not None:
        _same(said, "amount", amount)
    status = _text(said, "status")
    if status not in _STATUSES:
        raise _Unreadable
    outcome = _STATUSES[status]
    decline_code = _optional_text(said, "decline_code")
    if status in ("voided", "reversed"):
        decline_code = REVERSED
    if (outcome is Outcome.DECLINED) != (decline_code is not None):
        raise _Unreadable
    redirect_url = _optional_text(said, "redirect_url")
    if outcome is Outcome.ACTION_REQUIRED:
        if redirect_url is None or not redirect_url.startswith(request.settings["origin"] + "/"):
            raise _Unreadable
    else:
        redirect_url = None
    checks = _object(said.get("checks"))
    trial = said.get("three_d_secure")
    if trial is not None:
        trial = {name: _optional_text(_object(trial), name) for name in _object(trial)}
    refused = outcome is Outcome.DECLINED
    amount_held, captured = _whole(said, "amount"), _whole(said, "captured_amount")
    at_once = said.get("funds_available_at_once")
    if not isinstance(at_once, bool):
        raise _Unreadable
    return Result(
        outcome,
        processor_reference=_text(said, "id"),
        decline_code=decline_code,
        network_decline_code=_optional_text(said, "network_decline_code"),
        advice_code=_optional_text(said, "advice_code"),
        checks={name: _optional_text(checks, name) for name in _CHECKS},
        redirect_url=redirect_url,
        three_d_secure=trial,
        network_transaction_id=_optional_text(said, "network_transaction_id"),
        amount=None if refused else amount_held,
        captured_amount=None if refused else captured,
        expires_at=_whole(said, "expires_at"),
        funds_available_at_once=at_once,
    )


def _movement(said: dict[str, Any], *, reference: str, amount: int | None = None) -> Result:
    _same(said, "reference", reference)
    if amount is not None:
        _same(said, "amount", amount)
    status, id_, moved = _text(said, "status"), _text(said, "id"), _whole(said, "amount")
    decline_code = _optional_text(said, "decline_code")
    if status == "approved" and decline_code is None:
        return Result(Outcome.APPROVED, processor_reference=id_, amount=moved)
    if status == "declined" and decline_code is not None:
        return Result(Outcome.DECLINED, processor_reference=id_, decline_code=decline_code)
    raise _Unreadable


def _fate(request: Inquire, said: dict[str, Any]) -> Result:
    _same(said, "reference", request.reference)
    if said.get("found") is False:
        return Result(Outcome.NOT_FOUND)
    _same(said, "found", True)
    if _text(said, "kind") in _MOVEMENTS:
        return _movement(said, reference=request.reference)
    return _authorization(request, said, reference=request.reference)


def _reversal(said: dict[str, Any], *, reference: str) -> Result:
    _same(said, "reference", reference)
    if said.get("found") is False:
        return Result(Outcome.NOT_FOUND)
    _same(said, "found", True)
    if _text(said, "status") in ("reversed", "declined"):
        return Result(Outcome.APPROVED, amount=_whole(said, "returned_amount"))
    raise _Unreadable


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unreadable
    return value


def _same(said: dict[str, Any], name: str, expected: str | int) -> None:
    if type(said.get(name)) is not type(expected) or said[name] != expected:
        raise _Unreadable


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 2_000:
        raise _Unreadable
    return value


def _optional_text(said: dict[str, Any], name: str) -> str | None:
    return None if said.get(name) is None else _text(said, name)


def _whole(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 <= value < 10**15:
        raise _Unreadable
    return value
