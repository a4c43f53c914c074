"""Every notification a hundred times, shuffled, forged ones between, two workers at once: nothing happens twice."""

import asyncio
import random
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.merchant import Merchant, merchant_of
from tests.faults.outside import Simulator, journal, settled, simulator_of, superuser, verified
from tests.faults.recipes import DISPUTED, RETURN_URL, card, disputed, earned, made
from tests.support.running import Running, discard, lockgate_command, start_lockgate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
COPIES = 100
AT_ONCE = 16
DAY_S = 86_400
FORGERIES = ("unsigned", "wrong_key", "altered", "stale", "early", "twice_signed", "garbage")
INQUIRED, WARNED, SLOW_REFUND, LOST_REFUND = (
    "4000000000001976", "4000000000005423", "4000000000007726", "4000000000005126",
)  # fmt: skip

ONCE = {
    "a dispute": ["charge.dispute.created", "charge.dispute.funds_withdrawn"],
    "its charge": ["charge.succeeded", "charge.updated"],
    "an inquiry": ["charge.dispute.created"],
    "a warning": ["radar.early_fraud_warning.created"],
    "a slow refund": ["refund.created", "refund.updated", "charge.refund.updated"],
    "its payment's charge": ["charge.succeeded", "charge.refunded"],
    "a refund that comes back": ["refund.created", "refund.updated", "charge.refund.updated", "refund.failed"],
    "the charge that it came back to": ["charge.succeeded", "charge.refunded", "charge.updated"],
    "a payout": ["payout.created", "payout.updated", "payout.paid"],
    "a payment in doubt": ["payment_intent.created", "payment_intent.processing", "payment_intent.succeeded"],
    "the charge in doubt": ["charge.pending", "charge.succeeded"],
    "a refund in doubt": ["refund.created", "refund.updated", "charge.refund.updated"],
}
DOUBTFUL, GIVEN_BACK = 7_777, 7_778


@dataclass
class Aftermath:
    """What was made, the events about each in order, and how the forgeries were answered."""

    running: Running
    ids: dict[str, str]
    events: dict[str, list[str]]
    answers: Counter[int]
    told: int


