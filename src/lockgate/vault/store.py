"""All SQL of the vault's cards, claims, secrets, manifests and audit; on the hot path it takes many rows at once."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg

from lockgate.kernel.batch import BatchFailed
from lockgate.kernel.patience import patiently

Pool = asyncpg.Pool

_INSERT_CARDS = """
INSERT INTO vault.card (account, token, livemode, subject, brand, bin, last4, exp_month, exp_year, funding, country,
    fingerprint, alias, test_number, kek_version, wrapped_dek, ciphertext, blob_digest, context_digest, created_ms,
    expires_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::integer[],
    $16::bytea[], $17::bytea[], $18::bytea[], $19::bytea[], $20::bigint[], $21::bigint[])
ON CONFLICT DO NOTHING
RETURNING token
"""
_CARD = "SELECT * FROM vault.card WHERE account = $1 AND token = $2"
_CARD_BY_BLOB = "SELECT * FROM vault.card WHERE account = $1 AND blob_digest = $2"
_COMMIT_TOKENS = """
UPDATE vault.card SET expires_ms = NULL, subject = coalesce($4, subject)
WHERE account = $1 AND token = ANY($2::text[]) AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > $3)
RETURNING token
"""
_REVOKE = """
UPDATE vault.card SET revoked_ms = $3 WHERE account = $1 AND token = $2 AND revoked_ms IS NULL RETURNING token
"""
_PURGE = """
DELETE FROM vault.card WHERE (account, token) IN (
    SELECT account, token FROM vault.card WHERE expires_ms < $1 ORDER BY expires_ms LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""
_RESERVE_ALIASES = """
INSERT INTO vault.alias_counter AS c (account, next) VALUES ($1, $2)
ON CONFLICT (account) DO UPDATE SET next = c.next + $2 RETURNING next
"""
# One round trip: the claims, and the card rows that the orders need. Two claims of one step never share a batch.
_CLAIM = """
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::text[])
        WITH ORDINALITY AS w(account, step, tombstone, send_before_ms, at_ms, card, place)
), won AS (
    INSERT INTO vault.claim (account, step, tombstone, send_before_ms, at_ms)
    SELECT account, step, tombstone, send_before_ms, at_ms FROM wanted ORDER BY account, step
    ON CONFLICT DO NOTHING
    RETURNING account, step
)
SELECT won.step IS NOT NULL AS won, c.token, c.livemode, c.exp_month, c.exp_year, c.kek_version, c.wrapped_dek,
    c.ciphertext, c.expires_ms, c.revoked_ms
FROM wanted AS w
LEFT JOIN won USING (account, step)
LEFT JOIN vault.card AS c ON c.account = w.account AND c.token = w.card
ORDER BY w.place
"""
_TOMBSTONED = """
SELECT c.account, c.step, c.tombstone FROM vault.claim AS c
JOIN unnest($1::text[], $2::text[]) AS w(account, step) USING (account, step)
"""
_PUT_CREDENTIAL = """
INSERT INTO vault.secret (account, livemode, name, ciphertext, updated_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account, livemode, name) DO UPDATE SET ciphertext = excluded.ciphertext, updated_ms = excluded.updated_ms
"""
_CREDENTIAL = "SELECT ciphertext FROM vault.secret WHERE account = $1 AND livemode = $2 AND name = $3"
_PUT_MANIFEST = """
INSERT INTO vault.manifest (name, document, updated_ms) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET document = excluded.document, updated_ms = excluded.updated_ms
"""
_MANIFEST = "SELECT document FROM vault.manifest WHERE name = $1"
_AUDIT = """
INSERT INTO vault.audit (at_ms, caller, verb, account, outcome, reason, uid, count)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::integer[], $8::integer[])
"""

_CHECKPOINT = "SELECT origin, size, root, at_ms FROM vault.checkpoint"
_FIRST_CHECKPOINT = """
INSERT INTO vault.checkpoint (origin, size, root, at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
_NEXT_CHECKPOINT = "UPDATE vault.checkpoint SET size = $2, root = $3, at_ms = $4 WHERE origin = $1 AND size = $5"


@dataclass(frozen=True, slots=True)
class CardRow:
    """One sealed card as it is stored, with what may be shown of it."""

    account: str
    token: str
    livemode: bool
    subject: str
    brand: str
    bin: str
    last4: str
    exp_month: int
    exp_year: int
    funding: str
    country: str
    fingerprint: str
    alias: str
    test_number: str | None
    kek_version: int
    wrapped_dek: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
    blob_digest: bytes | None
    context_digest: bytes | None
    created_ms: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish to own a step: to send it (with the token of the card it needs) or to bury it."""

    account: str
    step: str
    tombstone: bool
    send_before_ms: int | None
    at_ms: int
    card: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who owns the step now: this claim (``won``), or an earlier one, which was or was not a tombstone."""

    won: bool
    tombstone: bool
    card: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AuditRow:
    at_ms: int
    caller: str
    verb: str
    account: str | None
    outcome: str
    reason: str
    uid: int | None
    count: int = 1


class CheckpointRow(NamedTuple):
    """What was last signed of the audit log called ``origin``."""

    origin: str
    size: int
    root: bytes
    at_ms: int


async def _keep(_connection: object) -> None:
    """Nothing to reset when a connection comes back: no statement here sets session state."""


RECOVERING = (asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)
RESTART_S = 5.0
"""How long a server may be gone altogether before that is news; one that recovers gets longer."""


async def connect(database: Mapping[str, Any], *, password: str) -> Pool:
    """The vault's own pool; ``database`` is the settings' entry: host (or socket directory), port, name."""
    local = str(database["host"]).startswith("/")

    async def attempt() -> Pool | None:
        return await asyncpg.create_pool(
            host=database["host"],
            port=database.get("port", 5432),
            database=database["name"],
            user="lockgate_vault",
            password=password,
            min_size=2,
            max_size=8,
            max_inactive_connection_lifetime=0,
            command_timeout=60,
            reset=_keep,
            server_settings={"application_name": "lockgate vault", "jit": "off"},
            ssl=False if local else _verified(database.get("sslrootcert")),
        )

    async def unless_gone() -> Pool | None:
        return await patiently(attempt, passing=(OSError,), within_s=RESTART_S)

    pool = await patiently(unless_gone, passing=RECOVERING)
    assert pool is not None, "create_pool returns a pool when it is awaited"
    return pool


def _verified(authority: str | None) -> ssl.SSLContext:
    """TLS 1.3 with chain and name verified, whatever the settings say."""
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Store:
    """The vault's own rows. Every statement on a tenant's table binds the account."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def insert_cards(self, rows: list[CardRow]) -> Sequence[bool]:
        """Insert all in one transaction; False for a row whose blob already has a card."""
        columns = [[getattr(row, name) for row in rows] for name in _CARD_COLUMNS]
        try:
            inserted = {row["token"] for row in await self._pool.fetch(_INSERT_CARDS, *columns)}
        except asyncpg.PostgresError as error:
            raise BatchFailed from error
        return [row.token in inserted for row in rows]

    async def card(self, account: str, token: str) -> Mapping[str, Any] | None:
        return await self._pool.fetchrow(_CARD, account, token)

    async def card_by_blob(self, account: str, digest: bytes) -> Mapping[str, Any] | None:
        return await self._pool.fetchrow(_CARD_BY_BLOB, account, digest)

    async def commit_tokens(
        self, account: str, tokens: Sequence[str], *, subject: str | None, now_ms: int
    ) -> set[str]:
        """Make provisional tokens stay, as ``subject``'s if one is named; those that could be."""
        rows = await self._pool.fetch(_COMMIT_TOKENS, account, list(tokens), now_ms, subject)
        return {row["token"] for row in rows}

    async def revoke(self, account: str, token: str, *, now_ms: int) -> bool:
        return await self._pool.fetchval(_REVOKE, account, token, now_ms) is not None

    async def purge_expired(self, *, now_ms: int) -> int:
        """Delete up to a thousand provisional cards whose time is over; how many."""
        return int((await self._pool.execute(_PURGE, now_ms)).rsplit(" ", 1)[1])

    async def reserve_aliases(self, account: str, count: int) -> range:
        """``count`` alias numbers of ``account`` that nobody else will ever get."""
        end = await self._pool.fetchval(_RESERVE_ALIASES, account, count)
        return range(end - count, end)

    async def claim(self, claims: list[Claim]) -> Sequence[Claimed]:
        """Decide every step in one durable transaction. A step occurs once in ``claims``."""
        columns = [[getattr(claim, name) for claim in claims] for name in _CLAIM_COLUMNS]
        async with self._pool.acquire() as connection:
            try:
                rows = await connection.fetch(_CLAIM, *columns)
            except asyncpg.PostgresError as error:
                raise BatchFailed from error
            lost = [claim for claim, row in zip(claims, rows, strict=True) if not row["won"]]
            earlier = await self._earlier(connection, lost) if lost else {}
        return [
            Claimed(True, claim.tombstone, row if row["token"] is not None else None)
            if row["won"]
            else Claimed(False, earlier[claim.account, claim.step])
            for claim, row in zip(claims, rows, strict=True)
        ]

    async def _earlier(self, connection: Any, lost: list[Claim]) -> dict[tuple[str, str], bool]:
        # A statement of its own: the one that waited for the other claim still sees the time before it.
        rows = await connection.fetch(_TOMBSTONED, [claim.account for claim in lost], [claim.step for claim in lost])
        return {(row["account"], row["step"]): row["tombstone"] for row in rows}

    async def put_secret(
        self, account: str, livemode: bool, *, name: str, ciphertext: bytes, now_ms: int
    ) -> None:
        await self._pool.execute(_PUT_CREDENTIAL, account, livemode, name, ciphertext, now_ms)

    async def secret(self, account: str, livemode: bool, *, name: str) -> bytes | None:
        return await self._pool.fetchval(_CREDENTIAL, account, livemode, name)

    async def put_manifest(self, name: str, document: str, *, now_ms: int) -> None:
        await self._pool.execute(_PUT_MANIFEST, name, document, now_ms)

    async def manifest(self, name: str) -> str | None:
        return await self._pool.fetchval(_MANIFEST, name)

    async def checkpoint(self) -> CheckpointRow | None:
        row = await self._pool.fetchrow(_CHECKPOINT)
        return None if row is None else CheckpointRow(*row)

    async def put_checkpoint(self, row: CheckpointRow, *, after: int | None) -> bool:
        """Remember ``row`` as the one that follows size ``after``; False if another was quicker."""
        if after is None:
            done = await self._pool.execute(_FIRST_CHECKPOINT, *row)
        else:
            done = await self._pool.execute(_NEXT_CHECKPOINT, *row, after)
        return done.endswith(" 1")

    async def audit(self, rows: Sequence[AuditRow]) -> None:
        await self._pool.execute(_AUDIT, *([getattr(row, name) for row in rows] for name in _AUDIT_COLUMNS))


_CARD_COLUMNS = tuple(CardRow.__dataclass_fields__)
_CLAIM_COLUMNS = tuple(Claim.__dataclass_fields__)
_AUDIT_COLUMNS = tuple(AuditRow.__dataclass_fields__)
