"""Asks processors what they have to tell, so that what no message reached us about is learnt all the same.

Pushed messages save waiting; this is the guarantee. What is learnt is stored as if it had been pushed.
"""

import asyncio

from lockgate.gateway.notifications import store_cursors
from lockgate.gateway.notifications.core import asking
from lockgate.gateway.notifications.ports import Ports
from lockgate.gateway.notifications.store_cursors import Cursor
from lockgate.gateway.processors.contract import Changes, ListChanges
from lockgate.gateway.storage import business_time
from lockgate.kernel import clock, log
from lockgate.kernel.ids import new_id

PORTION = 8
_logger = log.get("notifications")


async def enrol(ports: Ports) -> int:
    """Begin to ask for accounts that have sent their first order to a processor; returns how many."""
    return await store_cursors.enrol(ports.pool, list(ports.processors), now_ms=clock.now_ms())


async def portion(ports: Ports, *, moved: bool = False) -> int:
    """Ask for the accounts that have waited longest, one page each; returns how many.

    With ``moved`` only for those whose test clock has moved since.
    """
    now_ms = clock.now_ms()
    cursors = await store_cursors.take(
        ports.pool,
        list(ports.processors),
        now_ms=now_ms,
        until_ms=now_ms + asking.LEASE_MS,
        limit=PORTION,
        moved=moved,
    )
    await asyncio.gather(*(_ask(ports, cursor) for cursor in cursors))
    return len(cursors)


async def _ask(ports: Ports, cursor: Cursor) -> None:
    try:
        changes = await _changes(ports, cursor)
    except Exception:
        _logger.exception("what has changed could not be asked", processor=cursor.processor, account=cursor.account)
        changes = None
    if changes is None:
        failures = cursor.failures + 1
        _logger.warning(
            "a processor did not say what has changed",
            processor=cursor.processor,
            account=cursor.account,
            livemode=cursor.livemode,
            failures=failures,
        )
        again_ms = asking.next_ms(clock.now_ms(), failures=failures)
        await store_cursors.stay(ports.pool, cursor, due_ms=again_ms)
        return
    now_ms = clock.now_ms()
    fresh = await store_cursors.move(
        ports.pool,
        cursor,
        [notice for notice in changes.notices if notice.kind in ports.handlers],
        to=changes.cursor,
        now_ms=now_ms,
        due_ms=asking.next_ms(now_ms, failures=0, more=changes.more),
    )
    if fresh:
        ports.poke()


async def _changes(ports: Ports, cursor: Cursor) -> Changes | None:
    question = ListChanges(
        step=new_id("ask"),
        send_before_ms=clock.now_ms() + asking.SEND_WITHIN_MS,
        timeout_ms=asking.TIMEOUT_MS,
        settings=ports.settings[cursor.processor],
        now=await business_time.now(ports.pool, cursor.account, cursor.livemode),
        cursor=cursor.cursor,
        limit=asking.PAGE,
    )
    return await ports.ask(cursor.account, cursor.livemode, ports.processors[cursor.processor].list_changes(question))
