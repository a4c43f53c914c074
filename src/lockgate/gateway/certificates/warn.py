"""Tells of ends ahead: one record ``certificate.expiring`` for each of 30, 14 and 7 days, for the alerts to read."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.certificates import store
from lockgate.gateway.certificates.core import words
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal

_MOST = 200


async def warn(pool: Pool) -> int:
    """Write what is due, each once; returns how many."""
    now = clock.now()
    until = now + max(words.WARN_DAYS) * words.DAY_S
    rows = []
    async with pool.acquire() as connection, connection.transaction():
        clients = await store.ending(connection, until=until, now=now, most=_MOST)
        for place, endings in (("client", clients), ("server", await store.ending_servers(connection, until=until))):
            for ending in endings:
                left = max(0, ending.not_after - now) / words.DAY_S
                due = words.warning_due(left, ending.warned_days)
                if due is None:
                    continue
                who = Principal(ending.account, ending.livemode, "internal", "clock")
                detail = {"of": place, "within_days": due, "not_after": ending.not_after}
                rows.append(record(who, "certificate.expiring", object_=ending.id, request=None, detail=detail))
                if place == "client":
                    await store.warned(
                        connection, account=ending.account, livemode=ending.livemode, id_=ending.id, days=due
                    )
                else:
                    await store.warned_server(connection, ending.id, days=due)
        if rows:
            await insert_audits(connection, rows)
    return len(rows)
