"""The adapter for Lockgate's own simulator: signed JSON over HTTPS, one order a step."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.processors import simulator_answers as answers
from lockgate.gateway.processors.contract import (
    AcceptDispute,
    Asks,
    Authorize,
    Body,
    CancelPayout,
    Capture,
    Changes,
    Complete,
    Derived,
    DisputeFound,
    Increment,
    Inquire,
    InquireDispute,
    InquirePayout,
    InquireWarning,
    ListChanges,
    Notice,
    Order,
    Outcome,
    Payout,
    PayoutFound,
    Refund,
    Request,
    Result,
    Reverse,
    ReversePayout,
    SentAt,
    Slot,
    Steps,
    SubmitEvidence,
    Void,
    WarningFound,
)
from lockgate.kernel.orders import Part

_CARD_PATH = "^/authorizations$"
_DIGEST = Derived("hash", "sha256", (Body(),), "base64")
_SIGNATURE = Derived("hmac", "sha256", (SentAt(), b".", Body()), "hex", key="secret.simulator_signing_key")


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
            "notifications": {
                "header": "x-signature", "scheme": "hmac-sha256-t-v1", "secret": "simulator_notification_key",
            },
            "reference_fields": [
                "reference", "id", "step", "authorization", "dispute", "payout",
                "network_transaction_id", "redirect_url", "since", "cursor",
            ],
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
        filled = _with_card(_told(request, body), request.has_cvc)
        reply = yield _order(request, "/authorizations", filled, card=request.card)
        origin, amount = request.settings["origin"], request.amount
        return answers.read(
            reply, lambda said: answers.authorization(said, origin=origin, reference=request.step, amount=amount)
        )

    def complete(self, request: Complete) -> Steps:
        reply = yield _asked(request, "/authorizations/complete", authorization=request.processor_reference)
        origin = request.settings["origin"]
        return answers.read(reply, lambda said: answers.authorization(said, origin=origin, reference=request.step))

    def increment(self, request: Increment) -> Steps:
        reply = yield _asked(
            request, "/increments", authorization=request.processor_reference, amount=request.amount
        )
        return answers.read(reply, lambda said: answers.movement(said, reference=request.step, amount=request.amount))

    def capture(self, request: Capture) -> Steps:
        reply = yield _asked(
            request,
            "/captures",
            authorization=request.processor_reference,
            amount=request.amount,
            final=request.final,
        )
        return answers.read(reply, lambda said: answers.movement(said, reference=request.step, amount=request.amount))

    def void(self, request: Void) -> Steps:
        reply = yield _asked(request, "/voids", authorization=request.processor_reference)
        return answers.read(reply, lambda said: answers.movement(said, reference=request.step))

    def refund(self, request: Refund) -> Steps:
        reply = yield _asked(request, "/refunds", authorization=request.processor_reference, amount=request.amount)
        return answers.read(reply, lambda said: answers.refund(said, reference=request.step, amount=request.amount))

    def inquire(self, request: Inquire) -> Steps:
        reply = yield _order(request, "/inquiries", _json(_told(request, {"reference": request.reference})))
        origin = request.settings["origin"]
        result = answers.read(reply, lambda said: answers.fate(said, origin=origin, reference=request.reference))
        if result.outcome is Outcome.FAILED:
            return Result(Outcome.UNKNOWN, reason=result.reason)
        return result

    def reverse(self, request: Reverse) -> Steps:
        reply = yield _order(request, "/reversals", _json(_told(request, {"reference": request.reference})))
        return answers.read(reply, lambda said: answers.reversal(said, reference=request.reference))

    def payout(self, request: Payout) -> Steps:
        reply = yield _asked(
            request,
            "/payouts",
            amount=request.amount,
            currency=request.currency,
            arrival_date=request.arrival_date,
            statement_descriptor=request.statement_descriptor,
        )
        return answers.read(reply, lambda said: answers.movement(said, reference=request.step, amount=request.amount))

    def cancel_payout(self, request: CancelPayout) -> Steps:
        reply = yield _asked(request, "/payouts/cancel", payout=request.processor_reference)
        return answers.read(reply, lambda said: answers.order(said, reference=request.step))

    def reverse_payout(self, request: ReversePayout) -> Steps:
        reply = yield _asked(request, "/payouts/reverse", payout=request.processor_reference, amount=request.amount)
        return answers.read(reply, lambda said: answers.movement(said, reference=request.step, amount=request.amount))

    def submit_evidence(self, request: SubmitEvidence) -> Steps:
        reply = yield _asked(
            request,
            "/disputes/evidence",
            dispute=request.dispute,
            fields=list(request.fields),
            text=request.text,
            submit=request.submit,
        )
        return answers.read(reply, lambda said: answers.order(said, reference=request.step))

    def accept_dispute(self, request: AcceptDispute) -> Steps:
        reply = yield _asked(request, "/disputes/accept", dispute=request.dispute)
        return answers.read(reply, lambda said: answers.order(said, reference=request.step))

    def inquire_dispute(self, request: InquireDispute) -> Asks[DisputeFound]:
        reply = yield _order(request, "/disputes/inquiries", _json(_told(request, {"dispute": request.reference})))
        return answers.learn(reply, lambda said: answers.dispute(said, reference=request.reference))

    def inquire_warning(self, request: InquireWarning) -> Asks[WarningFound]:
        reply = yield _order(request, "/warnings/inquiries", _json(_told(request, {"warning": request.reference})))
        return answers.learn(reply, lambda said: answers.warning(said, reference=request.reference))

    def inquire_payout(self, request: InquirePayout) -> Asks[PayoutFound]:
        reply = yield _order(request, "/payouts/inquiries", _json(_told(request, {"payout": request.reference})))
        return answers.learn(reply, lambda said: answers.payout(said, reference=request.reference))

    def list_changes(self, request: ListChanges) -> Asks[Changes]:
        body = {"cursor": request.cursor, "limit": request.limit}
        reply = yield _order(request, "/changes", _json(_told(request, body)))
        return answers.learn(reply, lambda said: answers.changes(said, since=request.cursor, limit=request.limit))

    def notification(self, settings: Mapping[str, Any], body: bytes) -> Notice | None:
        return answers.notice(body)


PROCESSOR = Simulator()


def _json(body: Mapping[str, Any]) -> tuple[Part, ...]:
    return (json.dumps(body, separators=(",", ":")).encode(),)


def _told(request: Request, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """``body`` with the account's own time, where it has one."""
    return body if request.now is None else {**body, "now": request.now}


def _asked(request: Request, path: str, **fields: Any) -> Order:
    """The order of a step without a card."""
    return _order(request, path, _json(_told(request, {"reference": request.step, **fields})))


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
