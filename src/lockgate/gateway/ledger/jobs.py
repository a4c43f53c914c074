"""What the clock calls in the ledger: folding, so that reading a balance stays cheap as history grows."""

from lockgate.gateway.ledger import store
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job

PORTION = 5_000
EVERY_MS = 5_000


def jobs(pool: Pool) -> list[Job]:
    """The ledger's jobs."""

    async def fold() -> int:
        done = await store.fold(pool, limit=PORTION)
        return done if done == PORTION else 0  # a rest is worth waiting for the next round

    return [Job("ledger.fold", EVERY_MS, fold)]
