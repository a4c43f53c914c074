"""What the clock calls in settlement: making money available."""

from lockgate.gateway.settlement.mature import mature
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

PORTION = 1_000
EVERY_MS = 10_000


def jobs(ports: Ports) -> list[Job]:
    """Settlement's jobs."""

    async def run() -> int:
        return await mature(ports, now=clock.now(), limit=PORTION)

    return [Job("settlement.mature", EVERY_MS, run)]
