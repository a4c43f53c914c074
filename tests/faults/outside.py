"""What stands outside Lockgate: the simulator's orderable faults, its journal, and the books in PostgreSQL."""

import asyncio
import json
import ssl
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg

from tests.support.running import Running

Entry = Mapping[str, Any]


@dataclass
class Simulator:
    """The simulator's admin API, as an operator would use it."""

    url: str
    session: aiohttp.ClientSession
    tls: ssl.SSLContext

    async def order(self, fault: str, *, times: int = 1, delay_ms: int | None = None, **match: Any) -> None:
        order: dict[str, Any] = {"fault": fault, "times": times, "match": match}
        if delay_ms is not None:
            order["delay_ms"] = delay_ms
        async with self.session.post(f"{self.url}/admin/faults", json=[order], ssl=self.tls) as answer:
            assert answer.status == 200, await answer.text()

    async def order_all(self, faults: list[dict[str, Any]]) -> None:
        """Many at once, each as the admin API has it."""
        for start in range(0, len(faults), 1000):
            async with self.session.post(
                f"{self.url}/admin/faults", json=faults[start : start + 1000], ssl=self.tls
            ) as answer:
                assert answer.status == 200, await answer.text()

    async def clear(self) -> None:
        async with self.session.delete(f"{self.url}/admin/faults", ssl=self.tls) as answer:
            assert answer.status == 200, await answer.text()

    async def tell(self, **order: Any) -> dict[str, Any]:
        """Have a notification sent: ``account``, ``kind``, ``reference``, and ``forged`` with how."""
        async with self.session.post(f"{self.url}/admin/notifications", json=order, ssl=self.tls) as answer:
            return await answer.json()

    async def pending(self) -> list[dict[str, Any]]:
        async with self.session.get(f"{self.url}/admin/status", ssl=self.tls) as answer:
            return (await answer.json())["faults"]

    async def go_away(self, *, seconds: float) -> None:
        """No connection is accepted for ``seconds``, and those that stand are reset. Returns once it is gone."""
        await self.order("refuse", delay_ms=int(seconds * 1000))
        await asyncio.sleep(0.3)


@asynccontextmanager
async def simulator_of(running: Running) -> AsyncIterator[Simulator]:
    tls = ssl.create_default_context(cafile=running["ca_file"])
    token = running.secrets("simulator")["admin_token"]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        yield Simulator(running["simulator"], session, tls)


def journal(running: Running) -> list[Entry]:
    """Every entry, read from the file: it is there also while the simulator is not."""
    lines = (running.home / "simulator" / "journal.jsonl").read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]  # what follows the last newline was never acknowledged


@dataclass
class Moved:
    """What the processor really did for one authorisation."""

    approved: bool
    amount: int = 0
    captured: int = 0
    refunded: int = 0
    released: bool = False
    """Voided or reversed: it holds no money."""

    steps: list[str] = field(default_factory=list)


def authorizations(entries: Iterable[Entry]) -> dict[str, Moved]:
    """Each authorisation, by the reference that Lockgate gave it (its attempt)."""
    by_id: dict[str, Moved] = {}
    by_reference: dict[str, Moved] = {}
    for entry in entries:
        kind, status = entry["kind"], entry["status"]
        if kind == "authorization":
            approved = status == "approved"
            amount = entry["amount"]
            moved = Moved(approved, amount, captured=amount if approved and entry.get("capture") else 0)
            by_id[entry["id"]] = by_reference[entry["reference"]] = moved
            continue
        if entry.get("authorization") is None:
            continue  # a reversal of what never arrived
        moved = by_id[entry["authorization"]]
        moved.steps.append(entry["reference"])
        if kind == "capture" and status == "approved":
            moved.captured += entry["amount"]
        elif kind == "refund" and status == "approved":
            moved.refunded += entry["amount"]
        elif (kind, status) in {("void", "approved"), ("reversal", "reversed")}:
            moved.released = True
    return by_reference


async def another_merchant(running: Running) -> str:
    """A secret key of a new merchant."""
    done = await asyncio.to_thread(running.command, "accounts", "create", "--name", "Another shop")
    made = await asyncio.to_thread(running.command, "keys", "create", "--account", done.stdout.split()[-1])
    return next(word for word in made.stdout.split() if word.startswith("sk_test_"))


