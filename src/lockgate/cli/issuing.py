"""What the supervisor does for certificates once database and vault run: the clients' issuer, and the inventory."""

import asyncio

from lockgate.cli import acme, authorities, inventory
from lockgate.gateway.audit.record import record
from lockgate.gateway.certificates import authority
from lockgate.gateway.certificates import inventory as kept
from lockgate.gateway.identity import bootstrap
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel import clock
from lockgate.kernel.config import Home
from lockgate.kernel.principal import Principal

BY = Principal("-", True, "internal", "supervisor")


async def renew_public(home: Home) -> list[str]:
    """Renew the public authority's certificate in time; if that fails the old one stays, and it is on record."""
    settings = home.settings()["api"].get("acme")
    if settings is None or not acme.is_due(home):
        return []
    try:
        made = await asyncio.to_thread(acme.obtain, home, acme.Order.of(settings))
    except acme.AcmeFailed as failed:
        detail = {"directory": settings["directory"], "reason": str(failed)}
        async with bootstrap.desk(home) as desk:
            told = record(
                BY, "certificate.renew", object_="listener-public", request=None, outcome="failed", detail=detail
            )
            await insert_audits(desk.pool, [told])
        return [f"the public certificate was not renewed, and will be tried again: {failed}"]
    return [f"renewed the public certificate until {made.not_valid_after_utc:%Y-%m-%d}"]


async def keep_up(home: Home, *, passphrase: str | None) -> list[str]:
    """Make the next issuer of client certificates in time, write down what there is; a line for each thing done."""
    done = []
    async with bootstrap.desk(home) as desk:
        newest = await authority.newest(desk.pool)
        if authority.is_due(newest, now=clock.now()):
            try:
                made = await authority.install(
                    desk.pool, desk.box, authorities.open_root(home, passphrase=passphrase), by=BY
                )
                done.append(f"made the authority for client certificates: {made.id}")
            except authorities.RootAway as away:
                done.append(f"the authority for client certificates ends soon or is missing: {away}")
        await kept.keep(desk.pool, inventory.collect(home))
    return done
