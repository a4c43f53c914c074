"""Works through stored messages: whoever understands one asks the processor what is true."""

import asyncio

from lockgate.gateway.notifications import store
from lockgate.gateway.notifications.core import retry
from lockgate.gateway.notifications.ports import Ports, Told
from lockgate.gateway.notifications.store import Waiting
from lockgate.kernel import clock, log

PORTION = 20
LEASE_MS = 120_000
_logger = log.get("notifications")


async def portion(ports: Ports) -> int:
    """Take up messages that are due; returns how many."""
    now_ms = clock.now_ms()
    rows = await store.lease(ports.pool, now_ms=now_ms, until_ms=now_ms + LEASE_MS, limit=PORTION)
    await asyncio.gather(*(_take_up(ports, row) for row in rows))
    return len(rows)


async def _take_up(ports: Ports, row: Waiting) -> None:
    try:
        learnt = await _learnt(ports, row)
    except Exception:
        _logger.exception("a notification could not be handled", processor=row.processor, account=row.account)
        learnt = False
    if learnt:
        await store.settle(ports.pool, row, state="done", next_try_ms=None)
        return
    wait_ms = retry.wait_ms(row.tries)
    if wait_ms is None:
        _logger.error(
            "a notification is given up", processor=row.processor, account=row.account, id=row.id, tries=row.tries
        )
        await store.settle(ports.pool, row, state="dead", next_try_ms=None)
        return
    await store.settle(ports.pool, row, state="waiting", next_try_ms=clock.now_ms() + wait_ms)


async def _learnt(ports: Ports, row: Waiting) -> bool:
    handler = ports.handlers.get(row.kind)
    if handler is None or row.processor not in ports.processors:
        return False  # its adapter was taken out of the settings meanwhile
    return await handler(Told(row.account, row.livemode, row.processor, row.reference))
