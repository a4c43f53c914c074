"""What the clock calls in certificates: revocation lists, and warnings of ends ahead."""

from lockgate.gateway.certificates import lists
from lockgate.gateway.certificates.ports import Ports
from lockgate.gateway.certificates.warn import warn
from lockgate.gateway.storage.jobs import Job


def jobs(ports: Ports) -> list[Job]:
    """The jobs of this room."""

    async def renew_lists() -> int:
        return await lists.renew(ports)

    async def warn_of_ends() -> int:
        return await warn(ports.pool)

    return [
        Job("certificates.lists", 5_000, renew_lists),
        Job("certificates.warn", 60_000, warn_of_ends),
    ]
