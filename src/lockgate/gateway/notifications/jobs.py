"""What the clock calls in the notifications room."""

from lockgate.gateway.notifications import store, work
from lockgate.gateway.notifications.core import retry
from lockgate.gateway.notifications.ports import Ports
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock


def jobs(ports: Ports) -> list[Job]:
    """The room's jobs."""

    async def take_up() -> int:
        return await work.portion(ports)

    async def purge() -> int:
        await store.purge(ports.pool, before_ms=clock.now_ms() - retry.KEPT_MS)
        return 0

    return [
        Job("notifications.work", 500, take_up, shared=True, poked=True),
        Job("notifications.purge", 3_600_000, purge),
    ]
