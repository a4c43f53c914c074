"""Writes to an account's owners while no route was set up: one letter about all that waits, and none soon after it."""

from lockgate.gateway.alerts import find_alerts, render, store_delivery
from lockgate.gateway.alerts.core.letter import digest
from lockgate.gateway.alerts.core.rule import SEVERITIES
from lockgate.gateway.alerts.find_alerts import AlertView
from lockgate.gateway.alerts.ports import Telling
from lockgate.gateway.mail import send as mail
from lockgate.kernel import log

OWNER = "owner:"
"""Begins the route of a delivery to a person."""
APART_MS = 15 * 60_000
"""What is not critical waits until this long after the last letter, and goes out together."""
_WHY = (
    "\n---\n\nYou get this because you own this account and no alert route is set up. To have alerts elsewhere, or only"
    " the worse ones, make a route: POST /v1/alert_routes, or 'lockgate alerts routes add'.\n"
)
_logger = log.get("alerts")


async def tell_owners(telling: Telling) -> int:
    """Write to each owner whom something is due to be told; how many letters were queued."""
    told = 0
    for account, route in await store_delivery.owners_due(telling.ports.pool, now_ms=telling.now_ms()):
        try:
            told += await _tell(telling, account, route)
        except Exception:  # one owner's letter must not stop the others'
            _logger.exception("an owner could not be written to", account=account, route=route)
    return told


async def _tell(telling: Telling, account: str, route: str) -> int:
    """Taken and queued in one transaction: the mail room goes on from there, with tries of its own."""
    now_ms, ports = telling.now_ms(), telling.ports
    async with ports.pool.acquire() as connection, connection.transaction():
        to = await telling.owners.email(connection, account, route.removeprefix(OWNER))
        if to is None:
            await store_delivery.give_up(connection, account, route)
            return 0
        taken = await store_delivery.take_all(connection, account, route, now_ms=now_ms)
        found = [await find_alerts.alert(connection, account, id_) for id_ in taken]
        alerts = sorted((one for one in found if one is not None), key=_worst_first)
        if not alerts:
            return 0
        shown = [render.alert(one) for one in alerts]
        more = f" and {len(shown) - 1} more" if len(shown) > 1 else ""
        await mail.queue(
            connection,
            ports.box,
            to=to,
            subject=f"[{alerts[0].severity}] {shown[0]['title']}{more}",
            text=digest(shown, host=ports.host) + _WHY,
            kind="alert",
            now=now_ms // 1000,
        )
    return 1


def _worst_first(alert: AlertView) -> tuple[int, int]:
    return -SEVERITIES.index(alert.severity), alert.first_ms
