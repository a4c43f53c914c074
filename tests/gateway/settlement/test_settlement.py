"""Money becomes available on its day, once, and the merchant's balance says so at every moment."""

import asyncio
import itertools
from typing import Any

import pytest

from lockgate.gateway.ledger import transfers
from lockgate.gateway.settlement import api, find, mature
from lockgate.gateway.settlement.core.shapes import BALANCE_TRANSACTION
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.rows import ChargeRow, Commit, RefundRow
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Call
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.settlement.bank import DAY_S, House

NOW = 1_800_000_000
MERCHANT = Principal("acct_a", False, "secret", "key_a")
OTHER = Principal("acct_b", False, "secret", "key_b")
_numbers = itertools.count(1)


@pytest.fixture
def ports(house: House) -> Ports:
    return house.ports


async def call(ports: Ports, name: str, query: str = "", *, who: Principal = MERCHANT, **path: str) -> Any:
    operation = next(operation for operation in api.operations(ports) if operation.name == name)
    return await operation.handler(
        Call(
            operation=operation, principal=who, path=path,
            params=operation.params.parse(nest(read_fields(query.encode())), ""),
            expand=(), request_id="req_1", api_version="2026-06-24.dahlia", now=NOW, claim=None,
            concluding=None,  # type: ignore[arg-type]
        )
    )


async def capture(
    ports: Ports, amount: int, *, fee: int = 0, who: Principal = MERCHANT, delay_s: int = 100, currency: str = "usd"
) -> str:
    number = next(_numbers)
    await asyncio.sleep(0.002)  # ids of one millisecond do not sort by age
    charge = ChargeRow(
        account=who.account, livemode=False, id=new_id("ch"), version=1, created=NOW, status="succeeded",
        intent=f"pi_{number}", amount=amount, amount_captured=amount, amount_refunded=0, capture_in_doubt=0,
        refund_in_doubt=0,
        currency=currency, customer=None, payment_method="pm_1", balance_transaction=None, processor="simulator",
        processor_reference="au_1", subject="pi_1", data="{}", personal=None,
    )
    booked = transfers.captured(charge, amount, fee=fee, now=NOW, available_on=NOW + delay_s, held=False)
    await ports.committer.commit(Commit(transfers=booked.transfers, balance_transactions=[booked.transaction]))
    return booked.transaction.id


def funds(amount: int, currency: str = "usd") -> dict[str, Any]:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


async def test_a_new_account_has_nothing_in_its_own_currency(ports: Ports) -> None:
    balance = await call(ports, "balance.get")
    assert balance["available"] == balance["pending"] == [funds(0)]
    assert balance["livemode"] is False


async def test_pending_money_becomes_available_once_and_in_time(ports: Ports) -> None:
    early = await capture(ports, 1000, fee=59, delay_s=10)
    await capture(ports, 500, delay_s=1000)
    await capture(ports, 7, who=OTHER, delay_s=10)
    await capture(ports, 300, delay_s=10, currency="jpy")
    await capture(ports, 50, delay_s=0)
    assert await mature.mature(ports, now=NOW + 9, limit=100) == 0
    assert sum(await asyncio.gather(*(mature.mature(ports, now=NOW + 10, limit=100) for _ in range(3)))) == 3
    assert await mature.mature(ports, now=NOW + 10, limit=100) == 0
    balance = await call(ports, "balance.get")
    assert balance["available"] == [funds(300, "jpy"), funds(991)]
    assert balance["pending"] == [funds(0, "jpy"), funds(500)]
    other = await call(ports, "balance.get", who=OTHER)
    assert other["available"] == [funds(7)]
    assert (await find.balance_transaction(ports.pool, MERCHANT, early)).status == "available"
    audited = await ports.pool.fetch("select account from audit where action = 'balance.mature'")
    assert sorted(row["account"] for row in audited) == ["acct_a", "acct_b"]


async def test_a_portion_is_bounded_and_the_oldest_go_first(ports: Ports) -> None:
    late, early = await capture(ports, 1, delay_s=20), await capture(ports, 2, delay_s=10)
    assert await mature.mature(ports, now=NOW + 50, limit=1) == 1
    assert (await find.balance_transaction(ports.pool, MERCHANT, early)).status == "available"
    assert (await find.balance_transaction(ports.pool, MERCHANT, late)).status == "pending"


async def test_an_account_whose_money_cannot_mature_does_not_hold_up_others(ports: Ports) -> None:
    stuck, free = await capture(ports, 1, delay_s=10), await capture(ports, 2, delay_s=10, who=OTHER)

    async def balances(pool: Any, *, account: str, livemode: bool) -> Any:
        if account == MERCHANT.account:
            raise OSError("this account's books cannot be read")
        return await read(pool, account=account, livemode=livemode)

    read = mature.books.balances
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mature.books, "balances", balances)
        assert await mature.mature(ports, now=NOW + 10, limit=100) == 1
    assert (await find.balance_transaction(ports.pool, OTHER, free)).status == "available"
    assert (await find.balance_transaction(ports.pool, MERCHANT, stuck)).status == "pending"
    assert await mature.mature(ports, now=NOW + 10, limit=100) == 1


