"""Creates a checkout session together with the intent that it leads to, in one commit.

The real service makes the intent when the shopper pays; here it is there from the start, so that the merchant's own
page can confirm it until there is a page of ours that takes the card.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate.gateway.checkout import render
from lockgate.gateway.checkout.core import items, requests, ui
from lockgate.gateway.checkout.core.sessions import Session, foreseen
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.customers import find as customers
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import keep, render_setups, setup_edit, shim
from lockgate.gateway.payments import render as payments_render
from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.core.setups import SETUP_INTENT
from lockgate.gateway.payments.core.shapes import PAYMENT_INTENT
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.records import CheckoutSessionRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import Refusal, invalid
from lockgate.kernel.ids import new_id, random_token
from lockgate.kernel.operations import Answer, Call

_PASSED_ON = ("billing_address_collection", "cancel_url", "client_reference_id", "locale", "submit_type", "success_url")
_RANDOM = 20
"""Letters on top of an id's own 80 random bits: whoever has a session's id sees what is bought."""


async def create(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/checkout/sessions."""
    params, who = call.params, call.principal
    mode = requests.ui_mode(params, version=call.api_version)
    requests.check_mode(params)
    expires_at = requests.expires_at(params, now=call.now)
    bought = _bought(params)
    known = await _known_email(ports, call)
    cause = causes.of_call(call)
    if params["mode"] == "payment":
        commit, made, happening = await _payment(ports, call, bought)
    else:
        commit, made, happening = await _setup(ports, call)
    id_ = new_id(f"cs_{'live' if who.livemode else 'test'}") + random_token(_RANDOM)
    personal: dict[str, Any] = {"customer_details": foreseen(known)} if known else {}
    if "customer_email" in params:
        personal["customer_email"] = params["customer_email"]
    is_payment = params["mode"] == "payment"
    session = Session(
        CheckoutSessionRow(
            account=who.account,
            livemode=who.livemode,
            id=id_,
            version=1,
            created=call.now,
            status="open",
            payment_status="unpaid" if is_payment else "no_payment_required",
            mode=params["mode"],
            expires_at=expires_at,
            customer=params.get("customer"),
            payment_intent=made["id"] if is_payment else None,
            setup_intent=None if is_payment else made["id"],
            email_index=None,
            watched=True,
            subject=params.get("customer") or id_,
            data="",
            personal=None,
        ),
        {"items": bought, "shown": _shown(params, mode, bought), "delayed": False},
        personal,
    )
    commit.checkout_sessions.append(await render.sealed(session, ports.box))
    told = await shim.for_events(ports.payments, cause, [happening], [])
    await announce(commit, cause.origin, told, ports.box)
    commit.audits += [
        cause.audit("checkout_session.create", id_, intent=made["id"], amount=session.data["shown"]["amount_total"]),
        cause.audit(f"{made['object']}.create", made["id"], status=made["status"], amount=made.get("amount")),
    ]
    shown = render.session(ports, session, version=call.api_version)
    answer = await call.answer({**shown, **_asked(call, session)}, [shown, made])
    commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
    await ports.committer.commit(commit)
    ports.poke()
    return answer


def _bought(params: Mapping[str, Any]) -> list[items.Item]:
    given = params.get("line_items", [])
    bought = items.read(given, [new_id("li").partition("_")[2] for _ in given])
    if bought and params.get("currency", bought[0]["currency"]).lower() != bought[0]["currency"]:
        raise invalid("The currency must be that of the line items.", param="currency")
    return bought


async def _known_email(ports: Ports, call: Call) -> str | None:
    """The shopper's address, as far as it is known before she pays."""
    customer = call.params.get("customer")
    if customer is None:
        return call.params.get("customer_email")
    row = await customers.customer(ports.pool, call.principal, customer)
    return (await ports.box.open(row.account, row.id, row.personal) or {}).get("email")


async def _payment(ports: Ports, call: Call, bought: list[items.Item]) -> tuple[Commit, dict[str, Any], Happening]:
    params = call.params
    data = dict(params.get("payment_intent_data", {}))
    wanted = {
        **data,
        "amount": items.total(bought),
        "currency": bought[0]["currency"],
        "payment_method_types": ["card"],
        **{name: params[name] for name in ("customer", "payment_method_options") if name in params},
    }
    try:
        intent = build.new_intent(
            wanted, call.principal, id_=new_id("pi"), now=call.now, api_version=call.api_version, method=None
        )
    except Refusal as refusal:
        raise requests.under("payment_intent_data", refusal) from refusal
    shown = payments_render.shown_intent(intent, ports.client_secrets)
    commit = Commit(payment_intents=[await keep.intent_row(intent, ports.box)])
    silent = payments_render.without_secret(shown)
    return commit, shown, Happening("payment_intent.created", PAYMENT_INTENT, silent, intent.row.subject)


async def _setup(ports: Ports, call: Call) -> tuple[Commit, dict[str, Any], Happening]:
    params = call.params
    wanted = {
        **params.get("setup_intent_data", {}),
        "payment_method_types": ["card"],
        **{name: params[name] for name in ("customer", "payment_method_options") if name in params},
    }
    setup, _ = await setup_edit.draft(ports.payments, replace(call, params=wanted))
    shown = render_setups.setup_intent(setup, ports.client_secrets)
    commit = Commit(setup_intents=[await render_setups.sealed(setup, ports.box)])
    silent = {**shown, "client_secret": None}
    return commit, shown, Happening("setup_intent.created", SETUP_INTENT, silent, setup.row.subject)


def _shown(params: Mapping[str, Any], mode: str, bought: list[items.Item]) -> dict[str, Any]:
    """What the API shows of the request itself."""
    currency = params.get("currency")
    fields: dict[str, Any] = {
        **{name: params[name] for name in _PASSED_ON if name in params},
        "amount_subtotal": items.total(bought) if bought else None,
        "amount_total": items.total(bought) if bought else None,
        "currency": bought[0]["currency"] if bought else currency and currency.lower(),
        "metadata": {key: value for key, value in (params.get("metadata") or {}).items() if value},
        "payment_method_options": {
            "card": {
                "request_three_d_secure": "automatic", **params.get("payment_method_options", {}).get("card", {})
            }
        },
        "ui_mode": mode,
    }
    if bought:
        fields["adaptive_pricing"] = {"enabled": False}
        fields["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
        fields["payment_method_collection"] = "if_required"
    if "customer" not in params:
        fields["customer_creation"] = params.get("customer_creation", "if_required")
    if "consent_collection" in params:
        fields["consent_collection"] = {
            "payment_method_reuse_agreement": None, "promotions": None, "terms_of_service": None,
            **params["consent_collection"],
        }  # fmt: skip
    if "phone_number_collection" in params:
        fields["phone_number_collection"] = params["phone_number_collection"]
    if mode != ui.HOSTED:
        fields["return_url"] = params.get("return_url")
    if mode == ui.EMBEDDED:
        fields["redirect_on_completion"] = params.get("redirect_on_completion", "always")
    return fields


def _asked(call: Call, session: Session) -> dict[str, Any]:
    """The line items of a session that is not written yet, when they are to stand in the answer."""
    wanted = any(path.split(".")[0] == "line_items" for path in call.expand)
    return {"line_items": render.listed(session)} if wanted else {}
