"""What the clock calls in payments: recovery, expiry, what was approved and not taken, and forgetting old keys."""

from lockgate.gateway.payments import approve_review, expire, recover, store
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage import business_time, idempotency
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock


def jobs(ports: Ports) -> list[Job]:
    """The room's jobs."""

    async def recovery() -> int:
        return await recover.portion(ports)

    async def scouts() -> int:
        await store.scout(ports.pool, now_ms=clock.now_ms())
        return 0

    async def expiry() -> int:
        return await expire.portion(ports, now=clock.now())

    async def approved() -> int:
        return await approve_review.portion(ports)

    async def purge() -> int:
        await idempotency.purge(ports.pool, now=clock.now(), ahead=await business_time.ahead(ports.pool))
        return 0

    return [
        Job("payments.recover", 200, recovery, shared=True),
        Job("payments.scout", 20_000, scouts),
        Job("payments.expire", 5_000, expiry),
        Job("payments.take_approved", 5_000, approved),
        Job("payments.purge_idempotency", 600_000, purge),
    ]
