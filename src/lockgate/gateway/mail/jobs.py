"""What the clock calls in mail: sending, and forgetting what is over."""

from pathlib import Path

from lockgate.gateway.mail import store
from lockgate.gateway.mail.dispatch import dispatch
from lockgate.gateway.mail.outbox import NoRoute, OutboxRoute
from lockgate.gateway.mail.ports import Box, Ports
from lockgate.gateway.mail.routes import Chosen, Route
from lockgate.gateway.mail.smtp import SmtpRoute
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

EVERY_MS = 1000
KEPT_S = 30 * 24 * 3600
_PORTION = 1000


def ports(pool: Pool, box: Box, *, mail: Chosen, folder: Path) -> Ports:
    """The room's ports for the route that settings chose; ``folder`` is where an outbox stands."""
    route: Route = NoRoute()
    if mail.smtp is not None:
        route = SmtpRoute(mail.smtp)
    elif mail.outbox:
        route = OutboxRoute(folder)
    return Ports(pool, box, route, mail.sender)


def jobs(ports: Ports) -> list[Job]:
    """The mail jobs."""

    async def send() -> int:
        return await dispatch(ports)

    async def purge() -> int:
        return await store.purge(ports.pool, before=clock.now() - KEPT_S, limit=_PORTION)

    return [
        Job("mail.send", EVERY_MS, send, shared=True, poked=True),
        Job("mail.purge", 3_600_000, purge),
    ]
