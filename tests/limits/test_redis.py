"""Limits that processes share: exact whoever asks when, and what is left of them when Redis is not there."""

import asyncio
import itertools
import json
import sys
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockgate.gateway.web import limits_redis
from lockgate.gateway.web.limits_buckets import Ask, Buckets
from lockgate.gateway.web.limits_redis import Charge, Lease, SharedGone
from lockgate.kernel.config import ConfigError

S = 1_000_000_000
HOUR = 3600 * S
_numbers = itertools.count()


class Taker:
    """One process of `tests.limits.taker`."""

    @classmethod
    async def start(cls, url):
        taker = cls()
        taker.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.limits.taker", url,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return taker

    async def take(self, asks, times):
        self.process.stdin.write(json.dumps({"asks": asks, "times": times}).encode() + b"\n")
        await self.process.stdin.drain()
        return json.loads(await asyncio.wait_for(self.process.stdout.readline(), 30))

    async def kill(self):
        self.process.kill()
        await self.process.wait()


async def test_two_hundred_bursts_of_two_processes_one_of_which_is_restarted_in_the_middle(redis):
    takers = [await Taker.start(redis.url) for _ in range(2)]
    try:
        for round_ in range(200):
            ask = Ask("payment", f"round {round_}", HOUR, 20)
            taken = await asyncio.gather(*(taker.take([ask], 15) for taker in takers))
            if round_ % 50 == 25:  # a restart between two halves of one burst: the bucket knows nothing of it
                await takers[0].kill()
                takers[0] = await Taker.start(redis.url)
            taken += await asyncio.gather(*(taker.take([ask], 15) for taker in takers))
            assert sum(taken) == 20, f"round {round_}: {taken}"
    finally:
        for taker in takers:
            await taker.kill()


async def test_mixed_buckets_are_taken_together_or_not_at_all(redis):
    takers = [await Taker.start(redis.url) for _ in range(2)]
    try:
        for round_ in range(30):
            wide, narrow = Ask("a", str(round_), HOUR, 50), Ask("b", str(round_), HOUR, 7)
            taken = await asyncio.gather(*(taker.take([wide, narrow], 20) for taker in takers))
            assert sum(taken) == 7
            rest = await asyncio.gather(*(taker.take([wide], 40) for taker in takers))
            assert sum(rest) == 43
    finally:
        for taker in takers:
            await taker.kill()


async def test_a_restart_of_redis_itself_keeps_what_was_taken(redis):
    shared = limits_redis.connect({"redis": redis.url}, password=None)
    ask = Ask("payment", "x", HOUR, 20)
    for _ in range(15):
        await shared.take([ask])
    redis.kill()
    with pytest.raises(SharedGone):
        await shared.take([ask])
    await redis.start()
    left = 0
    for _ in range(20):
        verdict, _ = await shared.take([ask])
        left += not verdict.wait_ns
    assert left == 5
    await shared.close()


async def test_room_comes_back_at_the_rate(redis):
    shared = limits_redis.connect({"redis": redis.url}, password=None)
    ask = Ask("payment", "x", S // 5, 20, "endpoint-rate")
    assert sum([not (await shared.take([ask]))[0].wait_ns for _ in range(20)]) == 20
    verdict, _ = await shared.take([ask])
    assert 0 < verdict.wait_ns <= S // 5
    assert verdict.reason == "endpoint-rate"
    await asyncio.sleep(verdict.wait_ns / S)
    assert (await shared.take([ask]))[0].wait_ns == 0
    assert (await shared.take([ask]))[0].wait_ns > 0
    await shared.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.tuples(st.integers(1, HOUR), st.integers(1, 30)), min_size=1, max_size=4),
    chosen=st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=1, max_size=40),
)
def test_the_script_says_what_the_buckets_of_a_process_say(redis, sizes, chosen):
    async def run():
        seed = next(_numbers)
        shared = limits_redis.connect({"redis": redis.url}, password=None)
        try:
            local = Buckets(now_ns=lambda: 10 * S)
            slow = [(interval + HOUR, burst) for interval, burst in sizes]  # nothing comes back while this runs
            for places in chosen:
                asks = [Ask(f"{seed} {n}", "x", *slow[n]) for n in places if n < len(slow)]
                there, _ = await shared.take(asks)
                here = local.take(asks)
                assert (there.wait_ns == 0) == (here.wait_ns == 0)
                assert abs(Fraction(there.wait_ns - here.wait_ns, S)) < 60  # the clock of Redis goes on meanwhile
        finally:
            await shared.close()

    asyncio.run(run())


