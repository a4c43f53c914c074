"""Setup intents, without IO: saving a card for later payments, with the cardholder's consent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from lockgate.gateway.customers.core import mandates
from lockgate.gateway.customers.core.attach import keepable, used
from lockgate.gateway.payments.core import challenge, setup_attempts
from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import dumps
from lockgate.gateway.payments.core.settle import FIRST_CHECK_MS, STATE_OF
from lockgate.gateway.payments.core.settle_authorization import CVC_GONE
from lockgate.gateway.payments.core.setup_attempts import Tried
from lockgate.gateway.payments.core.shapes import LAST_ERROR, NEXT_ACTION, THREE_D_SECURE
from lockgate.gateway.payments.core.transitions import ATTEMPT, INDEFINITE, move
from lockgate.gateway.processors.contract import AUTHENTICATION_FAILED, REVERSED, Outcome, Result
from lockgate.gateway.storage.records import MandateRow
from lockgate.gateway.storage.rows import AttemptRow, PaymentMethodRow, SetupIntentRow
from lockgate.kernel.shapes import BOOLEAN, INTEGER, METADATA, OBJECT, STRING, Field, Shape, const, list_of, one_of

STATES: Mapping[str, frozenset[str]] = {
    "requires_payment_method": frozenset({"requires_confirmation", "processing", "canceled"}),
    "requires_confirmation": frozenset({"requires_payment_method", "processing", "canceled"}),
    "requires_action": frozenset({"requires_confirmation", "processing", "canceled"}),
    # While an order is out; where it returns to without effect stands on its attempt.
    "processing": frozenset(
        {"requires_payment_method", "requires_confirmation", "requires_action", "succeeded", "canceled"}
    ),
    "succeeded": frozenset(),
    "canceled": frozenset(),
}
CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
CANCELABLE = CONFIRMABLE
UPDATABLE = CONFIRMABLE
ALWAYS_UPDATABLE = frozenset({"customer", "description", "metadata"})
AUTHENTICATION_FAILURE = "setup_intent_authentication_failure"

_NULL = {"type": "null"}


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SETUP_INTENT = Shape(
    "setup_intent",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("setup_intent"), default="setup_intent", public=True),
        "allowed_payment_method_types": Field(list_of(STRING), nullable=True),
        "application": Field(STRING, nullable=True, hollow=True),
        "attach_to_self": Field(BOOLEAN, nullable=True),
        "automatic_payment_methods": Field(
            _closed(allow_redirects=one_of("always", "never"), enabled=BOOLEAN), nullable=True, public=True
        ),
        "cancellation_reason": Field(
            one_of("abandoned", "duplicate", "requested_by_customer"), nullable=True, public=True
        ),
        "client_secret": Field(STRING, nullable=True, public=True),
        "created": Field(INTEGER, public=True),
        "customer": Field(STRING, nullable=True, expands="customer"),
        "customer_account": Field(STRING, nullable=True),
        "description": Field(STRING, nullable=True, public=True),
        "excluded_payment_method_types": Field(list_of(STRING), nullable=True),
        "flow_directions": Field(list_of(STRING), nullable=True),
        # Whole because it holds the payment method with its billing details.
        "last_setup_error": Field(LAST_ERROR, nullable=True, personal=True, public=True),
        "latest_attempt": Field(STRING, nullable=True, expands="setup_attempt"),
        "livemode": Field(BOOLEAN, public=True),
        "managed_payments": Field(OBJECT, nullable=True),
        "mandate": Field(STRING, nullable=True, expands="mandate"),
        "metadata": Field(METADATA, default={}),
        "next_action": Field(NEXT_ACTION, nullable=True, public=True),
        "on_behalf_of": Field(STRING, nullable=True, hollow=True),
        "payment_method": Field(STRING, nullable=True, expands="payment_method", public=True),
        "payment_method_configuration_details": Field(OBJECT, nullable=True),
        "payment_method_options": Field(
            _closed(
                card=_closed(mandate_options=_NULL, network=_NULL, request_three_d_secure=one_of(*THREE_D_SECURE))
            ),
            nullable=True,
        ),
        "payment_method_types": Field(list_of(STRING), default=["card"], public=True),
        "single_use_mandate": Field(STRING, nullable=True, expands="mandate"),
        "status": Field(one_of(*STATES), public=True),
        "usage": Field(one_of("off_session", "on_session"), default="off_session", public=True),
    },
)


@dataclass(frozen=True, slots=True)
class Setup:
    """A setup intent in the hand: its row, with its JSON and its personal fields already read.

    ``data`` is what the API shows and no column holds. ``personal`` is ``last_setup_error``, and while a try is under
    way the ``acceptance`` of the mandate that it shall end in.
    """

    row: SetupIntentRow
    data: Mapping[str, Any]
    personal: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def after(
        self,
        status: str | None = None,
        *,
        data: Mapping[str, Any] | None = None,
        personal: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> "Setup":
        """The next version: ``status`` by the table, the given columns, ``data`` and ``personal`` laid over the old."""
        row = self.row._replace(
            version=self.row.version + 1, status=move(STATES, self.row.status, status or self.row.status), **columns
        )
        kept = {name: value for name, value in {**self.personal, **(personal or {})}.items() if value is not None}
        return Setup(row, {**self.data, **(data or {})}, kept)


class Settled(NamedTuple):
    """What an answer makes of a setup intent. ``events`` are types of events about the setup intent itself.

    ``method`` is the payment method as it now stands, if it changed; ``tried`` are the setup attempts that did;
    ``mandate`` is given with the method, on the ``acceptance`` that ``setup`` had before. ``declined`` is the refusal
    to answer with; ``not_sent`` says that nothing happened and the request may be tried again; ``fault`` is a
    parameter that turned out to be needed.
    """

    setup: Setup
    attempt: AttemptRow
    method: PaymentMethodRow | None = None
    tried: tuple[Tried, ...] = ()
    mandate: MandateRow | None = None
    events: tuple[str, ...] = ()
    declined: Decline | None = None
    not_sent: bool = False
    fault: str | None = None


class Tries(NamedTuple):
    """The setup attempt that an order belongs to, and the challenged one that it took the place of."""

    latest: Tried
    replaced: Tried | None = None


def settle(
    setup: Setup,
    attempt: AttemptRow,
    result: Result,
    *,
    method: PaymentMethodRow,
    shown: Mapping[str, Any],
    tries: Tries,
    now: int,
    now_ms: int,
) -> Settled:
    """The end, or the next step, of an attempt to verify a card. ``shown`` is ``method`` as the API shows it."""
    detail = json.loads(attempt.data)
    if result.outcome is Outcome.FAILED and result.reason == CVC_GONE:
        result = Result(Outcome.DECLINED, decline_code=CVC_GONE)
    if result.outcome is Outcome.FAILED and attempt.state != "open":
        # The merchant was told that it is processing: she must be told that it failed.
        result = Result(Outcome.DECLINED, decline_code=REVERSED, reason=result.reason)
    way = None
    if result.outcome is Outcome.ACTION_REQUIRED:
        automatic = setup.data.get("automatic_payment_methods")
        way = challenge.way(
            script=detail.get("script", False), return_url=detail.get("return_url"), automatic=automatic
        )
        if way is None:
            refused = Result(Outcome.DECLINED, processor_reference=result.processor_reference)
            gone = setup_attempts.after(tries.latest, "abandoned")
            after = _attempt(attempt, refused, now_ms=now_ms)
            return Settled(_as_before(setup, detail), after, tried=(gone,), fault="return_url")
    after = _attempt(attempt, result, now_ms=now_ms)
    born = ("setup_intent.created",) if detail.get("born") and not detail.get("announced") else ()
    replaced = () if tries.replaced is None else (setup_attempts.after(tries.replaced, "abandoned"),)
    match result.outcome:
        case Outcome.FAILED:
            # An order to complete leaves its challenge as it is; one to verify never became a try.
            gone = () if attempt.action == "complete" else (setup_attempts.after(tries.latest, "abandoned"),)
            return Settled(_as_before(setup, detail), after, tried=gone, not_sent=True)
        case Outcome.APPROVED:
            return _approved(
                setup, after, result, detail=detail, method=method, tries=tries, now=now
            )._replace(events=(*born, "setup_intent.succeeded"))
        case Outcome.DECLINED:
            refused = refusal(result)
            error = {**refused.error(charge=None), "payment_method": dict(shown)}
            failed = setup.after(
                "requires_payment_method",
                attempt=None,
                payment_method=None,
                data={"next_action": None},
                personal={"last_setup_error": error, "acceptance": None},
            )
            tried = setup_attempts.after(tries.latest, "failed", result=result, error=error)
            events = (*born, "setup_intent.setup_failed")
            spent = used(method) if method.customer is None else None
            return Settled(failed, after, spent, (tried, *replaced), events=events, declined=refused)
        case Outcome.ACTION_REQUIRED:
            assert way is not None, "a challenge without a way was refused above"
            action = challenge.next_action(way, url=result.redirect_url, return_url=detail.get("return_url"))
            waiting = setup.after(
                "requires_action",
                attempt=detail.get("verify", attempt.id),
                data={"next_action": action},
                personal={"last_setup_error": None},
            )
            news = () if attempt.action == "complete" else ("setup_intent.requires_action",)
            tried = setup_attempts.after(tries.latest, "requires_action")
            return Settled(waiting, after, tried=(tried, *replaced), events=born + news)
        case _:
            return Settled(setup.after(), after, events=born)


def blocked(
    setup: Setup,
    attempt: AttemptRow,
    *,
    method: PaymentMethodRow,
    fresh: bool,
    shown: Mapping[str, Any],
    tries: Tries,
    now: int,
    now_ms: int,
) -> Settled:
    """The end of a try that its verdict stopped: nothing goes out, so that one commit writes it, open to closed.

    ``setup``, ``attempt`` and the latest try are as they would have been written before the order went out; ``fresh``:
    and so is the payment method.
    """
    result = Result(Outcome.DECLINED, decline_code="fraudulent", risk_level="highest")
    settled = settle(
        setup, attempt, result, method=method, shown=shown, tries=tries, now=now, now_ms=now_ms
    )
    ended, latest = settled.setup, settled.tried[0]
    spent = settled.method
    if spent is not None and fresh:
        spent = spent._replace(version=method.version)
    return settled._replace(
        setup=replace(ended, row=ended.row._replace(version=setup.row.version)),
        attempt=settled.attempt._replace(version=attempt.version),
        method=spent,
        tried=(
            replace(latest, row=latest.row._replace(version=tries.latest.row.version)), *settled.tried[1:],
        ),
    )


def _approved(
    setup: Setup,
    attempt: AttemptRow,
    result: Result,
    *,
    detail: Mapping[str, Any],
    method: PaymentMethodRow,
    tries: Tries,
    now: int,
) -> Settled:
    keeps = keepable(method, setup.row.customer)
    mandate = saved = None
    if keeps:
        saved = consented(method, setup.row.customer, usage=setup.data["usage"], result=result)
        if saved.customer is None:
            saved = used(saved)._replace(version=saved.version)
    if keeps and detail.get("gives_mandate") and setup.personal.get("acceptance"):
        mandate = mandates.given_with(
            method, id_=detail["gives_mandate"], intent=setup.row.id, subject=setup.row.subject, now=now
        )
    done = setup.after(
        "succeeded",
        attempt=None,
        data={"mandate": mandate.id if mandate else None, "next_action": None},
        personal={"last_setup_error": None, "acceptance": None},
    )
    tried = [setup_attempts.after(tries.latest, "succeeded", result=result)]
    if tries.replaced is not None:
        tried.append(setup_attempts.after(tries.replaced, "abandoned"))
    return Settled(done, attempt, saved, tuple(tried), mandate)


def _attempt(attempt: AttemptRow, result: Result, *, now_ms: int) -> AttemptRow:
    state = STATE_OF[result.outcome]
    detail = json.loads(attempt.data)
    if result.outcome is not Outcome.FAILED:
        detail["announced"] = True
    if result.continuation:
        detail["continuation"] = dict(result.continuation)
    return attempt._replace(
        version=attempt.version + 1,
        state=move(ATTEMPT, attempt.state, state),
        processor_reference=result.processor_reference or attempt.processor_reference,
        next_check_ms=max(now_ms + FIRST_CHECK_MS, attempt.next_check_ms or 0) if state in INDEFINITE else None,
        data=dumps(detail),
    )


def why_not(status: str, verb: str) -> str:
    """Why a setup intent in ``status`` cannot be confirmed, updated or canceled."""
    if status == "succeeded" and verb != "cancel":
        return f"You cannot {verb} this SetupIntent because it has already succeeded."
    if status == "canceled":
        word = "is already canceled" if verb == "cancel" else "has been canceled"
        return f"You cannot {verb} this SetupIntent because it {word}."
    done = {"confirm": "confirmed", "update": "updated", "cancel": "canceled"}[verb]
    return (
        f"You cannot {verb} this SetupIntent because it has a status of {status}. Only a SetupIntent with one of the "
        f"following statuses may be {done}: requires_payment_method, requires_confirmation, or requires_action."
    )


def refusal(result: Result) -> Decline:
    """The decline, with the setup intent's own word for a failed challenge."""
    refused = declines.of(result)
    if result.decline_code == AUTHENTICATION_FAILED:
        return replace(refused, code=AUTHENTICATION_FAILURE)
    return refused


