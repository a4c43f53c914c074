"""Learns how customers type and point: from visits that ended in an approved payment, never from others."""

from lockgate.gateway.signals import find, store
from lockgate.gateway.signals.core.typing import LATEST
from lockgate.gateway.signals.find import subject
from lockgate.gateway.signals.ports import Ports
from lockgate.gateway.signals.store import Approved
from lockgate.gateway.vaultlink.personal import Tampered
from lockgate.kernel import clock, log

PORTION = 200
_DAYS = 3
"""A payment names a session for two hours; what is held for a person to look at is decided on a little later."""
_logger = log.get("signals")


async def portion(ports: Ports) -> int:
    """Learn from some sessions; returns from how many."""
    found = await store.approved(ports.pool, since=clock.now() // 86_400 - _DAYS, most=PORTION)
    for one in found:
        try:
            await _learn(ports, one)
        except Tampered:  # nobody can read it, and nobody should try again
            _logger.error("what is sealed of a session cannot be opened", session=one.id)
            async with ports.pool.acquire() as connection:
                await store.put_samples(connection, one, None)
    return len(found)


async def _learn(ports: Ports, one: Approved) -> None:
    raw = await ports.box.open(one.account, subject(one.day), one.raw)
    async with ports.pool.acquire() as connection, connection.transaction():
        before = await find.samples(connection, one.account, one.livemode, customer=one.customer)
        kept = await ports.box.open(one.account, one.customer, before)
        fresh = raw.get("samples", {})
        for role, sample in fresh.items():
            kept[role] = [*kept.get(role, []), sample][-LATEST:]
        sealed = await ports.box.seal(one.account, one.customer, kept) if fresh else None
        await store.put_samples(connection, one, sealed)