async def test_requests_under_way_are_counted_over_all_processes_and_forgotten_when_one_dies(redis, monkeypatch):
    monkeypatch.setattr(limits_redis, "LEASE_MS", 400)
    one, two = (limits_redis.connect({"redis": redis.url}, password=None) for _ in range(2))
    ask = Ask("key", "x", S, 100)
    places = [("now key x", 3), ("now account y", 10)]
    for n, shared in enumerate((one, two, one)):
        verdict, _ = await shared.take([ask], Lease(f"run_{n}", places))
        assert verdict.wait_ns == 0
    verdict, place = await two.take([ask], Lease("run_3", places))
    assert (verdict.wait_ns, place) == (S, 0)
    one.leave(Lease("run_0", places))
    await one.tell()
    assert (await two.take([ask], Lease("run_3", places)))[0].wait_ns == 0
    assert (await two.take([ask], Lease("run_4", places)))[0].wait_ns == S
    await asyncio.sleep(0.5)  # nobody says that they ended
    assert (await two.take([ask], Lease("run_4", places)))[0].wait_ns == 0
    taken = (await two.take([ask._replace(burst=1)]))[0]
    assert taken.wait_ns > 0, "five requests were let in, and each of them counts"
    await one.close()
    await two.close()


async def test_a_full_place_takes_no_room(redis):
    shared = limits_redis.connect({"redis": redis.url}, password=None)
    ask = Ask("key", "x", HOUR, 2)
    assert (await shared.take([ask], Lease("a", [("now", 1)])))[0].wait_ns == 0
    for n in range(10):
        verdict, place = await shared.take([ask], Lease(f"b{n}", [("now", 1)]))
        assert (verdict.wait_ns, place) == (S, 0)
    shared.leave(Lease("a", [("now", 1)]))
    await shared.tell()
    assert (await shared.take([ask], Lease("c", [("now", 1)])))[0].wait_ns == 0
    assert (await shared.take([ask]))[0].wait_ns > HOUR // 2
    await shared.close()


async def test_a_watching_bucket_counts_and_never_refuses(redis):
    shared = limits_redis.connect({"redis": redis.url}, password=None)
    asks = [Ask("key", "x", S, 100), Ask("watch", "x", HOUR, 2, "", "rl_1")]
    seen = [(await shared.take(asks))[0] for _ in range(4)]
    assert [one.wait_ns for one in seen] == [0] * 4
    assert [one.over for one in seen] == [(), (), ("rl_1",), ("rl_1",)]
    await shared.close()


async def test_a_charge_fills_a_bucket_and_never_more(redis):
    shared = limits_redis.connect({"redis": redis.url}, password=None)
    ask = Ask("key", "x", 10 * S, 10)
    await shared.charge([Charge(ask.name, ask.interval_ns, ask.burst, 4)])
    assert sum([not (await shared.take([ask]))[0].wait_ns for _ in range(10)]) == 6
    await shared.charge([Charge(ask.name, ask.interval_ns, ask.burst, 1000)])
    assert (await shared.take([ask]))[0].wait_ns <= 10 * S
    assert await shared.look(ask) > 9 * S
    await shared.close()


async def test_a_redis_that_forgets_under_pressure_is_none(redis):
    shared = limits_redis.connect({"redis": redis.url}, password=None)
    await shared.check()
    await shared._redis.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(SharedGone, match="noeviction"):
        await shared.check()
    await shared.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://redis.example:6379", "rediss"),
        ("redis://192.0.2.1:6379", "rediss"),
        ("redis://:secret@127.0.0.1", "password"),
        ("http://127.0.0.1", "rediss"),
        ("127.0.0.1:6379", "rediss"),
    ],
)
def test_an_unsafe_address_of_redis_is_refused(url, said):
    with pytest.raises(ConfigError, match=said) as refused:
        limits_redis.connect({"redis": url}, password=None)
    assert "secret" not in str(refused.value).replace("secrets/gateway.json", "")


def test_over_the_network_the_certificate_and_the_name_are_checked():
    shared = limits_redis.connect({"redis": "rediss://redis.example:6380", "redis_ca": "/ca.pem"}, password="p")
    kept = shared._pool.connection_kwargs
    assert kept["ssl_cert_reqs"] == "required"
    assert kept["ssl_check_hostname"] is True
    assert kept["ssl_ca_certs"] == "/ca.pem"
    assert kept["ssl_min_version"].name == "TLSv1_3"
