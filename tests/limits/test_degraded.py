"""What a gateway does while Redis is gone: no guesses and no money out, a part of each other limit, and an alarm."""

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio

from lockgate.gateway.web import limits_redis
from lockgate.gateway.web.limits import Limits
from lockgate.gateway.web.limits_buckets import Ask
from lockgate.gateway.web.limits_shared import SharedLimits
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import Shape

S = 1_000_000_000


async def _nothing(call):
    return {}


def operation(limit, resource="payment_intents"):
    return Operation(
        name=f"thing.{limit}", method="POST", path="/v1/things", resource=resource, access="write", handler=_nothing,
        params=Object({}), returns=Shape("thing", {}), summary="It.", audit="thing.do", limit=limit,
    )  # fmt: skip


PAY, REFUND, PAYOUT = operation("payment"), operation("refund", "refunds"), operation("payout", "payouts")
KEY = Principal("acct_1", False, "secret", "key_1", address="192.0.2.1", rate_per_s=100, burst=100)


class Clock:
    """A process's own clock, moved by the test; Redis has its own."""

    def __init__(self):
        self.now = 10 * S

    def __call__(self):
        return self.now


class Process:
    """One gateway process's limits."""

    def __init__(self, url, *, processes=2):
        self.told = []
        self.clock = Clock()

        async def told(back, reason):
            self.told.append("recovered" if back else "degraded")

        redis = limits_redis.connect({"redis": url}, password=None)
        self.shared = SharedLimits(redis, processes=processes, told=told, now_ns=self.clock)
        self.limits = Limits(now_ns=self.clock, shared=self.shared)

    async def try_(self, what, times=1, *, who=KEY):
        """How many of ``times`` were admitted; the refusal of the last that was not."""
        admitted, refusal = 0, None
        for _ in range(times):
            try:
                self.limits.leave(await self.limits.admit(who, what, {}))
                admitted += 1
            except Refusal as refused:
                refusal = refused
        return admitted, refusal

    async def until(self, word):
        for _ in range(100):
            if self.told[-1:] == [word]:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never {word}: {self.told}")


@pytest_asyncio.fixture
async def pair(redis):
    both = [Process(redis.url), Process(redis.url)]
    for one in both:
        await one.shared.start()
    yield both
    for one in both:
        await one.shared.close()


async def test_two_processes_have_one_limit(pair):
    first, second = pair
    slow = replace(KEY, rate_per_s=1)
    assert (await first.try_(PAY, 15, who=slow))[0] == 15
    admitted, refusal = await second.try_(PAY, 15, who=slow)
    assert 5 <= admitted <= 6  # what came back meanwhile
    assert refusal.kind is Kind.RATE_LIMITED


async def test_redis_is_killed_and_comes_back(redis, pair):
    first, second = pair
    await first.try_(PAY, 5)
    redis.kill()
    for what in (REFUND, PAYOUT):
        admitted, refusal = await first.try_(what)
        assert admitted == 0
        assert (refusal.kind, refusal.code, refusal.should_retry) == (Kind.UNAVAILABLE, "limits_unavailable", True)
        assert refusal.retry_after_s >= 1
    for cls in ("login", "token"):
        with pytest.raises(Refusal) as refused:
            await second.limits.admit_from(cls, "192.0.2.1")
        assert refused.value.kind is Kind.UNAVAILABLE
    await first.until("degraded")
    await second.until("degraded")

    # Payments go on, at a part of the limit that begins used up: 100/s shared by two is 50/s and a burst of 10.
    assert (await first.try_(PAY, 50))[0] == 0
    first.clock.now += S // 50
    assert (await first.try_(PAY, 50))[0] == 1
    for one in pair:
        one.clock.now += 10 * S
    taken = [(await one.try_(PAY, 50))[0] for one in pair]
    assert taken == [10, 10]
    assert (await first.try_(PAY))[1].kind is Kind.RATE_LIMITED

    await redis.start()
    await first.until("recovered")
    await second.until("recovered")
    assert not first.shared.degraded
    assert (await first.try_(REFUND))[0] == 1
    await first.limits.admit_from("login", "192.0.2.1")


async def test_what_was_admitted_meanwhile_is_charged_when_redis_is_back(redis):
    process = Process(redis.url, processes=2)
    ask = Ask("slow", "x", 3600 * S, 20)
    redis.kill()
    await process.shared.take([ask], "payment")
    await process.until("degraded")
    process.clock.now += 7200 * 20 * S
    for _ in range(8):
        verdict, _ = await process.shared.take([ask], "payment")
        assert verdict.wait_ns == 0
    await redis.start()
    await process.until("recovered")
    left = 0
    for _ in range(30):
        verdict, _ = await process.shared.take([ask], "payment")
        left += not verdict.wait_ns
    assert left == 12
    await process.shared.close()


