"""The migration runner: forward only, one at a time, and never over a history that it does not recognise."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from lockgate.gateway.storage import migrate
from tests.support.cluster import Database


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**database["owner"])
    yield connection
    await connection.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "001_first.sql").write_text("CREATE TABLE thing (id int);\nINSERT INTO thing VALUES (1);")
    (tmp_path / "002_second.sql").write_text("ALTER TABLE thing ADD COLUMN name text;")
    return tmp_path


async def test_applies_in_order_once(owner: asyncpg.Connection, files: Path) -> None:
    assert await migrate.apply(owner, "room", files) == ["001_first", "002_second"]
    assert await migrate.apply(owner, "room", files) == []
    (files / "003_third.sql").write_text("CREATE TABLE other (id int);")
    assert await migrate.apply(owner, "room", files) == ["003_third"]
    rows = await owner.fetch("SELECT version, name, length(sha256) AS width, applied_at FROM room.schema_migration")
    assert [(row["version"], row["name"], row["width"]) for row in rows] == [
        (1, "first", 64), (2, "second", 64), (3, "third", 64)
    ]
    assert all(row["applied_at"] > 0 for row in rows)
    assert await owner.fetchval("SELECT id FROM room.thing WHERE name IS NULL") == 1


async def test_two_schemas_keep_their_own_history(owner: asyncpg.Connection, files: Path) -> None:
    assert await migrate.apply(owner, "one", files) == await migrate.apply(owner, "two", files)
    assert await owner.fetchval("SELECT count(*) FROM one.thing") == 1
    assert await owner.fetchval("SELECT count(*) FROM two.thing") == 1


async def test_a_changed_file_is_refused_before_anything_runs(owner: asyncpg.Connection, files: Path) -> None:
    await migrate.apply(owner, "room", files)
    (files / "001_first.sql").write_text("CREATE TABLE thing (id bigint);")
    (files / "003_third.sql").write_text("CREATE TABLE other (id int);")
    with pytest.raises(migrate.MigrationError, match="001_first of schema room has changed"):
        await migrate.apply(owner, "room", files)
    assert await owner.fetchval("SELECT to_regclass('room.other')") is None


async def test_a_newer_database_is_refused(owner: asyncpg.Connection, files: Path) -> None:
    await migrate.apply(owner, "room", files)
    (files / "002_second.sql").unlink()
    with pytest.raises(migrate.MigrationError, match="start the newer Lockgate"):
        await migrate.apply(owner, "room", files)


async def test_a_failing_file_leaves_nothing_and_can_be_mended(owner: asyncpg.Connection, files: Path) -> None:
    broken = files / "003_broken.sql"
    broken.write_text("CREATE TABLE half (id int); SELECT 1 / 0;")
    with pytest.raises(migrate.MigrationError, match="003_broken of schema room failed"):
        await migrate.apply(owner, "room", files)
    assert await owner.fetchval("SELECT to_regclass('room.half')") is None
    assert await owner.fetchval("SELECT max(version) FROM room.schema_migration") == 2
    broken.write_text("CREATE TABLE half (id int);")
    assert await migrate.apply(owner, "room", files) == ["003_broken"]


async def test_many_runners_at_once_apply_each_file_once(database: Database, files: Path) -> None:
    async def run() -> list[str]:
        connection = await asyncpg.connect(**database["owner"])
        try:
            return await migrate.apply(connection, "room", files)
        finally:
            await connection.close()

    applied = await asyncio.gather(*(run() for _ in range(8)))
    assert sorted(name for names in applied for name in names) == ["001_first", "002_second"]


async def test_the_lock_is_free_afterwards(owner: asyncpg.Connection, files: Path) -> None:
    (files / "003_broken.sql").write_text("SELECT 1 / 0;")
    with pytest.raises(migrate.MigrationError):
        await migrate.apply(owner, "room", files)
    assert await owner.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["002_second.sql"], "without gap"),
        (["001_one.sql", "0001_again.sql"], "without gap or double"),
        (["first.sql"], "is not named like"),
    ],
)
def test_misnumbered_files_are_refused(tmp_path: Path, names: list[str], complaint: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(migrate.MigrationError, match=complaint):
        migrate.read(tmp_path)


async def test_a_schema_name_is_never_taken_as_sql(owner: asyncpg.Connection, files: Path) -> None:
    with pytest.raises(migrate.MigrationError, match="cannot be a schema's name"):
        await migrate.apply(owner, 'x"; DROP SCHEMA gateway CASCADE; --', files)


async def test_the_installed_migrations_are_all_applied_in_the_template(database: Database) -> None:
    source = Path(migrate.__file__).parents[2]
    connection = await asyncpg.connect(**database["owner"])
    for schema in ("gateway", "vault"):
        directory = source / schema / "migrations"
        if directory.is_dir():
            assert await migrate.apply(connection, schema, directory) == []
    await connection.close()
