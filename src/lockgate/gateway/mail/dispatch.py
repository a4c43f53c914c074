"""Works through the mail queue: leases what is due, opens it, sends it, and writes down what came of it.

A mail is sent at least once: when a worker dies between the server's yes and its own note, another sends it again
under the same Message-ID.
"""

import asyncio
from collections.abc import Callable

from cryptography.exceptions import InvalidTag

from lockgate.gateway.audit.record import record
from lockgate.gateway.mail import store
from lockgate.gateway.mail.core import retry
from lockgate.gateway.mail.core.message import written
from lockgate.gateway.mail.ports import Ports
from lockgate.gateway.mail.routes import Outcome
from lockgate.gateway.mail.sealed import unseal
from lockgate.gateway.mail.store import Due
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel import clock, log
from lockgate.kernel.principal import Principal

PLACES = 4
LEASE_MS = 120_000  # well above the longest try
_WORKER = Principal("-", False, "internal", "worker")
_logger = log.get("mail")


async def dispatch(ports: Ports, *, now_ms: Callable[[], int] = clock.now_ms) -> int:
    """Try each due mail once, a few side by side; returns how many were tried."""
    now = now_ms()
    due = await store.lease(ports.pool, now_ms=now, until_ms=now + LEASE_MS, limit=PLACES)
    await asyncio.gather(*(_try(ports, mail, now_ms=now_ms) for mail in due))
    return len(due)


async def _try(ports: Ports, mail: Due, *, now_ms: Callable[[], int]) -> None:
    outcome = await _send(ports, mail)
    next_ms = None
    if outcome.result == "later":
        next_ms = retry.next_try(now_ms=now_ms(), created_ms=mail.created * 1000, tries=mail.tries + 1)
    state = "sent" if outcome.result == "sent" else "failed" if next_ms is None else "waiting"
    async with ports.pool.acquire() as connection, connection.transaction():
        kept = await store.record(connection, mail, state=state, next_try_ms=next_ms, outcome=outcome.why)
        if kept and state == "failed":
            detail = {"kind": mail.kind, "reason": outcome.why, "tries": mail.tries + 1}
            failed = record(_WORKER, "mail.failed", object_=mail.id, request=None, outcome="failed", detail=detail)
            await insert_audits(connection, [failed])
    if state != "sent":
        _logger.warning(
            "a mail was not sent", mail=mail.id, kind=mail.kind, reason=outcome.why, gives_up=next_ms is None
        )


async def _send(ports: Ports, mail: Due) -> Outcome:
    try:
        content = await unseal(ports.box, mail.id, mail.sealed)
    except (InvalidTag, ValueError):
        return Outcome("never", "altered")
    message = written(content, sender=ports.sender, name=ports.name, id_=mail.id, created=mail.created)
    return await ports.route.send(message, id_=mail.id, sender=ports.sender, to=content.to)
