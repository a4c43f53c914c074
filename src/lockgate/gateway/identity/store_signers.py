"""Writes of the keys that sign tokens."""

from collections.abc import Sequence

from lockgate.gateway.identity.find_signers import SigningKeyRow
from lockgate.gateway.storage.database import Pool


async def insert(pool: Pool, row: SigningKeyRow) -> None:
    await pool.execute(
        "insert into signing_key (kid, created, signs_from, public, sealed) values ($1, $2, $3, $4, $5)", *row
    )


async def delete(pool: Pool, kids: Sequence[str]) -> None:
    await pool.execute("delete from signing_key where kid = any ($1)", list(kids))
