"""The embedded server: what it opens, who may enter, and what each role may not do."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from lockgate.cli import postgres
from lockgate.gateway.storage import roles
from lockgate.kernel.config import ConfigError
from tests.support.cluster import Cluster, Database, run_apart, start_cluster


async def test_every_role_enters_with_its_password_and_no_other(database: Database) -> None:
    for role in roles.ROLES:
        connection = await asyncpg.connect(**database[role])
        assert await connection.fetchval("SELECT current_user") == f"lockgate_{role}"
        assert not await connection.fetchval(
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        await connection.close()
        stranger = database["gateway" if role == "vault" else "vault"]["password"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(**{**database[role], "password": stranger})


async def test_only_scram_opens_the_door(cluster: Cluster) -> None:
    connection = await cluster.superuser()
    rules = await connection.fetch("SELECT type, auth_method FROM pg_hba_file_rules")
    stored = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'lockgate_%'")
    await connection.close()
    assert {(rule["type"], rule["auth_method"]) for rule in rules} == {("local", "scram-sha-256")}
    assert len(stored) == len(roles.ROLES)
    assert all(row["rolpassword"].startswith("SCRAM-SHA-256$") for row in stored)


async def test_roles_do_not_enter_the_maintenance_databases(cluster: Cluster, database: Database) -> None:
    for name in ("postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(**{**database["gateway"], "database": name})


@pytest.mark.parametrize("role", ["gateway", "worker", "reporting"])
async def test_schema_vault_is_closed_to_everyone_but_the_vault(database: Database, role: str) -> None:
    owner = await asyncpg.connect(**database["owner"])
    await owner.execute("CREATE SCHEMA IF NOT EXISTS vault")
    await owner.execute("CREATE TABLE vault.probe (value int)")
    await owner.close()
    connection = await asyncpg.connect(**database[role])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT * FROM vault.probe")
    await connection.close()


@pytest.mark.parametrize("role", ["gateway", "worker", "vault", "reporting"])
async def test_no_program_makes_schemas_or_tables(database: Database, role: str) -> None:
    connection = await asyncpg.connect(**database[role])
    for statement in ("CREATE SCHEMA mine", "CREATE TABLE public.mine (v int)", "CREATE TEMP TABLE mine (v int)"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await connection.execute(statement)
    await connection.close()


async def test_a_failing_statement_leaves_no_value_in_the_log(cluster: Cluster, database: Database) -> None:
    marker = "marker-that-must-not-be-logged"
    connection = await asyncpg.connect(**database["owner"])
    await connection.execute("CREATE SCHEMA probe; CREATE TABLE probe.once (value text UNIQUE)")
    await connection.execute("INSERT INTO probe.once VALUES ($1)", marker)
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO probe.once VALUES ($1)", marker)
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await connection.execute(f"SELEC '{marker}'")
    await connection.close()
    await asyncio.sleep(0.1)
    log = cluster.log.read_text()
    assert "once_value_key" in log, "the refused statement itself is logged"
    assert marker not in log


async def test_the_servers_promises(cluster: Cluster) -> None:
    connection = await cluster.superuser()
    shown = {row["name"]: row["setting"] for row in await connection.fetch("SELECT name, setting FROM pg_settings")}
    await connection.close()
    assert shown["listen_addresses"] == ""
    assert shown["data_checksums"] == "on"
    assert shown["lc_messages"] == "C"
    assert shown["server_encoding"] == "UTF8"
    assert shown["log_min_error_statement"] == "panic"
    assert shown["jit"] == "off"
    assert postgres.SETTINGS["synchronous_commit"] == "on", "the tests' own cluster overrides it for speed"
    assert postgres.SETTINGS["fsync"] == "on"


def test_the_socket_is_closed_to_other_users(cluster: Cluster) -> None:
    assert stat.S_IMODE(cluster.sockets.stat().st_mode) & 0o007 == 0
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give the server a uid of its own")
def test_as_root_the_server_runs_under_its_own_uid(cluster: Cluster) -> None:
    status = Path(f"/proc/{cluster.process.pid}/status").read_text()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    assert set(uids) == {"61210"}


def test_the_wheels_binaries_serve_when_the_machine_has_none() -> None:
    def only_the_wheel(data: Path) -> postgres.Binaries:
        return postgres.find_binaries(data, machine=list)

    started = start_cluster(binaries=only_the_wheel, settings={"fsync": "off"})
    try:
        async def version() -> int:
            connection = await started.superuser()
            try:
                return connection.get_server_version().major
            finally:
                await connection.close()

        assert run_apart(version()) >= 18
    finally:
        started.stop()


def test_the_data_directorys_version_decides(tmp_path: Path) -> None:
    newest = postgres.find_binaries(tmp_path, machine=list)
    (tmp_path / "PG_VERSION").write_text(f"{newest.major}\n")
    assert postgres.find_binaries(tmp_path).major == newest.major


def test_a_data_directory_of_an_absent_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("97\n")
    with pytest.raises(ConfigError, match=r"install PostgreSQL 97 \(Debian: apt-get install postgresql-97\)"):
        postgres.find_binaries(tmp_path)


def test_no_postgresql_at_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no PostgreSQL 15 or newer"):
        postgres.find_binaries(tmp_path, machine=list, wheel=list)


def test_a_failed_initdb_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("postgres", "initdb"):
        program = folder / name
        program.write_text("#!/bin/sh\necho 'initdb: no space left' >&2\nexit 1\n")
        program.chmod(0o755)
    tmp_path.chmod(0o755)
    broken = postgres.Binaries(folder, 15, from_wheel=False)
    with pytest.raises(ConfigError, match="no space left"):
        postgres.initialise(broken, tmp_path / "pgdata", password="x", owner=None)
    assert not (tmp_path / "pgdata").exists()


def test_the_server_stops_with_its_parent(tmp_path: Path) -> None:
    """A starter is killed with SIGKILL; its postmaster must be gone soon after."""
    script = (
        "import sys, time\nfrom tests.support.cluster import start_cluster\n"
        "started = start_cluster(settings={'fsync': 'off'})\n"
        "print(started.process.pid, started.directory, flush=True)\ntime.sleep(600)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert starter.stdout is not None
    pid, directory = starter.stdout.readline().split()
    starter.kill()
    starter.wait()

    async def gone() -> None:
        while Path(f"/proc/{pid}").exists() or (Path(directory) / "pgdata" / "postmaster.pid").exists():
            await asyncio.sleep(0.05)

    async def within_limit() -> None:
        await asyncio.wait_for(gone(), 15)

    run_apart(within_limit())
    subprocess.run(["rm", "-rf", directory], check=True)


def test_settings_are_written_in_place_of_a_link_and_never_through_it(tmp_path: Path) -> None:
    """The server owns its folder, and root writes there: what a broken-into server left must not lead root away."""
    data, precious = tmp_path / "data", tmp_path / "precious"
    data.mkdir()
    precious.write_text("mine")
    (data / "postgresql.conf").symlink_to(precious)
    postgres.configure(data, tmp_path, owner=None)
    assert precious.read_text() == "mine"
    assert not (data / "postgresql.conf").is_symlink()
    assert stat.S_IMODE((data / "postgresql.conf").stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ["", "\n", "999999999\n"])
def test_a_lock_that_a_power_cut_left_empty_is_stale(tmp_path: Path, left: str) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(left)
    postgres.remove_stale_lock(tmp_path)
    assert lock.exists() == (left == "999999999\n")  # of no process at all: the server sees to that one itself
