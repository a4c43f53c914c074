"""Limits across a restart of the process, in order or not; and what is kept of counts and traffic."""

import asyncio

import pytest_asyncio

from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.web import find_limits, store_limits
from lockgate.gateway.web.limits import Limits
from lockgate.gateway.web.limits_buckets import Ask
from lockgate.gateway.web.limits_keeper import Keeper
from lockgate.gateway.web.limits_rules import Rule, Rules
from lockgate.gateway.web.limits_traffic import Traffic, unpacked
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import Shape

S = 1_000_000_000
KEY = b"k" * 32


async def _nothing(call):
    return {}


GET = Operation(
    name="thing.get", method="GET", path="/v1/things", resource="charges", access="read", handler=_nothing,
    params=Object({}), returns=Shape("thing", {}), summary="It.",
)  # fmt: skip


class Clocks:
    """The world's clock, and a process's own that begins anywhere and runs with it."""

    def __init__(self):
        self.world_ms = 1_800_000_000_000
        self.began_ms = self.world_ms - 5_000

    def restart(self):
        self.began_ms = self.world_ms - 77

    def go(self, seconds):
        self.world_ms += round(seconds * 1000)

    def now_ns(self):
        return (self.world_ms - self.began_ms) * 1_000_000

    def now_ms(self):
        return self.world_ms


@pytest_asyncio.fixture
async def pool(database):
    made = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=4
    )
    yield made
    await made.close()


