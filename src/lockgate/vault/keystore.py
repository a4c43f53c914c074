"""The SQL of the key tables. Every value that reaches it is already wrapped or public."""

from collections.abc import Sequence
from typing import LiteralString, NamedTuple

from asyncpg import Pool

__all__ = ["WRAPPED_TABLES", "DataKeyRow", "Destroyed", "KeyStore", "MerchantKeyRow", "Pool", "Rotation", "WrappedRow"]


class MerchantKeyRow(NamedTuple):
    account: str
    version: int
    root_version: int
    wrapped: bytes
    retired: bool


class WrappedRow(NamedTuple):
    """A wrapped key outside the merchant keys; ``binding`` are the columns its wrap is bound to, in a fixed order."""

    id: str
    wrapped: bytes
    kek_version: int
    binding: tuple[str | int, ...]


class DataKeyRow(NamedTuple):
    kid: str
    wrapped: bytes | None
    kek_version: int


class Destroyed(NamedTuple):
    """How many keys of one person were destroyed: of data, and of cards."""

    data_keys: int
    cards: int


class Rotation(NamedTuple):
    """One account's newest key version, and how many wrapped keys still stand under an older one."""

    account: str
    version: int
    stale: int


_STALE: dict[str, LiteralString] = {
    "named_key": """select name as id, wrapped, kek_version from vault.named_key
        where account = $1 and name > $2 and kek_version < $3 order by name limit $4""",
    "data_key": """select kid as id, wrapped, kek_version, purpose, subject from vault.data_key
        where account = $1 and kid > $2 and kek_version < $3 and wrapped is not null order by kid limit $4""",
    "sealing_key": """select kid as id, wrapped, kek_version, format, not_before, not_after from vault.sealing_key
        where account = $1 and kid > $2 and kek_version < $3 order by kid limit $4""",
    "card": """select token as id, wrapped_dek, kek_version from vault.card
        where account = $1 and token > $2 and kek_version < $3 and wrapped_dek is not null order by token limit $4""",
}
# Each compares the old wrap: a row that was shredded or re-wrapped meanwhile is left as it is now.
_REPLACE: dict[str, LiteralString] = {
    "named_key": """update vault.named_key k set wrapped = n.wrapped, kek_version = $5
        from unnest($2::text[], $3::bytea[], $4::bytea[]) n (id, old, wrapped)
        where k.account = $1 and k.name = n.id and k.wrapped = n.old""",
    "data_key": """update vault.data_key k set wrapped = n.wrapped, kek_version = $5
        from unnest($2::text[], $3::bytea[], $4::bytea[]) n (id, old, wrapped)
        where k.account = $1 and k.kid = n.id and k.wrapped = n.old""",
    "sealing_key": """update vault.sealing_key k set wrapped = n.wrapped, kek_version = $5
        from unnest($2::text[], $3::bytea[], $4::bytea[]) n (id, old, wrapped)
        where k.account = $1 and k.kid = n.id and k.wrapped = n.old""",
    "card": """update vault.card k set wrapped_dek = n.wrapped, kek_version = $5
        from unnest($2::text[], $3::bytea[], $4::bytea[]) n (id, old, wrapped)
        where k.account = $1 and k.token = n.id and k.wrapped_dek = n.old""",
}
WRAPPED_TABLES = tuple(_STALE)
_ROTATIONS: LiteralString = """
with newest as (
    select account, max(version) as version from vault.merchant_key group by account having max(version) > 1
), stale as (
    select k.account from vault.named_key k join newest n using (account) where k.kek_version < n.version
    union all
    select k.account from vault.data_key k join newest n using (account)
        where k.kek_version < n.version and k.wrapped is not null
    union all
    select k.account from vault.sealing_key k join newest n using (account) where k.kek_version < n.version
    union all
    select k.account from vault.card k join newest n using (account)
        where k.kek_version < n.version and k.wrapped_dek is not null
)
select n.account, n.version, count(s.account) from newest n left join stale s using (account)
group by n.account, n.version order by 3 desc, 1
"""
_LOCK_SUBJECT: LiteralString = "select pg_advisory_xact_lock(hashtextextended($1 || E'\\n' || $2, 7701))"
_LOCK_SEALING: LiteralString = "select pg_advisory_xact_lock(770200001)"


