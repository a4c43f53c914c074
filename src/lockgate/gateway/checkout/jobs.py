"""What the clock calls in checkout: sessions that learn how they were paid, and those whose time is over."""

from collections.abc import Awaitable, Callable, Sequence

from lockgate.gateway.checkout import expire, find, settle, store
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.checkout.store import Place
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.storage.records import CheckoutSessionRow
from lockgate.kernel import clock, log
from lockgate.kernel.principal import Principal

_PORTION = 100
_logger = log.get("checkout")


def jobs(ports: Ports) -> list[Job]:
    """The room's jobs."""

    async def news() -> int:
        return await learn(ports)

    async def expiry() -> int:
        return await due(ports, now=clock.now())

    # Not poked: a look costs as much as there are open sessions, and every payment would cause one.
    return [Job("checkout.settle", 500, news), Job("checkout.expire", 5_000, expiry)]


async def learn(ports: Ports) -> int:
    """Bring a portion of sessions up to date with their intents; how many were."""

    async def one(row: CheckoutSessionRow) -> bool:
        return (await settle.up_to_date(ports, row)).version > row.version

    return await _each(ports, await store.with_news(ports.pool, most=_PORTION), one)


async def due(ports: Ports, *, now: int) -> int:
    """End a portion of the sessions whose time is over by their account's clock; how many were."""

    async def one(row: CheckoutSessionRow) -> bool:
        return await expire.when_due(ports, row)

    ahead = await business_time.ahead(ports.pool)
    return await _each(ports, await store.past_their_time(ports.pool, now=now, ahead=ahead, most=_PORTION), one)


async def _each(
    ports: Ports, places: Sequence[Place], do: Callable[[CheckoutSessionRow], Awaitable[bool]]
) -> int:
    done = 0
    for place in places:
        who = Principal(place.account, place.livemode, "internal", "checkout")
        try:
            done += await do(await find.session(ports.pool, who, place.id))
        except Exception:  # one that cannot be concluded must not hold up the others
            _logger.exception("a session was not concluded", session=place.id)
    return done
