"""What the installation itself has of certificates and keys, as its supervisor sees it: for operators and warnings."""

from collections.abc import Sequence

from lockgate.gateway.certificates import find, store
from lockgate.gateway.certificates.find import ServerRow
from lockgate.gateway.storage.database import Pool


async def keep(pool: Pool, rows: Sequence[ServerRow]) -> None:
    """Write down what there is now; what is gone is forgotten."""
    async with pool.acquire() as connection, connection.transaction():
        await store.replace_servers(connection, rows)


async def known(pool: Pool) -> list[ServerRow]:
    """What was written down last."""
    return await find.servers(pool)
