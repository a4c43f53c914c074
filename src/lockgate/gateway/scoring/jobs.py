"""What the clock calls: once a day, how far what is scored has moved from what its model was trained on."""

import asyncio
from datetime import UTC, datetime, timedelta

from lockgate.gateway.audit.record import record
from lockgate.gateway.scoring import find, past, store
from lockgate.gateway.scoring.core import measures
from lockgate.gateway.scoring.scorer import Scorer
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock, log
from lockgate.kernel.principal import Principal

EVERY_MS = 3_600_000  # asked each hour, done once a day
LEAST_PAYMENTS = 500
"""Fewer say nothing of a spread: ten bins would jump by chance."""

DRIFT_KEPT = timedelta(days=400)
LABELS_KEPT = timedelta(days=730)
_WORKER = "worker"
_logger = log.get("scoring")


async def judge_drift(pool: Pool, scorer: Scorer) -> int:
    """Measure the last whole day of every account that has one; returns how many were measured.

    ``risk.drift`` goes on record, and becomes an alert, where a feature has moved beyond 0.25.
    """
    measured = 0
    for account, livemode in await find.scoring_accounts(pool, since_ms=clock.now_ms() - 2 * 86_400_000):
        now = await business_time.now(pool, account, livemode)
        until = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        measured += await _one(pool, scorer, account, livemode, until)
    today = datetime.fromtimestamp(clock.now(), UTC)
    await store.forget_drift(pool, before=(today - DRIFT_KEPT).date())
    await store.forget_labels(pool, before_ms=int((today - LABELS_KEPT).timestamp() * 1000))
    return measured


async def _one(pool: Pool, scorer: Scorer, account: str, livemode: bool, until: datetime) -> bool:
    """``until`` is the midnight that ends the day."""
    serving = (await scorer.serving(account)).serving
    day = (until - timedelta(days=1)).date()
    if serving is None or await find.drift_known(pool, account, livemode, serving.model.id, day):
        return False
    until_ms = int(until.timestamp() * 1000)
    data = await past.table(pool, account, livemode, from_ms=until_ms - 86_400_000, until_ms=until_ms)
    if len(data) < LEAST_PAYMENTS:
        return False
    moved = await asyncio.to_thread(past.drift, serving.model, serving, data)
    kept = await store.keep_drift(
        pool, account=account, livemode=livemode, model=serving.model.id, day=day, payments=len(data), moved=moved,
        now=clock.now(),
    )  # fmt: skip
    far = [(name, psi) for name, psi in measures.worst(moved) if psi > measures.DRIFTED]
    if kept and far:
        who = Principal(account, livemode, "internal", _WORKER)
        detail = {"day": day.isoformat(), "payments": len(data), "moved": dict(far)}
        await insert_audits(pool, [record(who, "risk.drift", object_=serving.model.id, request=None, detail=detail)])
    return kept


def jobs(pool: Pool, scorer: Scorer) -> list[Job]:
    """The room's errands."""

    async def run() -> int:
        await judge_drift(pool, scorer)
        return 0

    return [Job("scoring.drift", EVERY_MS, run)]