class KeyStore:
    """All statements on the key tables, and the two that touch the cards' wrapped keys."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def root_proofs(self) -> dict[int, bytes]:
        rows = await self._pool.fetch("select version, proof from vault.root_key")
        return {row["version"]: row["proof"] for row in rows}

    async def add_root(self, version: int, *, provider: str, proof: bytes, now_ms: int) -> None:
        await self._pool.execute(
            "insert into vault.root_key (version, provider, proof, created_ms) values ($1, $2, $3, $4)"
            " on conflict do nothing",
            version, provider, proof, now_ms,
        )  # fmt: skip

    async def active_version(self, account: str) -> int | None:
        return await self._pool.fetchval("select max(version) from vault.merchant_key where account = $1", account)

    async def merchant_key(self, account: str, version: int) -> MerchantKeyRow | None:
        row = await self._pool.fetchrow(
            "select account, version, root_version, wrapped, retired_ms is not null as retired"
            " from vault.merchant_key where account = $1 and version = $2",
            account, version,
        )  # fmt: skip
        return MerchantKeyRow(*row) if row else None

    async def add_merchant_key(self, key: MerchantKeyRow, *, now_ms: int) -> bool:
        """Adds the version and retires all before it, in one transaction; False when the version already exists."""
        async with self._pool.acquire() as connection, connection.transaction():
            added = await connection.fetchval(
                "insert into vault.merchant_key (account, version, root_version, wrapped, created_ms)"
                " values ($1, $2, $3, $4, $5) on conflict do nothing returning true",
                key.account, key.version, key.root_version, key.wrapped, now_ms,
            )  # fmt: skip
            if added:
                await connection.execute(
                    "update vault.merchant_key set retired_ms = $3"
                    " where account = $1 and version < $2 and retired_ms is null",
                    key.account, key.version, now_ms,
                )  # fmt: skip
            return bool(added)

    async def keys_below_root(self, root_version: int, *, limit: int) -> list[MerchantKeyRow]:
        rows = await self._pool.fetch(
            "select account, version, root_version, wrapped, retired_ms is not null from vault.merchant_key"
            " where root_version < $1 order by account, version limit $2",
            root_version, limit,
        )  # fmt: skip
        return [MerchantKeyRow(*row) for row in rows]

    async def replace_root(self, old: MerchantKeyRow, *, root_version: int, wrapped: bytes) -> bool:
        status = await self._pool.execute(
            "update vault.merchant_key set root_version = $3, wrapped = $4"
            " where account = $1 and version = $2 and wrapped = $5",
            old.account, old.version, root_version, wrapped, old.wrapped,
        )  # fmt: skip
        return _count(status) == 1

    async def rotated_accounts(self) -> list[tuple[str, int]]:
        """Accounts with more than one key version, and the highest of each."""
        rows = await self._pool.fetch(
            "select account, max(version) from vault.merchant_key group by account having count(*) > 1 order by account"
        )
        return [(row[0], row[1]) for row in rows]

    async def stale(self, table: str, account: str, *, after: str, below: int, limit: int) -> list[WrappedRow]:
        """Keys of one account wrapped by a version lower than ``below``, in the order of their ids."""
        rows = await self._pool.fetch(_STALE[table], account, after, below, limit)
        return [WrappedRow(row[0], row[1], row[2], tuple(row[3:])) for row in rows]

    async def replace(
        self, table: str, account: str, *, rows: Sequence[WrappedRow], wrapped: Sequence[bytes], version: int
    ) -> None:
        """Puts ``wrapped`` in the place of each row's wrap, where that is still the same."""
        await self._pool.execute(
            _REPLACE[table], account, [row.id for row in rows], [row.wrapped for row in rows], wrapped, version
        )

    async def named_key(self, account: str, name: str) -> WrappedRow | None:
        row = await self._pool.fetchrow(
            "select name, wrapped, kek_version from vault.named_key where account = $1 and name = $2", account, name
        )
        return WrappedRow(row[0], row[1], row[2], ()) if row else None

    async def add_named_key(
        self, account: str, name: str, *, wrapped: bytes, kek_version: int, now_ms: int
    ) -> None:
        """Keeps the first of two keys made at once; read it back."""
        await self._pool.execute(
            "insert into vault.named_key (account, name, wrapped, kek_version, created_ms)"
            " values ($1, $2, $3, $4, $5) on conflict do nothing",
            account, name, wrapped, kek_version, now_ms,
        )  # fmt: skip

    async def data_key(self, account: str, purpose: str, *, subject: str) -> DataKeyRow | None:
        row = await self._pool.fetchrow(
            "select kid, wrapped, kek_version from vault.data_key"
            " where account = $1 and subject = $2 and purpose = $3",
            account, subject, purpose,
        )  # fmt: skip
        return DataKeyRow(*row) if row else None

    async def add_data_key(
        self, account: str, purpose: str, *, subject: str, key: DataKeyRow, now_ms: int
    ) -> bool:
        """Keeps the first of two keys made at once; False, and nothing kept, when the subject was shredded."""
        async with self._pool.acquire() as connection, connection.transaction():
            # A later statement than the lock, so that it sees a shred that held the lock before.
            await connection.execute(_LOCK_SUBJECT, account, subject)
            shredded = await connection.fetchval(
                "select true from vault.shredded_subject where account = $1 and subject = $2", account, subject
            )
            if not shredded:
                await connection.execute(
                    "insert into vault.data_key (account, kid, purpose, subject, wrapped, kek_version, created_ms)"
                    " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
                    account, key.kid, purpose, subject, key.wrapped, key.kek_version, now_ms,
                )  # fmt: skip
            return not shredded

    async def rotations(self) -> list[Rotation]:
        """The accounts that were ever rotated, those with most left to re-wrap first."""
        return [Rotation(*row) for row in await self._pool.fetch(_ROTATIONS)]

    async def below_root(self) -> int:
        """How many merchant keys still stand under an older root version."""
        return await self._pool.fetchval(
            "select count(*) from vault.merchant_key where root_version < (select max(version) from vault.root_key)"
        )

    async def shred(self, account: str, subject: str, *, now_ms: int) -> Destroyed:
        """Destroys every wrapped key of one person in one transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK_SUBJECT, account, subject)
            await connection.execute(
                "insert into vault.shredded_subject (account, subject, shredded_ms) values ($1, $2, $3)"
                " on conflict do nothing",
                account, subject, now_ms,
            )  # fmt: skip
            keys = await connection.execute(
                "update vault.data_key set wrapped = null, shredded_ms = $3"
                " where account = $1 and subject = $2 and wrapped is not null",
                account, subject, now_ms,
            )  # fmt: skip
            cards = await connection.execute(
                "update vault.card set wrapped_dek = null"
                " where account = $1 and subject = $2 and wrapped_dek is not null",
                account, subject,
            )  # fmt: skip
            return Destroyed(_count(keys), _count(cards))

    async def sealing_keys(self, account: str) -> list[WrappedRow]:
        rows = await self._pool.fetch(
            "select kid, wrapped, kek_version, format, not_before, not_after from vault.sealing_key where account = $1",
            account,
        )
        return [WrappedRow(row[0], row[1], row[2], tuple(row[3:])) for row in rows]

    async def add_sealing_keys(self, account: str, *, keys: Sequence[WrappedRow], unless_after: int) -> bool:
        """Adds all of ``keys`` unless another process made newer ones than ``unless_after`` (seconds) meanwhile."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK_SEALING)
            if await connection.fetchval(
                "select true from vault.sealing_key where account = $1 and not_before > $2 limit 1",
                account, unless_after,
            ):  # fmt: skip
                return False
            await connection.executemany(
                "insert into vault.sealing_key (account, kid, wrapped, kek_version, format, not_before, not_after)"
                " values ($1, $2, $3, $4, $5, $6, $7)",
                [(account, key.id, key.wrapped, key.kek_version, *key.binding) for key in keys],
            )
            return True

    async def drop_sealing_keys(self, account: str, *, ended_before: int) -> None:
        await self._pool.execute(
            "delete from vault.sealing_key where account = $1 and not_after < $2", account, ended_before
        )


def _count(status: str) -> int:
    return int(status.rsplit(" ", 1)[1])
