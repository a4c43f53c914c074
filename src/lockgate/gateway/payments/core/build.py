"""Builds the rows of a payment: a new intent, its changes, and the attempts that go out for it."""

import re
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.payments.core import amounts
from lockgate.gateway.payments.core.records import Charge, Intent, dumps
from lockgate.gateway.payments.core.settle import on_statement
from lockgate.gateway.payments.core.shapes import CARD_OPTIONS
from lockgate.gateway.risk.core.verdict import Assessment
from lockgate.gateway.storage.rows import AttemptRow, PaymentIntentRow
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.params import UNSET
from lockgate.kernel.principal import Principal

SEND_WITHIN_MS = 5_000
TIMEOUT_MS = 20_000
LEASE_MS = SEND_WITHIN_MS + TIMEOUT_MS + 2_000
"""After this long an attempt that nobody concluded is recovery's."""

AUTOMATIC_METHODS_SINCE = "2023-08-16"
_PERSONAL = ("receipt_email", "shipping")
_PLAIN = ("description", "statement_descriptor", "statement_descriptor_suffix", "setup_future_usage", "capture_method")
_NO_PARTS = {"carrier": None, "phone": None, "tracking_number": None}
_NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
_ORDERED = {
    "capture_method": "automatic", "payment_method_options": {"card": CARD_OPTIONS}, "setup_future_usage": None,
}  # fmt: skip
ORDERED = frozenset(_ORDERED)
"""What an authorisation is ordered with, beside its card and amount: it cannot change under a challenge."""

_ONLY_WHEN_CONFIRMING = (
    "return_url", "off_session", "error_on_requires_action", "mandate", "mandate_data", "radar_options",
)  # fmt: skip


def new_intent(
    params: Mapping[str, Any], principal: Principal, *, id_: str, now: int, api_version: str, method: str | None
) -> Intent:
    """The intent that ``params`` (read by CREATE) ask for, not yet confirmed."""
    currency = amounts.currency(params["currency"])
    amount = amounts.chargeable(params["amount"], currency)
    customer = params.get("customer")
    if "payment_method_types" in params and "automatic_payment_methods" in params:
        raise invalid(
            "Only one of automatic_payment_methods and payment_method_types may be sent.",
            param="automatic_payment_methods",
            code="parameters_exclusive",
        )
    data, personal = changes(params, {})
    personal = {name: value for name, value in personal.items() if value is not None}
    automatic = params.get("automatic_payment_methods")
    if automatic is None and "payment_method_types" not in params and api_version[:10] >= AUTOMATIC_METHODS_SINCE:
        automatic = {"enabled": True}
    if automatic and automatic["enabled"]:
        data["automatic_payment_methods"] = {"allow_redirects": "always", **automatic}
    if params.get("confirmation_method") == "manual":
        data["confirmation_method"] = "manual"
    row = PaymentIntentRow(
        account=principal.account,
        livemode=principal.livemode,
        id=id_,
        version=1,
        created=now,
        status="requires_confirmation" if method else "requires_payment_method",
        amount=amount,
        amount_capturable=0,
        amount_received=0,
        currency=currency,
        customer=customer,
        payment_method=method,
        latest_charge=None,
        attempt=None,
        expires_at=None,
        subject=customer or id_,
        data="",
        personal=None,
    )
    return Intent(row, data, personal, bool(personal))