def _as_before(setup: Setup, detail: Mapping[str, Any]) -> Setup:
    if detail["born"]:  # its creation failed and was never announced: nobody may find it usable
        return setup.after("canceled", attempt=None, personal={"acceptance": None})
    return setup.after(
        detail["before"],
        attempt=detail["before_attempt"],
        payment_method=detail["before_method"],
        data=detail["before_data"],
        personal={"acceptance": None},
    )


def options(params: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``payment_method_options`` as the API shows them."""
    card = (params.get("payment_method_options") or {}).get("card") or {}
    asked = card.get("request_three_d_secure") or (before or {}).get("card", {}).get("request_three_d_secure")
    return {"card": {"mandate_options": None, "network": None, "request_three_d_secure": asked or "automatic"}}


def consented(method: PaymentMethodRow, customer: str | None, *, usage: str, result: Result) -> PaymentMethodRow:
    """The saved card as its next version: its customer's own, with the consent that later payments refer to."""
    data = json.loads(method.data)
    data["consent"] = {
        "network_transaction_id": result.network_transaction_id,
        "off_session": usage == "off_session",
        "three_d_secure": result.three_d_secure is not None,
    }
    known = {name: check for name, check in result.checks.items() if check is not None}
    data["card"] = {**data["card"], "checks": {**(data["card"].get("checks") or {}), **known}}
    return method._replace(version=method.version + 1, customer=method.customer or customer, data=dumps(data))
