"""Two processes race for one limit: never do more pass than may, whatever the limit counts."""

import asyncio
from collections import Counter

import pytest

from lockgate.gateway.storage.commit import Committer, Overrun
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import RiskGuardRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity import store
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.store import Busy
from tests.gateway.velocity.oracle import ACCOUNT, HOUR, Attempt
from tests.gateway.velocity.racing import racer
from tests.gateway.velocity.streams import START_MS
from tests.support.cluster import Database


@pytest.mark.parametrize(
    ("measure", "limit", "amount", "may_pass"),
    [("amount", 500_000, 100_000, 5), ("amount", 500_000, 100_001, 4), ("attempts", 7, 0, 7), ("cards", 6, 100, 6)],
)
async def test_of_fifty_parallel_attempts_in_two_processes_as_many_pass_as_may(
    database: Database, pool: Pool, measure: str, limit: int, amount: int, may_pass: int
) -> None:
    outcomes = await asyncio.gather(*(
        racer(database, name, measure=measure, limit=limit, amount=amount, attempts=25) for name in ("a", "b")
    ))  # fmt: skip
    total = sum(outcomes, Counter[str]())
    assert total["passed"] == may_pass
    assert total["held"] == 50 - may_pass
    states = await pool.fetch("select state, count(*) from risk_event group by state order by state")
    assert [tuple(row) for row in states] == [("blocked", 50 - may_pass), ("open", may_pass)]


async def test_a_guard_sees_what_was_folded(pool: Pool, worker: Pool) -> None:
    """The edge of the hour cuts through what is folded by the millisecond."""
    committer = Committer(pool)
    card = b"card".ljust(16, b"\0")
    for number, age_ms in enumerate((HOUR, HOUR - 1, 30_000, 0)):
        ip = bytes([number]) * 16
        row = Attempt(f"att_{number}", Keys(card=card, ip=ip), START_MS - age_ms, 100_000, "open").row()
        await committer.commit(Commit(risk_events=[row]))
    busy = Busy(ACCOUNT, True, "card", card)
    assert await store.fold(worker, busy, recent_ms=START_MS - 2 * HOUR, limit=100) == 4

    async def holds(measure: str, low: int, high: int) -> bool:
        return await _holds(committer, card, measure=measure, low=low, high=high)

    assert await holds("amount", 300_000, 300_001)
    assert not await holds("amount", 300_001, 999_999)
    assert not await holds("amount", 0, 300_000)
    assert await holds("attempts", 3, 4)
    assert await holds("ips", 3, 4)
    assert await holds("declines", 0, 1)


async def test_of_one_batch_those_pass_that_would_have_passed_one_by_one(pool: Pool) -> None:
    """What is overrun is not written, and so does not count against those behind it."""
    committer = Committer(pool)
    card = b"card".ljust(16, b"\0")

    def paying(name: str, amount: int) -> Commit:
        row = Attempt(name, Keys(card=card), START_MS, amount, "open").row()
        guard = RiskGuardRow(ACCOUNT, True, "card", card, "amount", START_MS - HOUR, None, 500_001)
        return Commit(risk_events=[row], risk_guards=[guard])

    amounts = {"first": 300_000, "too_much": 250_000, "fits": 200_000, "cent_more": 1}
    gathered = [committer.commit(Commit())] + [committer.commit(paying(*one)) for one in amounts.items()]
    ended = await asyncio.gather(*gathered, return_exceptions=True)
    assert [type(one) for one in ended[1:]] == [type(None), Overrun, type(None), Overrun]
    assert await pool.fetchval("select sum(amount) from risk_event") == 500_000


async def _holds(committer: Committer, card: bytes, *, measure: str, low: int, high: int) -> bool:
    guard = RiskGuardRow(ACCOUNT, True, "card", card, measure, START_MS - HOUR, low, high)
    try:
        await committer.commit(Commit(risk_guards=[guard]))
    except Overrun:
        return False
    return True
