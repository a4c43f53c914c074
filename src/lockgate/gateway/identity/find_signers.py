"""Reads of the keys that sign tokens: they belong to the installation, not to an account."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Pool


class SigningKeyRow(NamedTuple):
    """One key: from when on it signs, its public half as a JWK, its private half sealed."""

    kid: str
    created: int
    signs_from: int
    public: str
    sealed: bytes

    def __repr__(self) -> str:
        return f"SigningKeyRow({self.kid})"


async def signing_keys(pool: Pool) -> list[SigningKeyRow]:
    """All that are kept, oldest first."""
    rows = await pool.fetch("select kid, created, signs_from, public, sealed from signing_key order by signs_from, kid")
    return [SigningKeyRow(*row) for row in rows]
