"""The engine against a real database, with keys in memory: payments are judged and committed as payments does it."""

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from lockgate.gateway.geography.places import ShippedPlaces
from lockgate.gateway.geography.tables import Tables
from lockgate.gateway.identity.remembered import Remembered
from lockgate.gateway.risk import find_settings
from lockgate.gateway.risk.assess import Engine, assess
from lockgate.gateway.risk.core.subject import Card, Customer, Subject
from lockgate.gateway.risk.core.verdict import Assessment, Verdict
from lockgate.gateway.risk.defend import Defence
from lockgate.gateway.risk.gather import Sources
from lockgate.gateway.risk.memberships import Lists
from lockgate.gateway.rules.active import Active
from lockgate.gateway.rules.core.packed import unpack
from lockgate.gateway.scoring.score import NONE, Score
from lockgate.gateway.storage.commit import Committer, Overrun
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import RiskOutcomeRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from tests.gateway.customers.desk import MemoryBox, pool_as
from tests.support.cluster import Database

ACCOUNT = "acct_test0000000000001"
CARD = Card(
    fingerprint="1ABCDEFGHIJKLMNOPQRSTU", bin="424242", brand="visa", funding="credit", country="US", has_cvc=True
)
GERMAN = replace(CARD, fingerprint="1GERMANGERMANGERMANGE", bin="400000", country="DE")
NOWHERE = replace(CARD, fingerprint="1NOWHERENOWHERENOWHER", bin="499999", country=None)
PATIENT_S = 5.0
"""For tests that are not about the deadline: the machine may be busy."""




@dataclass
class Scored:
    """Says what it was told to, and keeps what it was asked."""

    says: Score = NONE
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    async def __call__(self, account: str, livemode: bool, attributes: Mapping[str, Any]) -> Score:
        self.asked.append(dict(attributes))
        return self.says


@dataclass
class Bench:
    """``judge`` and ``pay``: a payment of CARD for 10 dollars, or whatever is said otherwise."""

    engine: Engine
    pool: Pool
    committer: Committer
    scored: Scored
    now_ms: int = field(default_factory=clock.now_ms)

    def subject(self, **said: Any) -> Subject:
        given: dict[str, Any] = {
            "account": ACCOUNT, "livemode": True, "now_ms": self.now_ms, "attempt": new_id("pa"),
            "intent": new_id("pi"), "charge": new_id("ch"), "amount": 1000, "currency": "usd", "card": CARD,
            "kind": "secret", **said,
        }  # fmt: skip
        return Subject(now=given["now_ms"] // 1000, **given)

    async def judge(self, stricter: Verdict | None = None, **said: Any) -> Assessment:
        return await assess(self.engine, self.subject(**said), stricter=stricter)

    async def write(self, assessment: Assessment) -> None:
        commit = Commit()
        assessment.into(commit)
        await self.committer.commit(commit)

    async def pay(self, *, outcome: str | None = "approved", **said: Any) -> Assessment:
        """Judge and commit, again for as long as it is overtaken; then say how it ended."""
        while True:
            made = await self.judge(**said)
            try:
                await self.write(made)
            except Overrun:
                continue
            break
        if outcome is not None and not made.blocked:
            await self.end(made, outcome)
        return made

    async def end(self, made: Assessment, state: str) -> None:
        row = RiskOutcomeRow(made.event.account, made.event.livemode, made.event.attempt, state)
        await self.committer.commit(Commit(risk_outcomes=[row]))

    def with_(self, **changes: Any) -> "Bench":
        """The same with an engine that differs in ``changes``."""
        return replace(self, engine=replace(self.engine, **changes))


def sources_over(pool: Pool, box: Any) -> Sources:
    """Everything an engine reads, with nothing remembered for longer than a moment."""

    async def read(place: tuple[str, bool]) -> find_settings.Kept:
        return await find_settings.settings(pool, *place)

    return Sources(
        pool=pool,
        box=box,
        lists=Lists(box),
        settings=Remembered(read, seconds=0.0),
        active=Active(pool),
        tables=Tables(pool),
        places=ShippedPlaces(),
    )


@asynccontextmanager
async def open_bench(database: Database):
    """An engine in live mode's strictness, with time enough."""
    async with pool_as(database, "gateway") as pool:
        committer, scored, box = Committer(pool), Scored(), MemoryBox()
        engine = Engine(
            sources=sources_over(pool, box),
            scores=scored,
            defence=Defence(pool, box, b"k" * 32),
            deadline_s=PATIENT_S,
        )
        yield Bench(engine, pool, committer, scored)
        await committer.close()


def attributes_of(made: Assessment) -> Mapping[str, Any]:
    """What the decision keeps of what it was made of."""
    row = made.decision
    return unpack(row.attributes, json.loads(row.others), json.loads(row.data).get("attributes", {}))


def customer(name: str = "cus_0000000000000001") -> Customer:
    return Customer(id=name, created=1_700_000_000)
