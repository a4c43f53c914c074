"""Makes, changes and cancels setup intents: all that needs no processor."""

from collections.abc import Sequence
from typing import Any

from lockgate.gateway.customers import find as customers
from lockgate.gateway.customers import make, sessions
from lockgate.gateway.customers.core.attach import usable
from lockgate.gateway.customers.core.fields import merged_metadata
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find_setups, render_setups
from lockgate.gateway.payments.core import counted, setup_attempts, setups
from lockgate.gateway.payments.core.build import AUTOMATIC_METHODS_SINCE
from lockgate.gateway.payments.core.setup_attempts import Tried
from lockgate.gateway.payments.core.setups import SETUP_INTENT, Setup
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.records import RiskOutcomeRow
from lockgate.gateway.storage.rows import Commit, PaymentMethodRow, SetupIntentRow
from lockgate.kernel import ids
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

TRIES = 5
_UNEXPECTED = "setup_intent_unexpected_state"
_WITHOUT_METHOD = (
    "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with one and "
    "confirm it again, or send payment_method or payment_method_data when you confirm it."
)


async def draft(ports: Ports, call: Call) -> tuple[Setup, PaymentMethodRow | None]:
    """The unsaved setup intent that a create request describes, and its payment method if it names one."""
    params, who = call.params, call.principal
    automatic = params.get("automatic_payment_methods")
    if automatic is not None and "payment_method_types" in params:
        raise invalid(
            "Only one of automatic_payment_methods and payment_method_types may be sent.",
            param="automatic_payment_methods",
            code="parameters_exclusive",
        )
    if automatic is None and "payment_method_types" not in params:
        automatic = {"enabled": call.api_version[:10] >= AUTOMATIC_METHODS_SINCE}
    customer = params.get("customer")
    if customer is not None:
        await customers.customer(ports.pool, who, customer)
    id_ = ids.new_id("seti")
    method = await chosen(ports, call, customer=customer, intent=id_)
    data: dict[str, Any] = {
        "description": params.get("description") or None,
        "metadata": merged_metadata({}, params.get("metadata")),
        "payment_method_options": setups.options(params),
        "usage": params.get("usage", "off_session"),
    }
    if automatic and automatic["enabled"]:
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
    for name in ("return_url", "mandate_data"):
        if call.params.get(name):
            raise invalid(f"{name} can be sent only with confirm=true.", param=name)
    setup, method = await draft(ports, call)
    return await _write(
        ports, call, setup, method=method, left=None, action="setup_intent.create", event="setup_intent.created"
    )


async def update(ports: Ports, call: Call) -> Answer:
    """Change a setup intent. What it is confirmed with can change until it is done, its description at any time."""
    params = call.params
    method: PaymentMethodRow | None = None
    for _ in range(TRIES):
        before = await read(ports, call.principal, call.path["id"])
        if before.row.status not in setups.UPDATABLE and not setups.ALWAYS_UPDATABLE.issuperset(params):
            raise unexpected(ports, call.principal, before, verb="update")
        customer = params.get("customer", before.row.customer)
        if before.row.customer not in (None, customer):
            raise invalid("The customer of a SetupIntent cannot be changed once it is set.", param="customer")
        if customer is not None and customer != before.row.customer:
            await customers.customer(ports.pool, call.principal, customer)
        method = method or await chosen(ports, call, customer=customer, intent=before.row.id)
        data: dict[str, Any] = {}
        if "payment_method_options" in params:
            data["payment_method_options"] = setups.options(params, before.data["payment_method_options"])
        if "description" in params:
            data["description"] = params["description"] or None
        if "metadata" in params:
            data["metadata"] = merged_metadata(before.data["metadata"], params["metadata"])
        columns: dict[str, Any] = {"customer": customer, "subject": customer or before.row.subject}
        status, left = None, None
        if method is not None:
            columns |= {"payment_method": method.id, "attempt": None}
            data["next_action"] = None
            status, left = "requires_confirmation", await _abandoned(ports, call.principal, before)
        after = before.after(status, data=data, **columns)
        try:
            return await _write(
                ports, call, after, method=method, left=left, action="setup_intent.update", event=None,
                ended=counted.abandoned(before.row) if after.row.attempt is None else [],
            )
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
        left = await _abandoned(ports, call.principal, before)
        try:
            return await _write(
                ports, call, after, method=None, left=left, action="setup_intent.cancel", event="setup_intent.canceled",
                ended=counted.abandoned(before.row),
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
        data = params["payment_method_data"]
        await sessions.check(ports.pool, call.principal, data, path="payment_method_data")
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


async def _abandoned(ports: Ports, principal: Principal, setup: Setup) -> Tried | None:
    """The setup attempt whose challenge nobody will finish any more, as its next version."""
    latest = setup.data.get("latest_attempt")
    if setup.row.status != "requires_action" or latest is None:
        return None
    (row,) = await find_setups.setup_attempts(ports.pool, principal, [latest])
    return setup_attempts.after(await render_setups.opened_try(row, ports.box), "abandoned")


def unexpected(ports: Ports, principal: Principal, setup: Setup, *, verb: str) -> Refusal:
    """The refusal for a setup intent whose state does not allow ``verb``, with the setup intent embedded."""
    return _refused(ports, principal, setup, setups.why_not(setup.row.status, verb))


def without_method(
    ports: Ports | None = None, principal: Principal | None = None, setup: Setup | None = None
) -> Refusal:
    """There is no card to confirm with; the setup intent is embedded where there is one."""
    if ports is None or principal is None or setup is None:
        return Refusal(Kind.INVALID, _WITHOUT_METHOD, code=_UNEXPECTED)
    return _refused(ports, principal, setup, _WITHOUT_METHOD)


def _refused(ports: Ports, principal: Principal, setup: Setup, message: str) -> Refusal:
    shown = render_setups.setup_intent(setup, ports.client_secrets)
    embed = {"setup_intent": render_setups.embedded(shown, principal)}
    return Refusal(Kind.INVALID, message, code=_UNEXPECTED, embed=embed)


def busy() -> Refusal:
    """Others keep changing the same setup intent."""
    return Refusal(
        Kind.CONFLICT,
        "The SetupIntent is being changed by another request at this moment. Please try again.",
        code="lock_timeout",
        should_retry=True,
    )


async def _write(
    ports: Ports,
    call: Call,
    setup: Setup,
    *,
    method: PaymentMethodRow | None,
    left: Tried | None,
    action: str,
    event: str | None,
    ended: Sequence[RiskOutcomeRow] = (),
) -> Answer:
    """The one commit of an operation without network. ``left`` is the setup attempt that it abandons, ``ended`` that
    nothing came of it.
    """
    cause = causes.of_call(call)
    commit = Commit(
        risk_outcomes=list(ended),
        setup_intents=[await render_setups.sealed(setup, ports.box)],
        audits=[cause.audit(action, setup.row.id, status=setup.row.status, customer=setup.row.customer)],
    )
    if method is not None and not await is_saved(ports, call.principal, method):
        commit.payment_methods.append(method)
    if left is not None:
        commit.setup_attempts.append(await render_setups.sealed_try(left, ports.box))
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