async def test_a_start_without_redis_begins_degraded(redis):
    url = redis.url
    redis.kill()
    process = Process(url)
    await process.shared.start()
    assert process.shared.degraded
    await process.until("degraded")
    assert (await process.try_(PAY))[0] == 0
    process.clock.now += S
    assert (await process.try_(PAY, 50))[0] == 10
    assert (await process.try_(REFUND))[1].kind is Kind.UNAVAILABLE
    await process.shared.close()


async def test_a_redis_that_hangs_is_gone_too(redis, pair):
    first, _ = pair
    redis.freeze()
    try:
        began = asyncio.get_running_loop().time()
        assert (await first.try_(REFUND))[1].kind is Kind.UNAVAILABLE
        for _ in range(20):  # nobody waits for it again and again
            await first.try_(PAY)
        assert asyncio.get_running_loop().time() - began < 1.5
    finally:
        redis.thaw()
    await first.until("recovered")


async def test_a_limit_too_small_to_be_parted_refuses(redis):
    process = Process(redis.url, processes=50)
    redis.kill()
    with pytest.raises(Refusal) as refused:
        await process.limits.admit_from("browser", "192.0.2.1")  # a burst of 20 has no fiftieth part
    assert refused.value.kind is Kind.UNAVAILABLE
    await process.shared.close()


async def test_an_object_is_changed_on_while_redis_is_gone(redis, pair):
    """Nobody knows how often it was changed this hour; to call that used up would keep payments from being captured."""
    first, _ = pair
    redis.kill()
    await first.try_(PAY)
    first.clock.now += S
    change = operation("standard")
    held = await first.limits.admit(KEY, change, {"intent": "pi_1"})
    first.limits.leave(held)


class Waiting:
    """A Redis that takes its time, or fails, as the test says; what was given back is in ``left``."""

    def __init__(self):
        self.asked, self.left, self.gone = asyncio.Event(), [], False
        self.charging, self.charged = asyncio.Event(), asyncio.Event()

    async def take(self, asks, lease=None):
        if self.gone:
            raise limits_redis.SharedGone("gone")
        self.asked.set()
        await asyncio.sleep(60)

    async def check(self):
        if self.gone:
            raise limits_redis.SharedGone("gone")

    async def charge(self, charges):
        self.charging.set()
        await self.charged.wait()
        if self.gone:
            raise limits_redis.SharedGone("gone")

    def leave(self, lease):
        self.left.append(lease)

    async def close(self):
        pass


async def test_a_request_that_is_cancelled_while_redis_answers_keeps_no_place():
    redis = Waiting()

    async def told(back, reason):
        pass

    limits = Limits(shared=SharedLimits(redis, processes=2, told=told))  # type: ignore[arg-type]
    admitting = asyncio.create_task(limits.admit(KEY, PAY, {}))
    await redis.asked.wait()
    admitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await admitting
    assert [lease.sets for lease in redis.left] == [[("now key key_1", 128), ("now account acct_1 0", 384)]]
    assert limits._at_once == 0 and limits._seated == {}


async def test_redis_that_goes_again_while_it_is_charged_is_waited_for_once(monkeypatch):
    monkeypatch.setattr("lockgate.gateway.web.limits_shared.PROBE_S", 0.01)
    redis, said = Waiting(), []

    async def told(back, reason):
        said.append(back)

    shared = SharedLimits(redis, processes=2, told=told)  # type: ignore[arg-type]
    redis.gone = True
    await shared.start()
    redis.gone = False
    await redis.charging.wait()
    redis.gone = True
    await shared.take([Ask("a", "b", S, 20)], "payment")  # finds it gone, while the charge is still under way
    redis.charged.set()
    await asyncio.sleep(0.05)
    redis.gone = False
    await asyncio.sleep(0.1)
    await shared.close()
    assert said == [False, False, True]


async def test_of_few_places_no_process_has_a_part_while_redis_is_gone(redis):
    process = Process(redis.url, processes=4)
    assert process.shared.share_of(3) == 3
    redis.kill()
    await process.shared.start()
    assert (process.shared.share_of(3), process.shared.share_of(9)) == (0, 2)
    await process.shared.close()
