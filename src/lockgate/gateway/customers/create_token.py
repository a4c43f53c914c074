"""Makes a token of the older API from card data: a payment method that nobody owns, and a name to use it by, once."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import make, render
from lockgate.gateway.customers.core import sources, tokens
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.records import CardTokenRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import write
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

_SECRET = ("number", "exp_month", "exp_year", "cvc", "sealed")


async def create_token(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/tokens."""
    await ports.defend(call)
    who, card = call.principal, call.params["card"]
    data = {
        "card": {name: card[name] for name in _SECRET if name in card},
        "billing_details": sources.billing_details(card),
    }
    method = await make.from_data(ports, call, data, customer=None, path="")
    row = CardTokenRow(
        account=who.account,
        livemode=who.livemode,
        id=new_id("tok"),
        version=1,
        created=call.now,
        used=False,
        expires_at=call.now + tokens.LIFE_S,
        payment_method=method.id,
        data="{}",
    )
    shown = tokens.render(row, await render.card(method, ports.box), sees_secrets=who.sees_secrets)
    commit = Commit(
        payment_methods=[method],
        card_tokens=[row],
        audits=[
            record(who, "token.create", object_=row.id, request=call.request_id, detail={"payment_method": method.id})
        ],
    )
    return await write(ports, call, commit=commit, rendered=shown, fresh=[shown])
