"""Programs are killed and answers dropped at random under load; afterwards nothing is lost, doubled or unbalanced.

The load runs once for all tests of this file. The printed seed decides who dies, when, and what answers get lost.
"""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.faults.merchant import merchant_of
from tests.faults.outside import Paid, doubled, payments, settled, simulator_of, superuser, verified
from tests.faults.receiver import Delivery, receiving
from tests.support.running import Running, discard, start_lockgate
from tests.support.shop import ENDS, Shop

SECONDS = 40
MOST_SECONDS = 180
"""However slow the machine is: longer than this the load does not go on until there was enough of it."""
ENOUGH = 150
SEED = int(time.time())
# Five deaths of one program within a minute rightly stop everything: stay below.
KILLS = ["gateway", "vault", "worker", "simulator"] * 3 + ["backend", "postgres"]
FAULTS = ["reset_after", "reset_before", "garbage", "http_500_after", "http_500_before", "truncated", "timeout_after"]
RECOVERY_S = 60
LEASE_S = 60
"""How long a delivery waits that a worker took along into its death."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(540)]


@dataclass
class Aftermath:
    """What was told, and what stands after recovery."""

    running: Running
    shop: Shop
    story: list[str]
    recovered_after_s: float
    paid: list[Paid]
    events: set[str]
    deliveries: list[Delivery]


def kill_backend(running: Running) -> None:
    """SIGKILL one of PostgreSQL's own processes: it throws every session out and recovers."""
    postmaster = int(running.refresh()["pids"]["postgres"])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for child in children:
        with contextlib.suppress(FileNotFoundError):
            if b"lockgate_gateway" in Path(f"/proc/{child}/cmdline").read_bytes():
                return os.kill(int(child), signal.SIGKILL)
    raise AssertionError("the gateway has no session")


async def mayhem(running: Running, seconds: float, dice: random.Random) -> list[str]:
    done: list[str] = []
    victims = KILLS.copy()
    dice.shuffle(victims)
    end = time.monotonic() + seconds
    async with simulator_of(running) as simulator:
        while victims and (time.monotonic() < end or len(victims) > len(KILLS) - 6):
            await asyncio.sleep(dice.uniform(0.2, 2.0))
            if dice.random() < 0.6:
                fault, times = dice.choice(FAULTS), dice.randrange(1, 8)
                with contextlib.suppress(aiohttp.ClientError):  # the simulator is just being restarted
                    await simulator.order(fault, times=times, delay_ms=200)
                    done.append(f"{times} {fault}")
            victim = victims.pop()
            done.append(f"kill {victim}")
            if victim == "backend":
                await asyncio.to_thread(kill_backend, running)
                continue
            old = running.kill(victim)
            await asyncio.to_thread(running.wait_restarted, victim, old)
    return done


async def live_through(running: Running) -> Aftermath:
    shop = Shop(running["api"], running["secret_key"], running["ca_file"], seed=SEED)
    begun = time.monotonic()

    def over() -> bool:
        lasted = time.monotonic() - begun
        enough = len(shop.acknowledged) >= ENOUGH and {said.kind for said in shop.acknowledged} == set(ENDS)
        return lasted > MOST_SECONDS or (lasted > SECONDS and enough)

    async with receiving(slow_s=0.2) as receiver:
        async with merchant_of(running) as merchant:
            made = await merchant.post("webhook_endpoints", url=receiver.url, **{"enabled_events[0]": "*"})
            assert made.status == 200, made.body
        async with shop.open():
            story, _ = await asyncio.gather(
                mayhem(running, SECONDS, random.Random(SEED)), shop.keep_going(over, customers=12)
            )
            recovered_after_s = await settled(running, within_s=RECOVERY_S)
            await shop.read_again()
        end = time.monotonic() + LEASE_S + 15
        while (events := await committed_events(running)) - receiver.ids() and time.monotonic() < end:
            await asyncio.sleep(0.5)
        return Aftermath(running, shop, story, recovered_after_s, await payments(running), events, receiver.deliveries)


async def committed_events(running: Running) -> set[str]:
    connection = await superuser(running)
    try:
        return {row["id"] for row in await connection.fetch("select id from event")}
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def aftermath() -> Iterator[Aftermath]:
    running = start_lockgate(options=("--allow-private-webhooks",))
    try:
        lived = asyncio.run(live_through(running))
        print(f"seed {SEED}: {lived.story}")
        yield lived
    except BaseException:
        print(f"seed {SEED}\n{running.tail()}")
        raise
    finally:
        discard(running)


def test_the_load_and_the_mayhem_were_real(aftermath: Aftermath, capsys: pytest.CaptureFixture[str]) -> None:
    shop = aftermath.shop
    with capsys.disabled():
        print(
            f"\nseed {SEED}: {len(shop.acknowledged)} acknowledged, {len(aftermath.events)} events; in doubt for"
            f" {aftermath.recovered_after_s:.0f} s after the end; answers {dict(shop.answers)}; {aftermath.story}"
        )
    assert len(shop.acknowledged) >= ENOUGH, "the load hardly ran: nothing was proven"
    kinds = Counter(said.kind for said in shop.acknowledged)
    assert set(kinds) == set(ENDS), f"not everything was tried: {kinds}"
    killed = {entry.removeprefix("kill ") for entry in aftermath.story if entry.startswith("kill ")}
    assert len(killed) >= 4, aftermath.story


def test_every_acknowledged_answer_stands(aftermath: Aftermath) -> None:
    assert aftermath.shop.broken() == []


def test_every_answer_was_one_that_a_shop_can_live_with(aftermath: Aftermath) -> None:
    assert aftermath.shop.surprises == []


def test_a_repeated_key_is_told_the_same_again(aftermath: Aftermath) -> None:
    assert aftermath.shop.replayed >= ENOUGH // 2
    assert aftermath.shop.changed_answers == []


def test_nothing_was_paid_twice_and_all_amounts_agree(aftermath: Aftermath) -> None:
    assert sum(bool(one.standing) for one in aftermath.paid) >= ENOUGH // 4
    assert doubled(aftermath.paid) == []


async def test_the_invariants_hold(aftermath: Aftermath) -> None:
    await verified(aftermath.running)


def test_every_event_was_delivered_under_one_id(aftermath: Aftermath) -> None:
    received = Counter(one.id for one in aftermath.deliveries)
    assert set(received) == aftermath.events
    for one in aftermath.deliveries:
        assert f'"id":"{one.id}"'.encode() in one.body
