"""What the clock calls in settlement: making money available, following payouts, and paying out by schedule."""

from lockgate.gateway.settlement import automatic, follow
from lockgate.gateway.settlement.mature import mature
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

PORTION = 1_000
EVERY_MS = 10_000


def jobs(ports: Ports) -> list[Job]:
    """Settlement's jobs."""

    async def ripen() -> int:
        return await mature(ports, now=clock.now(), limit=PORTION)

    async def watch() -> int:
        return await follow.portion(ports, now=clock.now())

    async def pay() -> int:
        return await automatic.portion(ports, now=clock.now())

    return [
        Job("settlement.mature", EVERY_MS, ripen),
        Job("settlement.follow_payouts", EVERY_MS, watch),
        Job("settlement.pay_out", EVERY_MS, pay),
    ]


async def due(ports: Ports, *, now: int) -> int:
    """A portion of all of it, in the order in which it follows from each other; safe in several processes at once."""
    done = await mature(ports, now=now, limit=PORTION)
    done += await follow.portion(ports, now=now)
    return done + await automatic.portion(ports, now=now)