class Process:
    def __init__(self, pool, clocks):
        self.traffic = Traffic(key=KEY, now=lambda: clocks.world_ms // 1000)
        self.limits = Limits(now_ns=clocks.now_ns, traffic=self.traffic)
        self.keeper = Keeper(self.limits, self.traffic, pool, key=KEY, now_ms=clocks.now_ms)

    async def try_(self, ask):
        await asyncio.sleep(0)
        return self.take(ask, 1)

    def take(self, ask, times):
        return sum(self.limits.buckets.take([ask]).wait_ns == 0 for _ in range(times))


async def started(pool, clocks):
    process = Process(pool, clocks)
    await process.keeper.start()
    return process


async def test_two_hundred_parallel_bursts_with_an_orderly_restart_in_each_fourth(pool):
    clocks = Clocks()
    process = await started(pool, clocks)
    for round_ in range(200):
        ask = Ask("payment", f"round {round_}", 3600 * S, 20)

        taken = sum(await asyncio.gather(*(process.try_(ask) for _ in range(15))))
        if round_ % 4 == 0:
            await process.keeper.close()
            clocks.go(2)
            clocks.restart()
            process = await started(pool, clocks)
        taken += sum(await asyncio.gather(*(process.try_(ask) for _ in range(30))))
        assert taken == 20, round_
    await process.keeper.close()


async def test_room_that_came_back_during_the_restart_is_there(pool):
    clocks = Clocks()
    process = await started(pool, clocks)
    ask = Ask("login", "x", 6 * S, 10)
    assert process.take(ask, 20) == 10
    await process.keeper.close()
    clocks.go(18)
    clocks.restart()
    process = await started(pool, clocks)
    assert process.take(ask, 20) == 3
    await process.keeper.close()


async def test_after_a_crash_no_more_is_admitted_than_the_limit_says(pool):
    clocks = Clocks()
    process = await started(pool, clocks)
    known, lost = Ask("login", "known", 6 * S, 10), Ask("login", "lost", 6 * S, 10)
    assert process.take(known, 10) == 10
    await process.keeper._state()
    clocks.go(0.5)
    assert process.take(lost, 10) == 10  # and then it dies, before the next note
    process.keeper._running.cancel()
    clocks.go(1.5)
    clocks.restart()
    process = await started(pool, clocks)
    assert process.take(known, 10) == 0
    assert process.take(lost, 10) == 0
    assert process.take(Ask("login", "never seen", 6 * S, 10), 10) == 0  # nobody can know, so it counts as used up
    assert process.take(Ask("key", "quick", S // 100, 100), 200) == 100  # what fills in a second is full again
    assert process.take(Ask("object", "pi_1", 4 * S, 1000), 1) == 1
    assert process.take(Ask("key rl_1", "x", 600 * S, 3), 5) == 3  # to fill up would take half an hour
    clocks.go(6)
    assert process.take(lost, 10) == 1
    await process.keeper.close()


async def test_a_first_start_is_no_crash(pool):
    process = await started(pool, Clocks())
    assert process.take(Ask("login", "x", 60 * S, 10), 20) == 10
    await process.keeper.close()


async def test_nothing_personal_is_kept(pool):
    clocks = Clocks()
    process = await started(pool, clocks)
    who = Principal("acct_1", False, "publishable", "key_1", address="192.0.2.77", rate_per_s=1, burst=20)
    for _ in range(5):
        process.limits.leave(await process.limits.admit(who, GET, {}))
    clocks.go(2)
    await process.keeper.close()
    rows = await pool.fetch("select bucket::text from limit_state")
    heard = await pool.fetch("select traffic::text from traffic")
    assert rows and heard
    for row in (*rows, *heard):
        assert "192.0.2.77" not in row[0]
        assert b"192.0.2.77".hex() not in row[0]


async def test_an_idle_process_writes_nothing(pool):
    clocks = Clocks()
    process = await started(pool, clocks)
    process.take(Ask("login", "x", 60 * S, 10), 1)
    await process.keeper._state()
    before = await pool.fetch("select bucket, until_ms, xmin::text from limit_state order by bucket")
    clocks.go(10)
    await process.keeper._state()
    assert await pool.fetch("select bucket, until_ms, xmin::text from limit_state order by bucket") == before
    await process.keeper.close()


async def test_traffic_is_kept_by_the_second_and_hour(pool):
    clocks = Clocks()
    process = await started(pool, clocks)
    who = Principal("acct_1", True, "secret", "key_1", address="192.0.2.1", rate_per_s=5, burst=5)
    start = clocks.world_ms // 1000
    expected = {}
    for step, count in ((0, 3), (1, 2), (1, 9), (3600, 4)):
        clocks.go(step)
        for _ in range(count):
            try:
                process.limits.leave(await process.limits.admit(who, GET, {}))
            except Exception as refused:
                assert refused.code == "rate_limit"
        expected[clocks.world_ms // 1000] = count
        await process.keeper._heard()
    clocks.go(1)
    await process.keeper.close()
    rows = await find_limits.traffic(pool, "acct_1", True, since_hour=0)
    found = {}
    for row in rows:
        found |= unpacked(row)
    assert found == expected
    assert sum(row.asked for row in rows) == 18
    assert sum(row.refused for row in rows) == 4
    assert {row.hour for row in rows} == {start - start % 3600, (start + 3602) - (start + 3602) % 3600}
    assert await find_limits.traffic(pool, "acct_1", False, since_hour=0) == []
    assert await find_limits.traffic(pool, "acct_2", True, since_hour=0) == []


async def test_a_rule_on_trial_counts_what_it_would_have_refused(pool):
    rule = Rule("rl_1", "key", "", "", 1, 60, 2, None, "observe")
    async with pool.acquire() as connection, connection.transaction():
        await store_limits.put_limit(
            connection, account="acct_1", livemode=False, created=1, by_operator=False, rule=rule
        )

    class Known:
        def peek(self, name):
            return Rules(own=[rule])

    clocks = Clocks()
    traffic = Traffic(key=KEY)
    limits = Limits(now_ns=clocks.now_ns, rules=Known(), traffic=traffic)
    keeper = Keeper(limits, traffic, pool, key=KEY, now_ms=clocks.now_ms)
    await keeper.start()
    who = Principal("acct_1", False, "secret", "key_1", address="192.0.2.1")
    for _ in range(7):
        limits.leave(await limits.admit(who, GET, {}))
    await keeper.close()
    [row] = await find_limits.limit_rows(pool, "acct_1", False)
    assert (row.asked, row.would_refuse) == (7, 5)


async def test_the_worker_may_forget_and_the_gateway_may_not(database, pool):
    worker = await connect_pool(
        database=database.settings, user="lockgate_worker", password=database.passwords["worker"], size=1
    )
    heard = store_limits.Heard(
        "acct_1", False, find_limits.TrafficRow(3600, "key_1", "standard", "", 1, 0, b"\0\1\0\1")
    )
    await store_limits.add_traffic(pool, [heard])
    assert await store_limits.forget_traffic(worker, before_hour=3600) == 0
    assert await store_limits.forget_traffic(worker, before_hour=7200) == 1
    await store_limits.save_state(pool, {b"x": 5})
    assert await store_limits.forget_state(worker, before_ms=6) == 1
    await worker.close()
