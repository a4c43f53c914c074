"""Creates a payment intent, and confirms it in the same request when asked to."""

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import confirm, keep, render, shim
from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.core.records import Intent
from lockgate.gateway.payments.core.shapes import PAYMENT_INTENT
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call


async def create(ports: Ports, call: Call) -> Answer:
    """The operation."""
    params = call.params
    confirms = params.get("confirm", False)
    build.check_methods(params)
    build.check_confirming(params, usage=params.get("setup_future_usage"), confirms=confirms)
    customer = params.get("customer")
    # The cheap checks come first: a request that cannot be right must not cost the vault a token.
    drafted = build.new_intent(
        params, call.principal, id_=new_id("pi"), now=call.now, api_version=call.api_version, method=None
    )
    if confirms:
        method = await confirm.chosen(ports, call, customer=customer, otherwise=None, intent=None)
    else:
        method = await confirm.given(ports, call, customer=customer, intent=None)
    if method is not None:
        row = drafted.row._replace(status="requires_confirmation", payment_method=method.row.id)
        drafted = Intent(row, drafted.data, drafted.personal, drafted.unsealed)
    if confirms:
        assert method is not None, "chosen gives one or refuses"
        return await confirm.run(ports, call, drafted, changed=drafted, method=method, born=True)
    cause = causes.of_call(call)
    shown = render.shown_intent(drafted, ports.client_secrets)
    commit = Commit(payment_intents=[await keep.intent_row(drafted, ports.box)])
    fresh = [shown]
    if method is not None and method.fresh:
        commit.payment_methods.append(method.row)
        fresh.append(await confirm.shown_method(ports, method))
    happening = Happening("payment_intent.created", PAYMENT_INTENT, render.without_secret(shown), drafted.row.subject)
    happenings = await shim.for_events(ports, cause, [happening], ())
    await announce(commit, cause.origin, happenings, ports.box)
    commit.audits.append(
        cause.audit("payment_intent.create", drafted.row.id, status=drafted.row.status, amount=drafted.row.amount)
    )
    answer = await call.answer(await shim.for_version(ports, call, shown), fresh)
    commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
    await ports.committer.commit(commit)
    ports.poke()
    return answer
