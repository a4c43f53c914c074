"""What the clock calls in webhooks: fan-out and sending, also when poked; clearing what is over."""

from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.webhooks import store
from lockgate.gateway.webhooks.deliver import Sender
from lockgate.gateway.webhooks.dispatch import Dispatcher
from lockgate.gateway.webhooks.fanout import fan_out
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel import clock

EVERY_MS = 200
KEPT_S = 30 * 24 * 3600
_PORTION = 1000


def jobs(ports: Ports) -> list[Job]:
    """The webhook jobs."""
    dispatcher = Dispatcher(ports, Sender(allow_private=ports.allow_private))

    async def fan() -> int:
        done = await fan_out(ports.pool, now_ms=clock.now_ms())
        return done + await dispatcher.run() if done else 0

    async def give_up() -> int:
        return await store.give_up_disabled(ports.pool, limit=_PORTION)

    async def purge() -> int:
        return await store.purge(ports.pool, before=clock.now() - KEPT_S, limit=_PORTION)

    return [
        Job("webhooks.fanout", EVERY_MS, fan, shared=True, poked=True),
        Job("webhooks.deliver", EVERY_MS, dispatcher.run, shared=True, poked=True),
        Job("webhooks.give_up", 10_000, give_up, shared=True),
        Job("webhooks.purge", 3_600_000, purge),
    ]
