"""The books of disputes: no minor unit is lost, and the checker finds what does not agree with state or journal."""

from collections import Counter
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.invariants import check
from lockgate.gateway.ledger import dispute_transfers
from lockgate.gateway.ledger.dispute_transfers import Movement
from lockgate.gateway.storage.records import DisputeRow
from lockgate.kernel import clock
from tests.gateway.disputes.court import Court
from tests.support.cluster import Database

NOW = 1_800_000_000


def row(amount: int) -> DisputeRow:
    return DisputeRow(
        account="acct_a", livemode=False, id="dp_0abc", version=1, created=NOW, status="won", reason="general",
        charge="ch_1", intent=None, amount=amount, currency="usd", due_by=None, ask_at=None, attempt=None,
        processor="simulator", processor_reference="sdp_1", subject="pi_1", data="{}", personal=None,
    )


FEES = st.integers(0, 5_000)


@given(amount=st.integers(1, 99_999_999), fee=FEES, back=FEES, late=st.integers(-9, 9))
def test_a_dispute_that_was_won_leaves_only_what_the_processor_kept(
    amount: int, fee: int, back: int, late: int
) -> None:
    taken = dispute_transfers.withdrawn(row(amount), Movement("txn_1", NOW, NOW + late), fee=fee)
    given_back = dispute_transfers.reinstated(row(amount), Movement("txn_2", NOW, NOW + late), fee_returned=back)
    totals: Counter[str] = Counter()
    for booked in (taken, given_back):
        for transfer in booked.transfers:
            totals[transfer.debit] -= transfer.amount
            totals[transfer.credit] += transfer.amount
    mine = "merchant:pending" if late > 0 else "merchant:available"
    assert totals[mine] == back - fee and totals["fees:simulator"] == fee - back and totals["processor:simulator"] == 0
    assert taken.transaction.net + given_back.transaction.net == back - fee
    assert {t.id for t in taken.transfers}.isdisjoint({t.id for t in given_back.transfers})
    assert taken.transaction.status == given_back.transaction.status == mine.removeprefix("merchant:")


async def vandalised(court: Court, database: Database, statement: str) -> set[str]:
    connection = await asyncpg.connect(**database["owner"])
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
    return {finding.invariant for finding in await check.check(court.desk.pool, now=clock.now())}


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("update dispute set status = 'won'", {"I6", "I7"}),
        ("update dispute set amount = amount + 1", {"I6"}),
        ("update dispute set status = 'warning_closed'", {"I6", "I7"}),
        ("update event set object = 'dp_gone' where type = 'charge.dispute.created'", {"I5"}),
    ],
)
async def test_money_that_is_not_where_the_state_says_is_found(
    court: Court, database: Database, statement: str, broken: set[str]
) -> None:
    await court.disputed()
    await court.sound()
    assert await vandalised(court, database, statement) == broken


def entry(reference: str, status: str, *, notice: str, amount: int = 1000) -> dict[str, Any]:
    return {
        "kind": "dispute", "account": "acct_a:test", "reference": "pa_1", "id": reference, "status": status,
        "becomes": {"id": reference, "status": status, "amount": amount}, "notices": [{"id": notice}],
    }


async def witnessed(court: Court, *entries: dict[str, Any]) -> list[str]:
    async def read() -> list[dict[str, Any]]:
        return list(entries)

    found = await check.witness(court.desk.pool, read=read)
    return [finding.what for finding in found if "disput" in finding.what or "dp_" in finding.what]


async def test_the_journal_is_the_witness_of_what_was_withdrawn_and_given_back(court: Court) -> None:
    seen = await court.disputed()
    reference, id_ = seen["reference"], seen["id"]
    opened = entry(reference, "needs_response", notice="ntf_1")
    won = entry(reference, "won", notice="ntf_2")
    assert await witnessed(court, opened) == []
    assert await witnessed(court) == [f"{id_}: 1000 withdrawn in the books, 0 really"]
    assert await witnessed(court, {**opened, "becomes": {**opened["becomes"], "amount": 900}}) == [
        f"{id_}: 1000 withdrawn in the books, 900 really"
    ]
    assert await witnessed(court, opened, won) == [], "nobody has told us yet"
    await court.desk.pool.execute(
        "insert into notification values ('acct_a', false, 'simulator', 'ntf_2', 1, 'done', 1, null, null, '')"
    )
    assert await witnessed(court, opened, won) == [f"{id_}: 1000 reinstated, less of it in the books"]
    court.issuer.disputes[reference]["status"] = "won"
    await court.told(reference)
    assert await witnessed(court, opened, won) == []
    assert await witnessed(court, opened) == [f"{id_}: 1000 reinstated in the books, 0 really"]
