"""The worker finds keys that are used much by itself, and forgets what counts for nothing, and nothing else."""

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity import find, jobs, store
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.jobs import Folding
from lockgate.kernel import clock
from tests.gateway.velocity.oracle import ACCOUNT, DAY, HOUR, Attempt, brute_force
from tests.gateway.velocity.streams import key


def crowd(count: int, *, now_ms: int, every_ms: int) -> list[Attempt]:
    """Attempts with different cards from one address, the last at ``now_ms``."""
    return [
        Attempt(f"att_{n}", Keys(card=key("card", n % 40), ip=key("ip", 0)), now_ms - n * every_ms, 100, "approved")
        for n in reversed(range(count))
    ]


async def told(pool: Pool, keys: Keys, now_ms: int) -> dict[str, int | float]:
    return await find.history(pool, account=ACCOUNT, livemode=True, keys=keys, amount=100, now_ms=now_ms)


async def test_a_key_that_is_used_much_is_folded_and_counts_as_before(pool: Pool, worker: Pool) -> None:
    now_ms = clock.now_ms()
    attempts = crowd(jobs.FOLD_AT + 20, now_ms=now_ms, every_ms=20_011)
    await Committer(pool).commit(Commit(risk_events=[attempt.row() for attempt in attempts]))
    folding = Folding(worker)
    assert await folding.run() == 0
    left = dict(map(tuple, await pool.fetch("select kind, count(*) from risk_single group by kind")))
    assert left == {"card": jobs.FOLD_AT + 20}, "the address is folded, each single card is not"
    keys = Keys(card=key("card", 1), ip=key("ip", 0))
    for later in (0, 1, 9_999, HOUR - 1, HOUR, DAY):
        assert await told(pool, keys, now_ms + later) == brute_force(attempts, keys, amount=100, now_ms=now_ms + later)
    more = Attempt("late", Keys(card=key("card", 99), ip=key("ip", 0)), now_ms - 2 * DAY, 100, "declined")
    await Committer(pool).commit(Commit(risk_events=[more.row()]))
    await folding.run()
    assert await told(pool, keys, now_ms) == brute_force([*attempts, more], keys, amount=100, now_ms=now_ms)


async def test_forgetting_by_age_changes_no_window_and_no_age(pool: Pool, worker: Pool) -> None:
    now_ms = clock.now_ms()
    old = crowd(jobs.FOLD_AT, now_ms=now_ms - 20 * DAY, every_ms=2 * HOUR)
    recent = [
        Attempt(f"new_{n}", Keys(card=key("card", n), ip=key("ip", 0)), now_ms - n * HOUR, 700, "open")
        for n in range(50)
    ]
    rare = Attempt("rare", Keys(card=key("card", 777)), now_ms - 100 * DAY, 5, "declined")
    for attempts in (old, recent, [rare]):
        await Committer(pool).commit(Commit(risk_events=[attempt.row() for attempt in attempts]))
    await Folding(worker).run()
    assert await jobs.forget(worker, now_ms=now_ms) == 0
    every = [*old, *recent, rare]
    for keys in (Keys(card=key("card", 3), ip=key("ip", 0)), Keys(card=key("card", 777))):
        assert await told(pool, keys, now_ms) == brute_force(every, keys, amount=100, now_ms=now_ms)
    await jobs.forget(worker, now_ms=now_ms + 40 * DAY)
    rows = await pool.fetchrow(
        "select (select count(*) from risk_use), (select count(*) from risk_count), (select count(*) from risk_pair),"
        " (select count(*) from risk_folded where kind = 'ip')"
    )
    assert rows is not None and tuple(rows) == (0, 0, 0, 0)
    later = await told(pool, Keys(card=key("card", 777)), now_ms + 40 * DAY)
    assert (later["card_age_h"], later["card_attempts_30d"]) == (140 * 24, 1)
    await jobs.forget(worker, now_ms=now_ms + 200 * DAY)
    assert await pool.fetchrow("select (select count(*) from risk_event), (select count(*) from risk_folded)") == (0, 0)
    later = await told(pool, Keys(card=key("card", 777), ip=key("ip", 0)), now_ms + 200 * DAY)
    oldest_ms = min(attempt.at_ms for attempt in old)
    assert (later["card_age_h"], later["ip_age_h"]) == (300 * 24, (now_ms + 200 * DAY - oldest_ms) / HOUR)
    await jobs.forget(worker, now_ms=now_ms + 700 * DAY)
    assert await pool.fetchval("select count(*) from risk_key") == 0


async def test_the_edge_of_an_exact_window_cuts_through_a_folded_second(pool: Pool, worker: Pool) -> None:
    now_ms = clock.now_ms() // 1000 * 1000
    attempts = [
        Attempt(f"att_{n}", Keys(card=key("card", n), ip=key("ip", 0)), now_ms + n * 300, 10**n, "open")
        for n in range(8)
    ]
    await Committer(pool).commit(Commit(risk_events=[attempt.row() for attempt in attempts]))
    hot = store.Busy(ACCOUNT, True, "ip", key("ip", 0))
    assert await store.fold(worker, hot, recent_ms=now_ms - HOUR, limit=100) == 8
    keys = Keys(ip=key("ip", 0))
    for window_ms in (60_000, HOUR):
        for after_ms in (0, 1, 299, 300, 301, 899, 900, 999, 1000, 1199, 1200, 2100, 2101):
            at_ms = now_ms + window_ms + after_ms
            assert await told(pool, keys, at_ms) == brute_force(attempts, keys, amount=100, now_ms=at_ms)
