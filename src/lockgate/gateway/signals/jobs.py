"""What the clock calls in signals: learning how customers type, and forgetting in time."""

from lockgate.gateway.signals import learn, store
from lockgate.gateway.signals.core.session import KEPT_S, PROFILE_KEPT_S
from lockgate.gateway.signals.ports import Ports
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

_DAY_S = 86_400
_PORTION = 1_000


def jobs(ports: Ports) -> list[Job]:
    """The room's jobs."""

    async def forget() -> int:
        return await forgotten(ports, now=clock.now())

    async def learned() -> int:
        return await learn.portion(ports)

    return [Job("signals.forget", 600_000, forget), Job("signals.learn", 60_000, learned)]


async def forgotten(ports: Ports, *, now: int) -> int:
    """Forget sessions past their thirty days, and profiles of customers who have not been here for long."""
    sessions = await store.forget_sessions(ports.pool, before=(now - KEPT_S) // _DAY_S + 1, most=_PORTION)
    profiles = await store.forget_old_profiles(ports.pool, before=(now - PROFILE_KEPT_S) // _DAY_S, most=_PORTION)
    return sessions + profiles
