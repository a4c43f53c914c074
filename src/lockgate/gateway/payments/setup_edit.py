"""Makes, changes and cancels setup intents: all that needs no processor."""

from typing import Any

from lockgate.gateway.customers import find as customers
from lockgate.gateway.customers import make
from lockgate.gateway.customers.core.attach import usable
from lockgate.gateway.customers.core.fields import merged_metadata
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find_setups, render_setups
from lockgate.gateway.payments.core import setups
from lockgate.gateway.payments.core.setups import SETUP_INTENT, Setup
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.rows import Commit, PaymentMethodRow, SetupIntentRow
from lockgate.kernel import ids
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

TRIES = 5


async def draft(ports: Ports, call: Call) -> tuple[Setup, PaymentMethodRow | None]:
    """The unsaved setup intent that a create request describes, and its payment method if it names one."""
    params, who = call.params, call.principal
    customer = params.get("customer")
    if customer is not None:
        await customers.customer(ports.pool, who, customer)
    id_ = ids.new_id("seti")
    method = await chosen(ports, call, customer=customer, intent=id_)
    automatic = params.get("automatic_payment_methods")
    data: dict[str, Any] = {
        "description": params.get("description") or None,
        "metadata": merged_metadata({}, params.get("metadata")),
        "payment_method_options": setups.options(params),
        "usage": params.get("usage", "off_session"),
    }
    if automatic:
        data["automatic_payment_methods"] = {"allow_redirects": "always", **automatic}
    row = SetupIntentRow(
        account=who.account,
        livemode=who.livemode,
        id=id_,
        version=1,
        created=call.now,
        status="requires_confirmation" if method else "requires_payment_method",
        customer=customer,
        payment_method=method.id if method else None,
        attempt=None,
        subject=customer or id_,
        data="",
        personal=None,
    )
    return Setup(row, data), method


async def create(ports: Ports, call: Call) -> Answer:
    """Save a setup intent that nobody confirmed yet."""
    if "return_url" in call.params:
        raise invalid("return_url can be sent only with confirm=true.", param="return_url")
    setup, method = await draft(ports, call)
    return await _write(ports, call, setup, method=method, action="setup_intent.create", event="setup_intent.created")


async def update(ports: Ports, call: Call) -> Answer:
    """Change a setup intent that is not confirmed, or was declined."""
    params = call.params
    method: PaymentMethodRow | None = None
    for _ in range(TRIES):
        before = await read(ports, call.principal, call.path["id"])
        if before.row.status not in setups.UPDATABLE:
            raise unexpected(ports, call.principal, before, verb="update")
        customer = params.get("customer", before.row.customer)
        if before.row.customer not in (None, customer):
            raise invalid("The customer of a SetupIntent cannot be changed once it is set.", param="customer")
        if customer is not None and customer != before.row.customer:
            await customers.customer(ports.pool, call.principal, customer)
        method = method or await chosen(ports, call, customer=customer, intent=before.row.id)
        data: dict[str, Any] = {
            "payment_method_options": setups.options(params, before.data["payment_method_options"])
        }
        if "description" in params:
            data["description"] = params["description"] or None
        if "metadata" in params:
            data["metadata"] = merged_metadata(before.data["metadata"], params["metadata"])
        columns: dict[str, Any] = {"customer": customer, "subject": customer or before.row.subject}
        status = None
        if method is not None:
            columns |= {"payment_method": method.id, "attempt": None}
            data["next_action"] = None
            status = "requires_confirmation"
        after = before.after(status, data=data, **columns)
        try:
            return await _write(ports, call, after, method=method, action="setup_intent.update", event=None)
        except Moved:
            continue
    raise busy()


async def cancel(ports: Ports, call: Call) -> Answer:
    """Give up a setup intent; nothing is held at the processor, so nobody need be told."""
    for _ in range(TRIES):
        before = await read(ports, call.principal, call.path["id"])
        if before.row.status not in setups.CANCELABLE:
            raise unexpected(ports, call.principal, before, verb="cancel")
        reason = call.params.get("cancellation_reason")
        after = before.after("canceled", attempt=None, data={"cancellation_reason": reason, "next_action": None})
        try:
            return await _write(
                ports, call, after, method=None, action="setup_intent.cancel", event="setup_intent.canceled"
            )
        except Moved:
            continue
    raise busy()


async def chosen(ports: Ports, call: Call, *, customer: str | None, intent: str) -> PaymentMethodRow | None:
    """The payment method that the parameters name, fit for ``customer``; one that is made here is not saved yet."""
    params = call.params
    if "payment_method" in params and "payment_method_data" in params:
        raise invalid(
            "Only one of payment_method and payment_method_data may be sent.",
            param="payment_method_data",
            code="parameters_exclusive",
        )
    if "payment_method_data" in params:
        return await make.from_data(
            ports.customers, call, params["payment_method_data"], customer=None, intent=intent
        )
    name = params.get("payment_method")
    if name is None:
        return None
    if make.is_ready_made(name):
        return await make.ready_made(ports.customers, call, name)
    row = await customers.payment_method(ports.pool, call.principal, name)
    usable(row, customer)
    return row


async def is_saved(ports: Ports, principal: Principal, method: PaymentMethodRow) -> bool:
    """Whether ``method`` is in the database already."""
    return bool(await customers.payment_methods(ports.pool, principal, [method.id]))


async def read(ports: Ports, principal: Principal, id_: str) -> Setup:
    """The setup intent ``id_``."""
    return await render_setups.opened(await find_setups.setup_intent(ports.pool, principal, id_), ports.box)


def unexpected(ports: Ports, principal: Principal, setup: Setup, *, verb: str) -> Refusal:
    """The refusal for a setup intent whose state does not allow ``verb``, with the setup intent embedded."""
    shown = render_setups.setup_intent(setup, ports.client_secrets)
    return Refusal(
        Kind.INVALID,
        f"You cannot {verb} this SetupIntent because it has a status of {setup.row.status}.",
        code="setup_intent_unexpected_state",
        embed={"setup_intent": render_setups.embedded(shown, principal)},
    )


def busy() -> Refusal:
    """Others keep changing the same setup intent."""
    return Refusal(
        Kind.CONFLICT,
        "The SetupIntent is being changed by another request at this moment. Please try again.",
        code="lock_timeout",
        should_retry=True,
    )


async def _write(
    ports: Ports, call: Call, setup: Setup, *, method: PaymentMethodRow | None, action: str, event: str | None
) -> Answer:
    """The one commit of an operation without network."""
    cause = causes.of_call(call)
    commit = Commit(
        setup_intents=[await render_setups.sealed(setup, ports.box)],
        audits=[cause.audit(action, setup.row.id, status=setup.row.status, customer=setup.row.customer)],
    )
    if method is not None and not await is_saved(ports, call.principal, method):
        commit.payment_methods.append(method)
    shown = render_setups.setup_intent(setup, ports.client_secrets)
    if event is not None:
        silent = {**shown, "client_secret": None}
        happening = Happening(event, SETUP_INTENT, silent, setup.row.subject)
        await announce(commit, cause.origin, [happening], ports.box)
    answer = await call.answer(render_setups.for_principal(shown, call.principal), fresh=[shown])
    sealed = await call.sealed(answer) if call.claim else None
    commit.claims += claimed_and_answered(call, answer, sealed)
    await ports.committer.commit(commit)
    ports.poke()
    return answer
