"""Applies plain numbered SQL files, forward only, each in its own transaction, one runner at a time."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from lockgate.kernel import clock

_FILE_NAME = re.compile(r"(\d{3,})_([a-z0-9_]+)\.sql")
_SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_LOCK = 0x10C6A7E  # one advisory lock for all schemas: migrations are rare, and their order stays readable


class MigrationError(Exception):
    """The files and the database do not agree; nothing further was applied. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read(directory: Path) -> list[Migration]:
    """The directory's migrations in order: numbered from 1 without gap or double."""
    found = []
    for file in sorted(directory.glob("*.sql")):
        match = _FILE_NAME.fullmatch(file.name)
        if match is None:
            raise MigrationError(f"{file} is not named like 001_what_it_does.sql: rename it")
        found.append(Migration(int(match.group(1)), match.group(2), file.read_text()))
    found.sort(key=lambda migration: migration.version)
    versions = [migration.version for migration in found]
    if versions != list(range(1, len(found) + 1)):
        raise MigrationError(f"{directory} must be numbered 1, 2, 3 ... without gap or double; found {versions}")
    return found


async def apply(connection: asyncpg.Connection, schema: str, directory: Path) -> list[str]:
    """Bring ``schema`` up to the newest file of ``directory``; returns the names newly applied, such as ``001_first``.

    The connection is the migration owner's and stands outside a transaction. An applied file that has changed since,
    or one that the directory no longer has (an older Lockgate on a newer database), is refused before anything runs.
    """
    if not _SCHEMA_NAME.fullmatch(schema):
        raise MigrationError(f"{schema!r} cannot be a schema's name")
    wanted = read(directory)
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await _prepare(connection, schema)
        done = await _applied(connection, schema)
        _check_history(schema, wanted, done)
        fresh = [migration for migration in wanted if migration.version not in done]
        for migration in fresh:
            await _apply_one(connection, schema, migration)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return [f"{migration.version:03d}_{migration.name}" for migration in fresh]


async def _prepare(connection: asyncpg.Connection, schema: str) -> None:
    if await connection.fetchval("SELECT to_regclass($1)", f"{schema}.schema_migration"):
        return
    async with connection.transaction():
        await _enter(connection, schema)
        # DO takes no parameters; the schema is the first of the search path just set, and the SQL stays literal.
        await connection.execute(
            "DO $$ BEGIN EXECUTE 'CREATE SCHEMA IF NOT EXISTS ' || current_setting('search_path'); END $$"
        )
        await connection.execute(
            """
            CREATE TABLE schema_migration (
                version    integer PRIMARY KEY,
                name       text   NOT NULL,
                sha256     text   NOT NULL,
                applied_at bigint NOT NULL
            )
            """
        )


async def _enter(connection: asyncpg.Connection, schema: str) -> None:
    """Make ``schema`` the one that unqualified names mean, until this transaction ends."""
    await connection.execute("SELECT set_config('search_path', quote_ident($1), true)", schema)


async def _applied(connection: asyncpg.Connection, schema: str) -> dict[int, tuple[str, str]]:
    async with connection.transaction():
        await _enter(connection, schema)
        rows = await connection.fetch("SELECT version, name, sha256 FROM schema_migration ORDER BY version")
    return {row["version"]: (row["name"], row["sha256"]) for row in rows}


def _check_history(schema: str, wanted: list[Migration], done: dict[int, tuple[str, str]]) -> None:
    files = {migration.version: migration for migration in wanted}
    for version, (name, sha256) in done.items():
        file = files.get(version)
        if file is None:
            raise MigrationError(
                f"schema {schema} already has migration {version:03d}_{name}, which this Lockgate does not know: "
                "start the newer Lockgate that applied it"
            )
        if file.sha256 != sha256:
            raise MigrationError(
                f"migration {version:03d}_{name} of schema {schema} has changed since it was applied: "
                "restore the file and put the change into a new one"
            )


async def _apply_one(connection: asyncpg.Connection, schema: str, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await _enter(connection, schema)
            await connection.execute(migration.sql)
            await _enter(connection, schema)
            await connection.execute(
                "INSERT INTO schema_migration (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
                migration.version, migration.name, migration.sha256, clock.now(),
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"migration {migration.version:03d}_{migration.name} of schema {schema} failed and was undone: {error}"
        ) from error
