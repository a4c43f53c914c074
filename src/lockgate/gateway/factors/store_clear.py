"""Takes all factors of a person away at once, for somebody who has lost every one of them."""

from lockgate.gateway.storage.database import Connection


async def clear(connection: Connection, person: str) -> int:
    """Remove apps, passkeys, recovery codes and open challenges; returns how many apps and passkeys there were."""
    gone = 0
    for status in (
        await connection.execute("delete from totp where person = $1", person),
        await connection.execute("delete from passkey where person = $1", person),
    ):
        gone += int(status.rsplit(" ", 1)[1])
    await connection.execute("delete from recovery_code where person = $1", person)
    await connection.execute("delete from passkey_challenge where person = $1", person)
    return gone
