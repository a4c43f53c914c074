"""Setup intents, without IO: saving a card for later payments, with the cardholder's consent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from lockgate.gateway.customers.core.attach import keepable
from lockgate.gateway.customers.core.params import PAYMENT_METHOD_DATA
from lockgate.gateway.customers.core.shapes import OTHER_TYPES
from lockgate.gateway.payments.core.decline import Decline, decline
from lockgate.gateway.payments.core.records import dumps
from lockgate.gateway.payments.core.settle import FIRST_CHECK_MS, STATE_OF
from lockgate.gateway.payments.core.shapes import LAST_ERROR, NEXT_ACTION, THREE_D_SECURE
from lockgate.gateway.payments.core.transitions import ATTEMPT, INDEFINITE, move
from lockgate.gateway.processors.contract import AUTHENTICATION_FAILED, REVERSED, Outcome, Result
from lockgate.gateway.storage.rows import AttemptRow, PaymentMethodRow, SetupIntentRow
from lockgate.kernel.params import (
    Array,
    Boolean,
    Choice,
    Listing,
    Metadata,
    Object,
    Only,
    Param,
    Range,
    Text,
    Unsupported,
    clearable,
    optional,
    required,
)
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
AUTHENTICATION_FAILURE = "setup_intent_authentication_failure"

_CARDS_ONLY = "Cards are the only payment methods so far."
_NO_MANDATES = "Mandates are not offered; the cardholder's consent is kept with the PaymentMethod."
_NO_CONNECT = "Lockgate moves money for its own account only."
_LATER = "Lockgate has no such feature."
_CUSTOMERS = "Customers are cus_ objects only."
_ID = Text(255)


def _refused(names: str, why: str) -> dict[str, Param]:
    return {name: optional(Unsupported(why)) for name in names.split()}


_CARD_OPTIONS = Object(
    {
        "request_three_d_secure": optional(Choice(*THREE_D_SECURE)),
        "mandate_options": optional(Unsupported(_NO_MANDATES)),
        "network": optional(Unsupported("The network is chosen by the processor.")),
        **_refused("moto setup_credential_usage three_d_secure", _LATER),
    }
)
_OPTIONS = Object({"card": clearable(_CARD_OPTIONS), **_refused(" ".join(OTHER_TYPES), _CARDS_ONLY)})
_METHOD: dict[str, Param] = {
    "payment_method": optional(_ID),
    "payment_method_data": optional(PAYMENT_METHOD_DATA),
    "payment_method_options": optional(_OPTIONS),
    **_refused("allowed_payment_method_types", _CARDS_ONLY),
}
_CONFIRMING: dict[str, Param] = {
    "return_url": optional(Text(2048, pattern=r"(?:https?://|[a-z][a-z0-9+.-]*://)[!-~]+")),
    "use_stripe_sdk": optional(Boolean(), "Accepted; the next action is always a redirect."),
    **_refused("mandate_data", _NO_MANDATES),
    **_refused("confirmation_token", _LATER),
}
_DESCRIBING: dict[str, Param] = {
    "description": clearable(Text(1000)),
    "metadata": clearable(Metadata()),
    **_refused("attach_to_self flow_directions", _NO_CONNECT),
    **_refused("customer_account", _CUSTOMERS),
    **_refused("excluded_payment_method_types payment_method_configuration", _CARDS_ONLY),
}
_TYPES = Only(Array(Text(40, pattern="[a-z0-9_]+"), 20), lambda kinds: kinds == ["card"], _CARDS_ONLY)
_SECRET = optional(Text(255, secret=True))

CREATE = Object(
    {
        "automatic_payment_methods": optional(
            Object({"enabled": required(Boolean()), "allow_redirects": optional(Choice("always", "never"))})
        ),
        "confirm": optional(Boolean()),
        "customer": optional(_ID),
        "payment_method_types": optional(_TYPES),
        "usage": optional(Choice("off_session", "on_session")),
        **_refused("on_behalf_of", _NO_CONNECT),
        **_refused("single_use", _NO_MANDATES),
        **_METHOD,
        **_CONFIRMING,
        **_DESCRIBING,
    }
)
UPDATE = Object(
    {
        "customer": optional(_ID),
        "payment_method_types": optional(_TYPES),
        **_METHOD,
        **_DESCRIBING,
    }
)
CONFIRM = Object(
    {
        "client_secret": _SECRET,
        "expected_payment_method_type": optional(Only(Text(40), lambda kind: kind == "card", _CARDS_ONLY)),
        **_METHOD,
        **_CONFIRMING,
    }
)
CANCEL = Object(
    {"cancellation_reason": optional(Choice("abandoned", "duplicate", "requested_by_customer"))}
)
GET = Object({"client_secret": _SECRET})
LIST = Listing(
    {
        "created": optional(Range()),
        "customer": optional(_ID),
        "payment_method": optional(_ID),
        **_refused("attach_to_self", _NO_CONNECT),
        **_refused("customer_account", _CUSTOMERS),
    }
).object()

_NULL = {"type": "null"}


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SETUP_INTENT = Shape(
    "setup_intent",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("setup_intent"), default="setup_intent", public=True),
        "allowed_payment_method_types": Field(list_of(STRING), nullable=True),
        "application": Field(STRING, nullable=True),
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
        "latest_attempt": Field(STRING, nullable=True),
        "livemode": Field(BOOLEAN, public=True),
        "managed_payments": Field(OBJECT, nullable=True),
        "mandate": Field(STRING, nullable=True),
        "metadata": Field(METADATA, default={}),
        "next_action": Field(NEXT_ACTION, nullable=True, public=True),
        "on_behalf_of": Field(STRING, nullable=True),
        "payment_method": Field(STRING, nullable=True, expands="payment_method", public=True),
        "payment_method_configuration_details": Field(OBJECT, nullable=True),
        "payment_method_options": Field(
            _closed(
                card=_closed(mandate_options=_NULL, network=_NULL, request_three_d_secure=one_of(*THREE_D_SECURE))
            ),
            nullable=True,
        ),
        "payment_method_types": Field(list_of(STRING), default=["card"], public=True),
        "single_use_mandate": Field(STRING, nullable=True),
        "status": Field(one_of(*STATES), public=True),
        "usage": Field(one_of("off_session", "on_session"), default="off_session", public=True),
    },
)


@dataclass(frozen=True, slots=True)
class Setup:
    """A setup intent in the hand: its row, with its JSON and its personal fields already read.

    ``data`` is what the API shows and no column holds, and ``return_url``, which it shows in the next action only.
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
        """The next version: ``status`` by the table, the given columns, ``data`` laid over, ``personal`` replaced."""
        row = self.row._replace(
            version=self.row.version + 1, status=move(STATES, self.row.status, status or self.row.status), **columns
        )
        return Setup(row, {**self.data, **(data or {})}, self.personal if personal is None else personal)


