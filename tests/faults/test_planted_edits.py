"""Somebody with all rights over the database, or over the processor's journal, cannot edit it unnoticed."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.merchant import merchant_of
from tests.faults.outside import broken_invariants, journal, superuser, verified
from tests.faults.recipes import DISPUTED, RETURN_URL, card, disputed, earned, made
from tests.support.running import Running, discard, start_lockgate

# Each with the invariants that must break, and how it is taken back.
EDITS = {
    "a transfer deleted": (
        "delete from transfer where kind = 'capture' and source = $1",
        "transfer",
        {"I2", "I3", "I6"},
    ),
    "a transfer's amount raised": (
        "update transfer set amount = amount + 1 where kind = 'capture' and source = $1",
        "transfer",
        {"I2", "I3", "I6"},
    ),
    "a balance changed": (
        "update balance set amount = amount + 1 where ledger = 'merchant:pending' and $1 <> ''",
        "balance",
        {"I1", "I2"},
    ),
    "the audit of a payment removed": (
        "delete from audit where object = (select intent from charge where id = $1)",
        "audit",
        {"I7"},
    ),
    "a charge without an attempt": (
        "insert into charge select account, livemode, 'ch_planted', version, created, status, intent, amount, 0, 0, 0,"
        " 0, currency, customer, payment_method, null, processor, 'sau_planted', subject, data, personal"
        " from charge where id = $1",
        "charge",
        {"I4"},
    ),
    "a refund that never was": (
        "update charge set amount_refunded = 1 where id = $1",
        "charge",
        {"I6"},
    ),
    "a payment made anew": (
        "update payment_intent set status = 'canceled' where latest_charge = $1",
        "payment_intent",
        {"I7"},
    ),
    "a payout made bigger": (
        "update payout set amount = amount + 1 where $1 <> ''",
        "payout",
        {"I2", "I3"},
    ),
    "a payout that took nothing": (
        "delete from transfer where kind = 'payout' and $1 <> ''",
        "transfer",
        {"I2"},
    ),
    "a dispute won by hand": (
        "update dispute set status = 'won' where $1 <> ''",
        "dispute",
        {"I6", "I7"},
    ),
    "a dispute that withdrew nothing": (
        "delete from transfer where kind = 'dispute' and $1 <> ''",
        "transfer",
        {"I2", "I3", "I6"},
    ),
    "an event's way out cut": (
        "delete from delivery where event in (select id from event where object = $1)",
        "delivery",
        {"I8"},
    ),
}


@dataclass
class Victim:
    """A sound Lockgate, and one captured charge in it."""

    running: Running
    charge: str


async def pay(running: Running) -> str:
    async with merchant_of(running) as merchant:
        url = "http://127.0.0.1:9/hooks"  # nobody listens: every delivery waits
        await made(merchant, "webhook_endpoints", url=url, **{"enabled_events[0]": "*"})
        await asyncio.sleep(1.1)  # an endpoint is owed what is younger than itself, in whole seconds
        intent = await merchant.captured(5_000)
        await merchant.captured(6_000)
        paid = await made(
            merchant, "payment_intents", amount=7_000, currency="usd", confirm="true", return_url=RETURN_URL,
            **card(DISPUTED),
        )
        await disputed(merchant, paid["id"])
        await earned(merchant, 8_000)
        await made(merchant, "payouts", amount=900, currency="usd")
        await folded(running)
        return (await merchant.get(f"payment_intents/{intent}"))["latest_charge"]


async def folded(running: Running) -> None:
    """Wait until the balances were folded and the outbox emptied, so that there is something to edit."""
    connection = await superuser(running)
    try:
        async with asyncio.timeout(60):
            while await connection.fetchval("select exists (select from balance_delta) or exists (select from outbox)"):
                await asyncio.sleep(0.2)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    running = start_lockgate(options=("--allow-private-webhooks",))
    try:
        yield Victim(running, asyncio.run(pay(running)))
    finally:
        discard(running)


@pytest.mark.parametrize("name", EDITS)
async def test_an_edit_of_the_database_is_found(victim: Victim, name: str) -> None:
    statement, table, invariants = EDITS[name]
    await verified(victim.running)
    connection = await superuser(victim.running)
    try:
        await connection.execute("set session_replication_role = replica")  # no trigger stops this hand
        await connection.execute(f"create temp table kept as select * from {table}")
        done = await connection.execute(statement, victim.charge)
        assert not done.endswith(" 0"), "the edit changed nothing"
        assert await broken_invariants(victim.running) >= invariants
        await connection.execute(f"delete from {table}")
        await connection.execute(f"insert into {table} select * from kept")
    finally:
        await connection.close()
    await verified(victim.running)


@pytest.mark.parametrize("edit", ["amount raised", "charge nobody ordered"])
async def test_an_edit_of_the_journal_is_found(victim: Victim, edit: str) -> None:
    """The simulator reads its journal when it starts: it is given an edited copy, and then its own again."""
    file = victim.running.home / "simulator" / "journal.jsonl"
    true, entries = file.read_bytes(), [dict(entry) for entry in journal(victim.running)]
    taken = next(entry for entry in entries if entry["kind"] == "authorization" and entry["status"] == "approved")
    if edit == "amount raised":
        taken["amount"] += 1
    else:
        stranger = json.loads(json.dumps(taken).replace(taken["id"], "sau_planted").replace(taken["reference"], "pa_x"))
        entries.append({**stranger, "seq": len(entries) + 1})
    try:
        await restart_with(victim.running, b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
        assert await broken_invariants(victim.running) == {"I3"}
    finally:
        await restart_with(victim.running, true)
    await verified(victim.running)


async def restart_with(running: Running, content: bytes) -> None:
    """Put another journal in the simulator's place: the running one keeps writing to the file that was."""
    file = running.home / "simulator" / "journal.jsonl"
    before = file.stat()
    other = file.with_suffix(".other")
    other.write_bytes(content)
    shutil.chown(other, before.st_uid, before.st_gid)
    other.chmod(before.st_mode & 0o777)
    other.replace(file)
    old = running.kill("simulator")
    await asyncio.to_thread(running.wait_restarted, "simulator", old)
