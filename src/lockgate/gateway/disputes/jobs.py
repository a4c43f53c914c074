"""What the clock calls in disputes: deadlines that have passed, and warnings that were overtaken."""

from lockgate.gateway.disputes import learn, store, warnings
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock, log

PORTION = 20
EVERY_MS = 5_000
WAIT_S = 900
"""How long after an unanswered question the next one is asked."""

_logger = log.get("disputes")


async def due(ports: Ports, *, now: int) -> int:
    """Ask about disputes whose time has come when the world's clock says ``now``; returns how many."""
    ahead = await business_time.ahead(ports.pool)
    taken = await store.take_due(ports.pool, now=now, ahead=ahead, wait_s=WAIT_S, limit=PORTION)
    for row in taken:
        try:
            await learn.dispute(
                ports, row.account, row.livemode, processor=row.processor, reference=row.reference
            )
        except Exception:
            _logger.exception("a dispute could not be asked about", account=row.account, processor=row.processor)
    return len(taken)


def jobs(ports: Ports) -> list[Job]:
    """The room's jobs."""

    async def ask() -> int:
        return await due(ports, now=clock.now())

    async def overtaken() -> int:
        return await warnings.sweep(ports, limit=PORTION)

    return [
        Job("disputes.ask", EVERY_MS, ask, shared=True),
        Job("disputes.overtaken", EVERY_MS, overtaken),
    ]