class Settled(NamedTuple):
    """What an answer makes of a setup intent. ``events`` are types of events about the setup intent itself.

    ``method`` is the payment method as it now stands, if it changed. ``declined`` is the refusal to answer with;
    ``not_sent`` says that nothing happened and the request may be tried again; ``fault`` is a parameter that turned out
    to be needed.
    """

    setup: Setup
    attempt: AttemptRow
    method: PaymentMethodRow | None = None
    events: tuple[str, ...] = ()
    declined: Decline | None = None
    not_sent: bool = False
    fault: str | None = None


def settle(
    setup: Setup,
    attempt: AttemptRow,
    result: Result,
    *,
    method: PaymentMethodRow,
    shown: Mapping[str, Any],
    now_ms: int,
) -> Settled:
    """The end, or the next step, of an attempt to verify a card. ``shown`` is ``method`` as the API shows it."""
    detail = json.loads(attempt.data)
    if result.outcome is Outcome.FAILED and attempt.state != "open":
        # The merchant was told that it is processing: she must be told that it failed.
        result = Result(Outcome.DECLINED, decline_code=REVERSED, reason=result.reason)
    outcome, fault = result.outcome, None
    if outcome is Outcome.ACTION_REQUIRED and not detail["return_url"]:
        outcome, fault = Outcome.DECLINED, "return_url"  # a challenge that nobody could come back from
    state = STATE_OF[outcome]
    after = attempt._replace(
        version=attempt.version + 1,
        state=move(ATTEMPT, attempt.state, state),
        processor_reference=result.processor_reference or attempt.processor_reference,
        next_check_ms=max(now_ms + FIRST_CHECK_MS, attempt.next_check_ms or 0) if state in INDEFINITE else None,
        data=dumps({**detail, "continuation": dict(result.continuation), "announced": True}),
    )
    born = ("setup_intent.created",) if detail["born"] and not detail.get("announced") else ()
    if fault or outcome is Outcome.FAILED:
        return Settled(_as_before(setup, detail), after, not_sent=fault is None, fault=fault)
    if outcome is Outcome.APPROVED:
        done = setup.after("succeeded", attempt=None, data={"next_action": None}, personal={})
        saved = None
        if keepable(method, setup.row.customer):
            saved = consented(method, setup.row.customer, usage=setup.data["usage"], result=result)
        return Settled(done, after, saved, (*born, "setup_intent.succeeded"))
    if outcome is Outcome.DECLINED:
        refused = refusal(result)
        error = {**refused.error(charge=None), "payment_method": dict(shown)}
        if refused.code == AUTHENTICATION_FAILURE:
            error["type"] = "invalid_request_error"
        failed = setup.after(
            "requires_payment_method",
            attempt=None,
            payment_method=None,
            data={"next_action": None},
            personal={"last_setup_error": error},
        )
        return Settled(failed, after, None, (*born, "setup_intent.setup_failed"), declined=refused)
    if outcome is Outcome.ACTION_REQUIRED:
        redirect = {"url": result.redirect_url, "return_url": detail["return_url"]}
        waiting = setup.after(
            "requires_action",
            attempt=detail.get("verify", attempt.id),
            data={"next_action": {"type": "redirect_to_url", "redirect_to_url": redirect}},
        )
        news = () if attempt.action == "complete" else ("setup_intent.requires_action",)
        return Settled(waiting, after, None, born + news)
    return Settled(setup.after(), after, None, born)


def refusal(result: Result) -> Decline:
    """The decline, with the setup intent's own word for a failed challenge."""
    refused = decline(
        result.decline_code, network_decline_code=result.network_decline_code, advice_code=result.advice_code
    )
    if result.decline_code == AUTHENTICATION_FAILED:
        return replace(refused, code=AUTHENTICATION_FAILURE)
    return refused


def _as_before(setup: Setup, detail: Mapping[str, Any]) -> Setup:
    if detail["born"]:  # its creation failed and was never announced: nobody may find it usable
        return setup.after("canceled", attempt=None)
    return setup.after(
        detail["before"],
        attempt=detail["before_attempt"],
        payment_method=detail["before_method"],
        data=detail["before_data"],
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
