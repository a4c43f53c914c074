"""What the clock calls in the notifications room."""

from lockgate.gateway.notifications import poll, store, work
from lockgate.gateway.notifications.core import retry
from lockgate.gateway.notifications.ports import Ports
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

POLL_MS = 10_000


async def due(ports: Ports) -> int:
    """Ask again for the accounts whose test clock has moved since they were asked for; returns how many."""
    await poll.enrol(ports)
    return await poll.portion(ports, moved=True)


def jobs(ports: Ports) -> list[Job]:
    """The room's jobs."""

    async def take_up() -> int:
        return await work.portion(ports)

    async def enrol() -> int:
        await poll.enrol(ports)
        return 0

    async def ask() -> int:
        return await poll.portion(ports)

    async def purge() -> int:
        await store.purge(ports.pool, before_ms=clock.now_ms() - retry.KEPT_MS)
        return 0

    return [
        Job("notifications.work", 500, take_up, shared=True, poked=True),
        Job("notifications.enrol", POLL_MS, enrol),
        Job("notifications.poll", POLL_MS, ask, shared=True),
        Job("notifications.purge", 3_600_000, purge),
    ]