def changes(params: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What ``params`` change in an intent's ``data`` and in its personal fields; cleared ones become None."""
    data: dict[str, Any] = {name: params[name] or None for name in _PLAIN if name in params}
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        if data.get(name) is not None:
            data[name] = _descriptor(data[name], name)
    if "metadata" in params:
        data["metadata"] = merged(params["metadata"], before.get("metadata", {}))
    options = (params.get("payment_method_options") or {}).get("card")
    if options is not None:
        shown = {name: value for name, value in (options or {}).items() if name in CARD_OPTIONS}
        data["payment_method_options"] = {"card": {**CARD_OPTIONS, **shown}}
    personal: dict[str, Any] = {name: params[name] or None for name in _PERSONAL if name in params}
    given = personal.get("shipping")
    if given is not None:
        shipping = {name: value or None for name, value in given.items()}
        address = {name: value or None for name, value in given["address"].items()}
        personal["shipping"] = {**_NO_PARTS, **shipping, "address": {**_NO_ADDRESS, **address}}
    return data, personal


def merged(given: Any, before: Mapping[str, str]) -> dict[str, str]:
    """Metadata after a request: an empty value deletes its key, an empty whole deletes all."""
    if given is UNSET:
        return {}
    after = {**before, **given}
    after = {key: value for key, value in after.items() if value != ""}
    if len(after) > 50:
        raise invalid("metadata can hold at most 50 keys.", param="metadata")
    return after


def check_confirming(params: Mapping[str, Any], *, usage: str | None, confirms: bool) -> None:
    """Refuse what only makes sense with a confirmation, or not together. ``usage``: the intent's setup_future_usage."""
    if not confirms:
        for name in _ONLY_WHEN_CONFIRMING:
            if params.get(name):
                raise invalid(f"{name} can only be used together with confirm=true.", param=name)
    if params.get("mandate_data") and usage != "off_session":
        raise invalid(
            "mandate_data goes with setup_future_usage=off_session: a mandate is the leave to charge later.",
            param="mandate_data",
        )
    if is_off_session(params) and "payment_method_data" in params:
        raise invalid("off_session needs a saved payment_method.", param="payment_method", code="parameter_missing")
    if is_off_session(params) and usage:
        raise invalid(
            "off_session and setup_future_usage exclude each other: the cardholder must be there to consent.",
            param="off_session",
            code="parameters_exclusive",
        )


def check_ordered(params: Mapping[str, Any], before: Mapping[str, Any], *, return_url: str | None) -> None:
    """Refuse to change, while a challenge is finished, what the processor was told when it began."""
    told = {**_ORDERED, **before, "return_url": return_url}
    asked = {**told, **changes(params, before)[0], "return_url": params.get("return_url", return_url)}
    other = [name for name in (*_ORDERED, "return_url") if asked[name] != told[name]]
    if is_off_session(params):
        other.append("off_session")
    if other:
        raise invalid(
            f"{other[0]} cannot change while the cardholder is being authenticated. "
            "Send a payment_method to begin anew.",
            param=other[0],
        )


def check_methods(params: Mapping[str, Any]) -> None:
    """Refuse two payment methods in one request."""
    if "payment_method" in params and "payment_method_data" in params:
        raise invalid(
            "Only one of payment_method and payment_method_data may be sent.",
            param="payment_method_data",
            code="parameters_exclusive",
        )


def is_off_session(params: Mapping[str, Any]) -> bool:
    """Whether the cardholder is absent."""
    return params.get("off_session", "false") != "false"


def attempt(
    intent: Intent,
    action: str,
    *,
    id_: str,
    charge: str | None,
    processor: str,
    amount: int,
    now: int,
    now_ms: int,
    detail: Mapping[str, Any],
    reference: str | None = None,
) -> AttemptRow:
    """An attempt that is about to be sent. ``detail`` holds what is needed to conclude it without the request."""
    row = intent.row
    return AttemptRow(
        account=row.account,
        livemode=row.livemode,
        id=id_,
        version=1,
        created=now,
        action=action,
        state="open",
        intent=row.id,
        charge=charge,
        refund=None,
        processor=processor,
        amount=amount,
        currency=row.currency,
        processor_reference=reference,
        send_before_ms=now_ms + SEND_WITHIN_MS,
        next_check_ms=now_ms + LEASE_MS,
        checks=0,
        data=dumps({name: value for name, value in detail.items() if value not in (None, False)}),
    )


def judged(attempt: AttemptRow, detail: Mapping[str, Any], assessment: Assessment, *, now_ms: int) -> AttemptRow:
    """``attempt``, opened with ``detail``, with its verdict: what concludes it says so on the charge, and acts on it.

    What a person is to look at is held, not taken. It may be sent from now on: a verdict may have taken its time.
    """
    holds = assessment.review and bool(detail.get("capture"))
    said = {name: value for name, value in assessment.outcome.items() if value is not None}
    more = {"verdict": said, "review": assessment.review, "capture": bool(detail.get("capture")) and not holds}
    kept = {name: value for name, value in {**detail, **more}.items() if value not in (None, False)}
    return attempt._replace(
        send_before_ms=now_ms + SEND_WITHIN_MS, next_check_ms=now_ms + LEASE_MS, data=dumps(kept)
    )


def three_d_secure(asked: str | None, *, challenge: bool) -> str:
    """How strongly the issuer is asked to challenge; ``challenge``: the verdict wants it, whatever was ``asked``."""
    return "any" if challenge and asked != "challenge" else asked or "automatic"


def descriptors(data: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What changed ``data`` of an intent says on the cardholder's statement, for its charge."""
    said = {name: value for name, value in data.items() if name.startswith("statement_descriptor")}
    return {**said, "calculated_statement_descriptor": on_statement({**before, **said})} if said else {}


def told(attempt: AttemptRow) -> int | None:
    """What time the processor is told it is: in test mode the account's own; in live mode it has a clock itself."""
    return None if attempt.livemode else attempt.created


def reserved(charge: Charge, amount: int) -> Charge:
    """``charge`` with ``amount`` of it in doubt; the row's own checks refuse more than was authorised."""
    return charge.after(capture_in_doubt=amount)


def busy() -> Refusal:
    """Somebody else is at work on the intent, or the outcome of the last order for it is not known yet."""
    return Refusal(
        Kind.CONFLICT,
        "Another request is at work on this PaymentIntent, or the outcome of its last one is not certain yet. "
        "Try again in a moment.",
        code="lock_timeout",
        should_retry=True,
    )


def unexpected_state(status: str, verb: str, *, allowed: str, shown: Mapping[str, Any]) -> Refusal:
    """The intent's state does not allow ``verb``."""
    cannot = f"You cannot {verb} this PaymentIntent"
    if verb == "capture":
        cannot = "This PaymentIntent could not be captured"
    return Refusal(
        Kind.INVALID,
        f"{cannot} because it has a status of {status}. "
        f"Only a PaymentIntent with one of the following statuses may be {allowed}.",
        code="payment_intent_unexpected_state",
        embed={"payment_intent": dict(shown)},
    )


def _descriptor(text: str, name: str) -> str:
    """What may stand on a cardholder's statement: letters at least one, and none of the signs networks refuse."""
    plain = text.isascii() and text.isprintable() and not re.search(r"[<>\\'\"*]", text)
    if not plain or not re.search("[A-Za-z]", text):
        raise invalid(f"The {name} must be plain Latin text with a letter, without < > \\ ' \" *.", param=name)
    if name == "statement_descriptor" and len(text) < 5:
        raise invalid("The statement_descriptor must have at least 5 characters.", param=name)
    return text
