"""A real PostgreSQL for the tests, started with the product's own code, and fresh copies of a migrated database."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from lockgate.cli import launch, postgres
from lockgate.gateway.storage import migrate, roles

SOURCE = Path(postgres.__file__).resolve().parent.parent
MIGRATIONS = {"gateway": SOURCE / "gateway" / "migrations", "vault": SOURCE / "vault" / "migrations"}
POSTGRES_UID = 61210
TEMPLATE = "template_lockgate"

Result = TypeVar("Result")


def run_apart(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a loop of its own, also when the caller's thread already has one."""
    answer: list[Result] = []
    fault: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(asyncio.run(work))
        except BaseException as error:
            fault.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if fault:
        raise fault[0]
    return answer[0]


@dataclass(frozen=True)
class Database:
    """One database; ``database["gateway"]`` is what ``asyncpg.connect(**...)`` takes for that role."""

    host: str
    port: int
    name: str
    passwords: Mapping[str, str] = field(repr=False)

    def __getitem__(self, role: str) -> dict[str, Any]:
        user = roles.SUPERUSER if role == "superuser" else f"lockgate_{role}"
        return {
            "host": self.host, "port": self.port, "database": self.name,
            "user": user, "password": self.passwords[role],
        }

    @property
    def settings(self) -> dict[str, Any]:
        """The ``database`` part of settings.json."""
        return {"host": self.host, "port": self.port, "name": self.name}


@dataclass
class Cluster:
    """A running server in a directory of its own."""

    directory: Path
    passwords: Mapping[str, str] = field(repr=False)
    process: "subprocess.Popen[bytes]"
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def data(self) -> Path:
        return self.directory / "pgdata"

    @property
    def sockets(self) -> Path:
        return self.directory / "pg"

    @property
    def log(self) -> Path:
        return self.directory / "postgres.log"

    def database(self, name: str) -> Database:
        return Database(str(self.sockets), roles.PORT, name, self.passwords)

    async def superuser(self) -> asyncpg.Connection:
        return await roles.connect_superuser(str(self.sockets), password=self.passwords["superuser"])

    async def copy(self, name: str, template: str) -> Database:
        """A new database like ``template``; who may connect is not copied by PostgreSQL, so it is granted again."""
        connection = await self.superuser()
        try:
            await connection.execute(f"CREATE DATABASE {name} OWNER lockgate_owner TEMPLATE {template}")
            await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            users = ", ".join(f"lockgate_{role}" for role in roles.ROLES if role != "owner")
            await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {users}")
        finally:
            await connection.close()
        return self.database(name)

    async def drop(self, name: str) -> None:
        connection = await self.superuser()
        try:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await connection.close()

    def fresh(self) -> Database:
        """A new copy of the migrated template."""
        return run_apart(self.copy(f"test_{next(self.numbers)}", TEMPLATE))

    def crash(self) -> None:
        """Have the server stop at once, without a checkpoint, and start it again."""
        command = self.process.args
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=30)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        run_apart(self._answer())

    async def _answer(self) -> None:
        await (await self.superuser()).close()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)
        shutil.rmtree(self.directory, ignore_errors=True)


def start_cluster(
    *, settings: Mapping[str, str] | None = None, binaries: Callable[[Path], postgres.Binaries] = postgres.find_binaries
) -> Cluster:
    """A new cluster with our roles. As root the server runs under a uid of its own, as in production.

    Its directory is not one of pytest's: those are closed to other users, and a socket's path must be short.
    """
    directory = Path(tempfile.mkdtemp(prefix="lockgate-pg-"))
    directory.chmod(0o755)
    owner = (POSTGRES_UID, POSTGRES_UID) if os.geteuid() == 0 else None
    passwords = {role: roles.new_password() for role in (*roles.ROLES, "superuser")}
    data, sockets = directory / "pgdata", directory / "pg"
    found = binaries(data)
    postgres.initialise(found, data, password=passwords["superuser"], owner=owner)
    sockets.mkdir(mode=0o750)
    if owner is not None:
        os.chown(sockets, *owner)
    postgres.configure(data, sockets, owner=owner, overrides=settings)
    order: dict[str, object] = {"signal": int(signal.SIGINT)}
    if owner is not None:
        order |= {"uid": owner[0], "gid": owner[1], "groups": []}
    with (directory / "postgres.log").open("wb") as log:
        command = launch.command(order, postgres.server_command(found, data))
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    cluster = Cluster(directory, passwords, process)
    try:
        run_apart(_prepare(cluster))
    except BaseException:
        cluster.stop()
        raise
    return cluster


async def _prepare(cluster: Cluster) -> None:
    connection = await cluster.superuser()
    try:
        await roles.prepare(connection, cluster.passwords)
    finally:
        await connection.close()


async def make_template(cluster: Cluster) -> None:
    """The database that every test gets a copy of: all migrations applied, nobody connected."""
    database = await cluster.copy(TEMPLATE, "template0")
    connection = await asyncpg.connect(**database["owner"])
    try:
        for schema, directory in MIGRATIONS.items():
            if directory.is_dir():
                await migrate.apply(connection, schema, directory)
    finally:
        await connection.close()