async def test_a_movement_is_shown_whole_and_only_to_its_merchant(ports: Ports) -> None:
    id_ = await capture(ports, 1000, fee=59)
    shown = await call(ports, "balance_transaction.get", id=id_)
    assert set(shown) == set(BALANCE_TRANSACTION.fields)
    assert (shown["amount"], shown["fee"], shown["net"], shown["type"]) == (1000, 59, 941, "charge")
    assert shown["reporting_category"] == "charge"
    assert shown["exchange_rate"] is None
    assert [detail["amount"] for detail in shown["fee_details"]] == [59]
    with pytest.raises(Refusal) as refused:
        await call(ports, "balance_transaction.get", who=OTHER, id=id_)
    assert refused.value.code == "resource_missing"


async def test_lists_page_both_ways_and_filter(ports: Ports) -> None:
    ids = [await capture(ports, amount) for amount in (1, 2, 3, 4)]
    yen = await capture(ports, 9, currency="jpy")
    first = await call(ports, "balance_transaction.list", "limit=2")
    assert [row["id"] for row in first["data"]] == [yen, ids[3]]
    assert first["has_more"] is True
    second = await call(ports, "balance_transaction.list", f"limit=2&starting_after={ids[3]}")
    assert [row["id"] for row in second["data"]] == [ids[2], ids[1]]
    back = await call(ports, "balance_transaction.list", f"limit=2&ending_before={ids[1]}")
    assert [row["id"] for row in back["data"]] == [ids[3], ids[2]]
    assert [row["id"] for row in (await call(ports, "balance_transaction.list", "currency=jpy"))["data"]] == [yen]
    source = first["data"][0]["source"]
    assert [row["id"] for row in (await call(ports, "balance_transaction.list", f"source={source}"))["data"]] == [yen]
    assert (await call(ports, "balance_transaction.list", "type=refund"))["data"] == []
    assert (await call(ports, "balance_transaction.list", f"created[gt]={NOW}"))["data"] == []
    assert len((await call(ports, "balance_transaction.list", f"created[gte]={NOW}"))["data"]) == 5
    for query, kind in (("payout=po_1", Kind.NOT_FOUND), ("starting_after=txn_none", Kind.INVALID)):
        with pytest.raises(Refusal) as refused:
            await call(ports, "balance_transaction.list", query)
        assert (refused.value.kind, refused.value.code) == (kind, "resource_missing")
    loaded = await api.loaders(ports)["balance_transaction"](OTHER, ids)
    assert loaded == {}


async def test_what_matured_is_announced_with_the_balance_that_it_makes(house: House) -> None:
    await capture(house.ports, 1000, fee=59, delay_s=10)
    await mature.mature(house.ports, now=NOW + 10, limit=100)
    told = (await house.event("balance.available"))["object"]
    assert told == await call(house.ports, "balance.get")
    assert told["available"] == [funds(941)]


async def test_a_refund_never_matures_after_the_charge_that_it_is_of(house: House) -> None:
    taken = await house.earn(1000, delay_s=10)
    given = RefundRow(
        account="acct_a", livemode=False, id=new_id("re"), version=1, created=1, status="succeeded", charge=taken.id,
        intent=None, amount=1000, currency="usd", balance_transaction=None, data="{}",
    )
    booked = transfers.refunded(
        given, processor="simulator", fee_returned=0, now=taken.created, available_on=taken.created + 10
    )
    await house.ports.committer.commit(
        Commit(transfers=booked.transfers, balance_transactions=[booked.transaction])
    )
    assert await mature.mature(house.ports, now=taken.created + 10, limit=1) == 1
    assert await house.balance() == -1000
    assert await mature.mature(house.ports, now=taken.created + 10, limit=1) == 1
    assert await house.balance() == 0


async def test_money_matures_by_its_accounts_own_clock(house: House) -> None:
    await house.earn(1000, delay_s=5 * DAY_S)
    await house.earn(500, delay_s=5 * DAY_S, who=OTHER)
    await house.wait(5 * DAY_S)
    assert await house.balance() == 1000
    assert (await house.call("balance.get", who=OTHER))["pending"] == [funds(500)]


async def test_an_account_whose_money_cannot_mature_keeps_nobody_elses_back(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    await capture(ports, 1000, delay_s=10)
    await capture(ports, 7, who=OTHER, delay_s=10)
    real = ports.committer.commit

    async def fails(commit: Commit) -> None:
        if commit.balance_transactions[0].account == "acct_a":
            raise OverflowError
        await real(commit)

    monkeypatch.setattr(ports.committer, "commit", fails)
    assert await mature.mature(ports, now=NOW + 10, limit=100) == 1
    monkeypatch.undo()
    assert (await call(ports, "balance.get", who=OTHER))["available"] == [funds(7)]
    assert await mature.mature(ports, now=NOW + 10, limit=100) == 1
