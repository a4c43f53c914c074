"""A home with its own PostgreSQL running and migrated, as 'lockgate up' leaves it, without the programs."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from lockgate.cli import certificates, launch, postgres, separation, stack
from lockgate.cli import home as homes
from lockgate.gateway.storage import roles
from lockgate.kernel.config import Home


def make(path: Path) -> Home:
    home = Home(path)
    homes.create(home, profile="sandbox", passphrase=None)
    certificates.ensure(home)
    return home


@asynccontextmanager
async def standing(home: Home) -> AsyncIterator[Home]:
    """The home's database runs; made first when there is none."""
    settings = home.settings()
    run_dir, data = homes.keep_run_dir(home, settings), home.path / "pgdata"
    apart = separation.choose()
    separation.hand_over(apart, home, run_dir)
    owner = apart.owner("postgres")
    binaries = postgres.find_binaries(data)
    password = home.secrets("postgres")["database_password"]
    if postgres.data_major(data) is None:
        postgres.initialise(binaries, data, password=password, owner=owner)
    postgres.configure(data, run_dir / "pg", owner=owner)
    order = separation.order(apart, "postgres", home, settings) | {"signal": int(signal.SIGINT)}
    with (home.path / "postgres.log").open("ab") as log:
        process = await asyncio.to_thread(
            subprocess.Popen, launch.command(order, postgres.server_command(binaries, data)), stdout=log, stderr=log,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    try:
        superuser = await roles.connect_superuser(str(run_dir / "pg"), password=password)
        await superuser.close()
        await stack.prepare_database(home, settings)
        yield home
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.wait, 60)


async def connect(home: Home, role: str = "owner") -> asyncpg.Connection:
    """As one of our roles, with the password that the home's own secrets give."""
    database: dict[str, Any] = home.settings()["database"]
    return await asyncpg.connect(
        host=database["host"], port=database["port"], database=database["name"], user=f"lockgate_{role}",
        password=home.secrets(role)["database_password"],
    )  # fmt: skip


async def ledger_hash(home: Home) -> str:
    """One hash over every row of every table of both schemas, read in one snapshot."""
    connection = await connect(home)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            tables = await connection.fetch(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname IN ('gateway', 'vault') ORDER BY 1"
            )
            lines = []
            for (table,) in tables:
                rows = await connection.fetchval(
                    f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM {table} AS t"
                )
                lines.append(f"{table} {rows}")
        return "\n".join(lines)
    finally:
        await connection.close()
