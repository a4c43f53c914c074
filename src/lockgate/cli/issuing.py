"""What the supervisor does for certificates once database and vault run: the clients' issuer, and the inventory."""

from lockgate.cli import authorities, inventory
from lockgate.gateway.certificates import authority
from lockgate.gateway.certificates import inventory as kept
from lockgate.gateway.identity import bootstrap
from lockgate.kernel import clock
from lockgate.kernel.config import Home
from lockgate.kernel.principal import Principal

BY = Principal("-", True, "internal", "supervisor")


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
