"""Keys with more attempts than are read one by one: before the worker folds them, meanwhile and afterwards."""

import asyncio
from random import Random

from lockgate.gateway.risk.find_history import history
from lockgate.gateway.scoring.core.habits import Habits
from lockgate.gateway.storage.commit import Committer, Overrun
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import RiskGuardRow, RiskOutcomeRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity import store
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.told import MOST
from tests.gateway.velocity.oracle import ACCOUNT, DAY, HOUR, Attempt, brute_force
from tests.gateway.velocity.streams import START_MS, key

HERE = (52.5, 13.4, 20.0)


def crowd(count: int) -> list[Attempt]:
    """Attempts of one card and one range of cards from many addresses, over twelve days, the newest last."""
    chance = Random(count)
    times = sorted(
        START_MS - chance.choice((chance.randrange(2 * HOUR), chance.randrange(12 * DAY))) for _ in range(count)
    )
    return [
        Attempt(
            f"att_{number}", Keys(card=key("card", 0), ip=key("ip", chance.randrange(40)), bin=key("bin", 0)), at_ms,
            chance.randrange(1_000), chance.choice(("open", "approved", "declined", "blocked", "void")),
        )
        for number, at_ms in enumerate(times)
    ]  # fmt: skip


async def told(pool: Pool, keys: Keys) -> tuple[dict[str, int | float], object]:
    found = await history(pool, ACCOUNT, True, keys=keys, amount=5, now_ms=START_MS, hashes=[])
    return found.counted, found.last[1]


async def test_a_crowd_counts_the_same_by_itself_and_folded(pool: Pool, worker: Pool) -> None:
    attempts = crowd(MOST + 60)
    committer = Committer(pool)
    rows = [attempt.row()._replace(place=HERE if number == 7 else None) for number, attempt in enumerate(attempts)]
    await committer.commit(Commit(risk_events=rows))
    keys = Keys(card=key("card", 0), ip=key("ip", 3), bin=key("bin", 0))

    async def check() -> None:
        habits = Habits()
        for attempt in attempts:
            if attempt.state != "void":
                habits.add(attempt.name, attempt.keys, amount=attempt.amount, at_ms=attempt.at_ms)
        counted = brute_force(attempts, keys, amount=5, now_ms=START_MS)
        expected = {**counted, **habits.attributes(keys, now_ms=START_MS)}
        assert await told(pool, keys) == (expected, attempts[7].at_ms)

    await check()
    for kind in ("card", "bin"):
        busy = store.Busy(ACCOUNT, True, kind, key(kind, 0))
        while await store.fold(worker, busy, recent_ms=START_MS - 2 * HOUR, limit=90):
            await check()
    for number in range(0, MOST, 3):
        attempt = attempts[number]
        attempt.state = "declined" if attempt.state in ("open", "approved") else "approved"
        await committer.commit(Commit(risk_outcomes=[RiskOutcomeRow(ACCOUNT, True, attempt.name, attempt.state)]))
    assert await pool.fetchval("select count(*) from risk_use") > 0
    await check()
    for kind in ("card", "bin"):
        await store.fold(
            worker, store.Busy(ACCOUNT, True, kind, key(kind, 0)), recent_ms=START_MS - 2 * HOUR, limit=999
        )
    assert await pool.fetchval("select count(*) from risk_use") == 0
    await check()


async def test_folding_while_attempts_end_loses_and_doubles_nothing(pool: Pool, worker: Pool) -> None:
    """Whichever of the two takes an attempt first, it counts as what it became, once."""
    attempts = crowd(150)
    committers = [Committer(pool, lanes=2), Committer(worker)]
    await committers[0].commit(Commit(risk_events=[attempt.row() for attempt in attempts]))
    busy = store.Busy(ACCOUNT, True, "card", key("card", 0))

    async def end(number: int) -> None:
        attempt = attempts[number]
        attempt.state = ("approved", "declined", "void")[number % 3]
        row = RiskOutcomeRow(ACCOUNT, True, attempt.name, attempt.state)
        await committers[number % 2].commit(Commit(risk_outcomes=[row]))

    async def fold() -> None:
        for _ in range(40):
            await store.fold(worker, busy, recent_ms=START_MS - 2 * HOUR, limit=5)

    await asyncio.gather(*(end(number) for number in range(0, 150, 2)), fold(), fold())
    keys = Keys(card=key("card", 0))
    assert (await told(pool, keys))[0].items() >= brute_force(attempts, keys, amount=5, now_ms=START_MS).items()


async def test_a_guard_of_a_folded_key_counts_what_came_and_what_changed_since(pool: Pool, worker: Pool) -> None:
    committer = Committer(pool)
    attempts = crowd(80)
    await committer.commit(Commit(risk_events=[attempt.row() for attempt in attempts]))
    await store.fold(worker, store.Busy(ACCOUNT, True, "card", key("card", 0)), recent_ms=START_MS - 2 * HOUR, limit=60)
    for number in range(30, 80, 4):
        attempts[number].state = "declined"
        ended = RiskOutcomeRow(ACCOUNT, True, attempts[number].name, "declined")
        await committer.commit(Commit(risk_outcomes=[ended]))
    late = Attempt("late", Keys(card=key("card", 0), ip=key("ip", 99)), START_MS - 5, 70, "open")
    await committer.commit(Commit(risk_events=[late.row()]))
    expected = brute_force([*attempts, late], Keys(card=key("card", 0)), amount=0, now_ms=START_MS)
    for measure in ("attempts", "amount", "declines", "blocks", "ips"):
        value = int(expected[f"card_{measure}_1h"]) - (measure == "attempts")
        for low, high, holds in ((value, value + 1, True), (value + 1, None, False), (None, value, False)):
            guard = RiskGuardRow(ACCOUNT, True, "card", key("card", 0), measure, START_MS - HOUR, low, high)
            try:
                await committer.commit(Commit(risk_guards=[guard]))
                held = True
            except Overrun:
                held = False
            assert held is holds, measure


async def test_a_hot_keys_history_reads_little_however_much_there_is(pool: Pool, worker: Pool) -> None:
    """Also by plans that were made while there was nothing: an attempt is looked up by name, and never searched for."""
    keys = Keys(card=key("card", 0), bin=key("bin", 0))
    async with pool.acquire() as connection:
        for _ in range(10):
            await history(connection, ACCOUNT, True, keys=keys, amount=5, now_ms=START_MS, hashes=[])
        read = []
        for count in (300, 1_200):
            attempts = [
                Attempt(f"{count}_{number}", keys, START_MS - 400_000 - number * 100, 5, "approved")
                for number in range(count)
            ]
            await Committer(pool).commit(Commit(risk_events=[attempt.row() for attempt in attempts]))
            for kind in ("card", "bin"):
                busy = store.Busy(ACCOUNT, True, kind, key(kind, 0))
                while await store.fold(worker, busy, recent_ms=START_MS - 2 * HOUR, limit=500):
                    pass
            async with connection.transaction():
                await history(connection, ACCOUNT, True, keys=keys, amount=5, now_ms=START_MS, hashes=[])
                read.append(await connection.fetchval(
                    "select sum(idx_scan + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables"
                    " where relname in ('risk_event', 'risk_folded')"
                ))  # fmt: skip
    assert max(read) <= 1_000, read