@contextmanager
def second_worker(running: Running) -> Iterator[None]:
    """Another worker of the same installation, beside the one that it has."""
    process = subprocess.Popen(
        [*lockgate_command(), "worker", "--home", str(running.home)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
        assert process.poll() is None, "the second worker died"
    finally:
        process.terminate()
        process.wait(20)


async def paid_with(merchant: Merchant, number: str) -> dict[str, Any]:
    return await made(
        merchant, "payment_intents", amount=5_000, currency="usd", confirm="true", return_url=RETURN_URL, **card(number)
    )


async def warning(merchant: Merchant, intent: str) -> str:
    async with asyncio.timeout(30):
        while not (found := (await merchant.get("radar/early_fraud_warnings", payment_intent=intent))["data"]):
            await asyncio.sleep(0.3)
    return found[0]["id"]


async def happen(merchant: Merchant) -> dict[str, str]:
    """One of each thing that a processor tells of, by the words of ONCE."""
    await earned(merchant, 100_000)
    argued, inquired = await paid_with(merchant, DISPUTED), await paid_with(merchant, INQUIRED)
    warned = await paid_with(merchant, WARNED)
    slow, lost = await paid_with(merchant, SLOW_REFUND), await paid_with(merchant, LOST_REFUND)
    refunds = [await made(merchant, "refunds", payment_intent=one["id"]) for one in (slow, lost)]
    payout = await made(merchant, "payouts", amount=2_000, currency="usd")
    return {
        "a dispute": await disputed(merchant, argued["id"]),
        "its charge": argued["latest_charge"],
        "an inquiry": await disputed(merchant, inquired["id"]),
        "a warning": await warning(merchant, warned["id"]),
        "a slow refund": refunds[0]["id"],
        "its payment's charge": slow["latest_charge"],
        "a refund that comes back": refunds[1]["id"],
        "the charge that it came back to": lost["latest_charge"],
        "a payout": payout["id"],
    }


async def doubt(merchant: Merchant, simulator: Simulator) -> dict[str, str]:
    """Two orders whose answers are lost: recovery takes them up when it is told to look, in either worker."""
    taken = await merchant.captured(GIVEN_BACK)
    await simulator.order("reset_after", path="/authorizations", amount=DOUBTFUL)
    await simulator.order("reset_after", path="/refunds", amount=GIVEN_BACK)
    paid = await made(
        merchant, "payment_intents", amount=DOUBTFUL, currency="usd", confirm="true", payment_method="pm_card_visa",
        return_url=RETURN_URL,
    )
    refund = await made(merchant, "refunds", payment_intent=taken)
    assert (paid["status"], refund["status"]) == ("processing", "pending")
    return {
        "a payment in doubt": paid["id"], "the charge in doubt": paid["latest_charge"],
        "a refund in doubt": refund["id"],
    }  # fmt: skip


def notices_of(running: Running) -> set[tuple[str, str]]:
    """Kind and reference of all that was told, and of the orders in doubt."""
    told: set[tuple[str, str]] = set()
    for entry in journal(running):
        told |= {(notice["kind"], notice["reference"]) for notice in entry.get("notices") or ()}
        lost = (entry["kind"], entry["amount"]) in {("authorization", DOUBTFUL), ("refund", GIVEN_BACK)}
        told |= {("step", entry["reference"])} if lost else set()
    return told


async def burst(simulator: Simulator, running: Running, notices: set[tuple[str, str]]) -> Counter[int]:
    """Tell everything again and again; returns how forged messages were answered."""
    assert {kind for kind, _ in notices} == {"step", "dispute", "early_fraud_warning", "payout"}
    account = f"{running['account']}:test"
    orders: list[dict[str, Any]] = [
        {"account": account, "kind": kind, "reference": reference} for kind, reference in notices for _ in range(COPIES)
    ]
    orders += [
        {"account": account, "kind": kind, "reference": reference, "forged": how}
        for kind, reference in notices for how in FORGERIES
    ]  # fmt: skip
    random.Random(7).shuffle(orders)
    await simulator.order("duplicate_notification", times=100)
    await simulator.order("reorder_notifications", times=50, delay_ms=400)
    await simulator.order("late_notification", times=50, delay_ms=600)
    room, answers = asyncio.Semaphore(AT_ONCE), Counter[int]()

    async def tell(order: dict[str, Any]) -> None:
        async with room:
            said = await simulator.tell(**order)
        if "forged" in order:
            answers[said["status"]] += 1

    await asyncio.gather(*(tell(order) for order in orders))
    return answers


async def worked_through(running: Running, *, at_least: int) -> int:
    """Wait until every message was handled; returns how many there were."""
    connection = await superuser(running)
    try:
        async with asyncio.timeout(90):
            while True:
                states = dict(await connection.fetch("select state, count(*) from notification group by state"))
                if set(states) == {"done"} and states["done"] >= at_least:
                    return states["done"]
                await asyncio.sleep(0.5)
    finally:
        await connection.close()


async def live_through(running: Running) -> Aftermath:
    async with merchant_of(running) as merchant, simulator_of(running) as simulator:
        with second_worker(running):
            ids = await happen(merchant)
            await made(merchant, "test_helpers/clock/advance", seconds=6 * DAY_S)
            ids |= await doubt(merchant, simulator)
            notices = notices_of(running)
            answers = await burst(simulator, running, notices)
            await settled(running, within_s=60)
            told = await worked_through(running, at_least=len(notices) * COPIES)
        events = defaultdict(list)
        for event in reversed(await merchant.all("events")):
            events[event["data"]["object"].get("id")].append(event["type"])
    return Aftermath(running, ids, events, answers, told)


@pytest.fixture(scope="module")
def aftermath() -> Iterator[Aftermath]:
    running = start_lockgate()
    try:
        yield asyncio.run(live_through(running))
    except BaseException:
        print(running.tail())
        raise
    finally:
        discard(running)


@pytest.mark.parametrize("what", ONCE)
def test_it_was_told_once_and_in_order(aftermath: Aftermath, what: str) -> None:
    assert aftermath.events[aftermath.ids[what]] == ONCE[what]


def test_no_forged_message_was_taken(aftermath: Aftermath) -> None:
    assert set(aftermath.answers) <= {400, 401, 429}, aftermath.answers


async def test_there_is_one_of_each_and_its_money_moved_once(aftermath: Aftermath) -> None:
    connection = await superuser(aftermath.running)
    try:
        rows = await connection.fetch("select type, source from balance_transaction where source is not null")
        counted = await connection.fetchrow(
            "select (select count(*) from dispute), (select count(*) from early_fraud_warning),"
            " (select count(*) from payout), (select count(*) from refund)"
        )
    finally:
        await connection.close()
    assert counted is not None
    assert tuple(counted) == (2, 1, 1, 3)
    moved = Counter((row["type"], row["source"]) for row in rows)
    assert set(moved.values()) == {1}, moved
    names = {aftermath.ids[what]: what for what in aftermath.ids}
    assert {(type_, names[source]) for type_, source in moved if source in names} >= {
        ("adjustment", "a dispute"), ("refund", "a slow refund"), ("refund", "a refund that comes back"),
        ("refund_failure", "a refund that comes back"), ("payout", "a payout"), ("charge", "the charge in doubt"),
        ("refund", "a refund in doubt"),
    }  # fmt: skip


async def test_the_books_are_whole_after_the_burst(aftermath: Aftermath) -> None:
    await verified(aftermath.running)
