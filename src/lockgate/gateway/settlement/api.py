"""The operations on the merchant's balance; those on payouts stand in a file of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.ledger import find as books
from lockgate.gateway.settlement import api_payouts, find, find_payouts, render
from lockgate.gateway.settlement.core.shapes import BALANCE, BALANCE_TRANSACTION
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.errors import invalid
from lockgate.kernel.money import CURRENCIES
from lockgate.kernel.operations import Call, Loader, Operation
from lockgate.kernel.params import Choice, Listing, Object, Range, Text, optional
from lockgate.kernel.principal import Principal

_FILTERS = Listing(
    {
        "created": optional(Range()),
        "currency": optional(Choice(*sorted(CURRENCIES))),
        "payout": optional(Text(255)),
        "source": optional(Text(255)),
        "type": optional(Text(64)),
    }
)


def operations(ports: Ports) -> list[Operation]:
    """Balance: get. Balance transactions: get, list. Payouts."""

    async def get_balance(call: Call) -> Mapping[str, Any]:
        who = call.principal
        balances = await books.balances(ports.pool, account=who.account, livemode=who.livemode)
        own = await find.default_currency(ports.pool, who)
        return render.balance(balances, livemode=who.livemode, default_currency=own)

    async def get_transaction(call: Call) -> Mapping[str, Any]:
        return render.balance_transaction(await find.balance_transaction(ports.pool, call.principal, call.path["id"]))

    async def list_transactions(call: Call) -> Mapping[str, Any]:
        params = dict(call.params)
        page = page_of(params)
        rows = await find.balance_transactions(
            ports.pool,
            call.principal,
            page=page,
            created=params.get("created", {}),
            currency=params.get("currency"),
            source=params.get("source"),
            type_=params.get("type"),
            payout=await _automatic(ports, call),
        )
        kept, has_more = cut(rows, page)
        return listing(
            "/v1/balance_transactions", [render.balance_transaction(row) for row in kept], has_more=has_more
        )

    return [
        Operation(
            name="balance.get",
            method="GET",
            path="/v1/balance",
            resource="balance",
            access="read",
            handler=get_balance,
            params=Object({}),
            returns=BALANCE,
            summary="The merchant's money by currency: what is available, and what is on its way.",
        ),
        Operation(
            name="balance_transaction.list",
            method="GET",
            path="/v1/balance_transactions",
            resource="balance",
            access="read",
            handler=list_transactions,
            params=_FILTERS.object(),
            returns=BALANCE_TRANSACTION,
            form="list",
            summary="The movements on the merchant's balance, newest first.",
        ),
        Operation(
            name="balance_transaction.get",
            method="GET",
            path="/v1/balance_transactions/{id}",
            resource="balance",
            access="read",
            handler=get_transaction,
            params=Object({}),
            returns=BALANCE_TRANSACTION,
            summary="One movement on the merchant's balance.",
        ),
        *api_payouts.operations(ports),
    ]


async def _automatic(ports: Ports, call: Call) -> str | None:
    """The payout to filter by: only of one that the clock made is it known which movements it paid out."""
    if "payout" not in call.params:
        return None
    row = await find_payouts.payout(ports.pool, call.principal, call.params["payout"])
    if not row.automatic:
        raise invalid("Only the movements of an automatic payout can be listed; this one was manual.", param="payout")
    return row.id


def loaders(ports: Ports) -> dict[str, Loader]:
    """How an id of a balance transaction, or of a payout, is expanded."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find.balance_transactions_by_id(ports.pool, principal, ids)
        return {row.id: render.balance_transaction(row) for row in rows}

    return {"balance_transaction": load, **api_payouts.loaders(ports)}