async def superuser(running: Running, database: str = "lockgate") -> asyncpg.Connection:
    """A connection that may do anything to the books."""
    return await asyncpg.connect(
        host=running.settings()["database"]["host"],
        port=5432,
        user="postgres",
        password=running.secrets("postgres")["database_password"],
        database=database,
        server_settings={"search_path": "gateway"},
    )


@dataclass
class Paid:
    """One payment intent: what the processor holds for it, and what Lockgate says of it."""

    id: str
    order: str | None
    said_received: int
    said_refunded: int
    moved: list[Moved] = field(default_factory=list)

    @property
    def standing(self) -> list[Moved]:
        return [one for one in self.moved if one.approved and not one.released]


async def payments(running: Running) -> list[Paid]:
    """Every intent beside the journal. ``order`` is the metadata by which the shop knows its own order."""
    connection = await superuser(running)
    try:
        intents = await connection.fetch(
            "select i.id, i.data::text as data, i.amount_received,"
            " coalesce((select sum(c.amount_refunded) from charge c where (c.account, c.livemode) ="
            "  (i.account, i.livemode) and c.intent = i.id), 0)::bigint as refunded from payment_intent i"
        )
        owners = dict(
            await connection.fetch("select id, intent from attempt where action in ('authorize', 'complete', 'verify')")
        )
    finally:
        await connection.close()
    moved = defaultdict(list)
    for reference, one in authorizations(journal(running)).items():
        moved[owners.get(reference)].append(one)
    # A card's issuer is asked for nothing before a customer keeps it: such a question holds no money.
    strangers = [one for one in moved.pop(None, []) if one.approved and one.amount]
    assert not strangers, f"the processor authorised what no attempt stands for: {strangers}"
    return [
        Paid(
            row["id"],
            json.loads(row["data"]).get("metadata", {}).get("order"),
            row["amount_received"],
            row["refunded"],
            moved[row["id"]],
        )
        for row in intents
    ]


def doubled(paid: Iterable[Paid]) -> list[str]:
    """Whatever was paid twice, for one intent or one order of the shop, or of which the amounts differ."""
    found = []
    per_order: Counter[str] = Counter()
    for one in paid:
        standing = one.standing
        if len(standing) > 1:
            found.append(f"{one.id} holds {len(standing)} authorisations")
        if one.order and standing:
            per_order[one.order] += 1
        captured = sum(moved.captured for moved in one.moved if not moved.released)
        refunded = sum(moved.refunded for moved in one.moved)
        if (captured, refunded) != (one.said_received, one.said_refunded):
            said = f"{one.said_received} and {one.said_refunded}"
            found.append(f"{one.id}: captured and refunded {captured} and {refunded}, Lockgate says {said}")
    return found + [f"order {order} was paid {times} times" for order, times in per_order.items() if times > 1]


async def settled(running: Running, *, within_s: float) -> float:
    """Wait until no attempt is in doubt; returns how long it took."""
    began = time.monotonic()
    connection = await superuser(running)
    try:
        while True:
            rows = await connection.fetch(
                "select id, action, state, checks, next_check_ms from attempt"
                " where state in ('open', 'unknown', 'pending')"
            )
            if not rows:
                return time.monotonic() - began
            if time.monotonic() - began > within_s:
                raise AssertionError(f"still in doubt after {within_s} s: {[dict(row) for row in rows[:5]]}")
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


async def verified(running: Running) -> None:
    """Every invariant holds."""
    done = await asyncio.to_thread(running.command, "verify", check=False)
    assert done.returncode == 0, f"the invariants do not hold:\n{done.stdout}\n{done.stderr}"


async def broken_invariants(running: Running) -> set[str]:
    """The names of the invariants that ``lockgate verify`` finds broken."""
    done = await asyncio.to_thread(running.command, "verify", check=False)
    assert done.returncode in (0, 1), done.stderr
    return {line.split()[0] for line in done.stdout.splitlines() if " BROKEN " in line}
