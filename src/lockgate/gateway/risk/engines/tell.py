"""Tells outside engines how payments ended, after the fact; what they answer may become a label, or a review.

A verdict that was given stands, and so does the payment. A label is counted from when it is known, as everybody else's.
"""

import asyncio

from lockgate.gateway.risk.engines import find, store
from lockgate.gateway.risk.engines.ask import Asking
from lockgate.gateway.risk.engines.core import contract
from lockgate.gateway.risk.engines.find import Notice
from lockgate.gateway.risk.engines.ports import Telling
from lockgate.gateway.scoring.labels import label
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.rows import Commit

PLACES = 16
LEASE_MS = 60_000
WAITS_MS = (5_000, 60_000, 600_000, 3_600_000, 6 * 3_600_000)
"""How long until the next try, by how many there were; then the outcome is given up."""


class Teller:
    """Keeps, between its rounds, which engines fail."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._asking = Asking(telling.way)

    async def tell(self) -> int:
        """Tell what is due, each once, side by side; how many."""
        now_ms = self._telling.now_ms()
        due = await store.lease(self._telling.way.pool, now_ms=now_ms, until_ms=now_ms + LEASE_MS, most=PLACES)
        await asyncio.gather(*(self._tell(notice) for notice in due))
        return len(due)

    async def _tell(self, notice: Notice) -> None:
        pool = self._telling.way.pool
        engine = await find.engine(pool, notice.account, notice.livemode, notice.engine)
        if engine is None or not engine.enabled or "after" not in engine.stages:
            await store.done(pool, notice)
            return
        now = await business_time.now(pool, notice.account, notice.livemode)
        id_ = f"{notice.attempt}.{notice.state}"  # the same at every try: whoever was told twice can see it
        asked = await self._asking.ask(
            engine,
            contract.outcome(engine, id_=id_, attempt=notice.attempt, state=notice.state, now=now),
            read=lambda body: contract.afterthought(body, id_=id_),
            timeout_s=engine.timeout_ms / 1000,
        )
        if asked.answer is None:
            await self._again(notice)
            return
        if asked.answer.fraud is not None:
            row = label(
                notice.account, notice.livemode, fraud=asked.answer.fraud, source="engine", now=now,
                known_ms=now * 1000, attempt=notice.attempt,
            )  # fmt: skip
            await self._telling.committer.commit(Commit(risk_labels=[row]))
        charge = await find.charge_of(pool, notice) if asked.answer.review else None
        if charge is not None:
            await self._telling.raise_review(notice.account, notice.livemode, charge)
        await store.done(pool, notice)

    async def _again(self, notice: Notice) -> None:
        pool = self._telling.way.pool
        if notice.tries > len(WAITS_MS):
            await store.done(pool, notice)
            return
        await store.postpone(pool, notice, due_ms=self._telling.now_ms() + WAITS_MS[notice.tries - 1])
