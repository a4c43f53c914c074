"""The login roles and the database itself: made by the superuser once, before any migration runs."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import LiteralString

import asyncpg

from lockgate.kernel import clock

PORT = 5432  # the embedded server opens no TCP port; this only names its socket file
SUPERUSER = "postgres"
DATABASE = "lockgate"
# Each role (lockgate_<name>) and the schema that its unqualified names mean. The migrations grant what it may touch.
ROLES: Mapping[str, str] = {
    "owner": "gateway",
    "gateway": "gateway",
    "worker": "gateway",
    "vault": "vault",
    "reporting": "gateway",
    "backup": "gateway",
    "sealer": "gateway",
}


class ServerSilentError(Exception):
    """The server does not take connections in time; its log says why."""


def new_password() -> str:
    return secrets.token_urlsafe(32)


async def connect_superuser(host: str, *, password: str, timeout_s: float = 60) -> asyncpg.Connection:
    """A superuser connection to the embedded server, as soon as it takes one."""
    deadline = clock.monotonic() + timeout_s
    while True:
        try:
            return await asyncpg.connect(
                host=host, port=PORT, user=SUPERUSER, password=password, database="postgres"
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError) as error:
            if clock.monotonic() > deadline:
                raise ServerSilentError(f"PostgreSQL did not answer within {timeout_s:.0f} s") from error
            await asyncio.sleep(0.02)


async def prepare(connection: asyncpg.Connection, passwords: Mapping[str, str]) -> None:
    """Make whatever is missing of the roles and the database, and close the maintenance databases to our roles.

    An existing role keeps its password: its program holds the other half. Cheap when all is there already.
    """
    existing = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    for role, schema in ROLES.items():
        if f"lockgate_{role}" not in existing:
            await _make_role(connection, role, schema=schema, password=passwords[role])
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
        await connection.execute("CREATE DATABASE lockgate OWNER lockgate_owner TEMPLATE template0")
        await connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
    await connection.execute("REVOKE ALL ON DATABASE lockgate FROM PUBLIC")
    await connection.execute(
        "GRANT CONNECT ON DATABASE lockgate TO lockgate_gateway, lockgate_worker, lockgate_vault, lockgate_reporting, "
        "lockgate_backup, lockgate_sealer"
    )


async def _make_role(connection: asyncpg.Connection, role: str, *, schema: str, password: str) -> None:
    async with connection.transaction():
        await _execute_with(
            connection,
            """
            DO $$ BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L',
                    current_setting('lockgate.role'), current_setting('lockgate.password'));
                EXECUTE format('ALTER ROLE %I SET search_path = %I',
                    current_setting('lockgate.role'), current_setting('lockgate.schema'));
            END $$
            """,
            {"role": f"lockgate_{role}", "password": password, "schema": schema},
        )
        if role == "reporting":
            await connection.execute("ALTER ROLE lockgate_reporting SET default_transaction_read_only = on")
        if role == "backup":  # reads the server's files through the replication protocol, and no table
            await connection.execute("ALTER ROLE lockgate_backup REPLICATION CONNECTION LIMIT 4")


async def set_passwords(connection: asyncpg.Connection, passwords: Mapping[str, str]) -> None:
    """New passwords for all our roles and for the superuser (``superuser``): a restored database has the old ones.

    A role that a database of an earlier release does not have yet is made by ``prepare``.
    """
    existing = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    async with connection.transaction():
        for name, password in passwords.items():
            role = SUPERUSER if name == "superuser" else f"lockgate_{name}"
            if role not in existing:
                continue
            block = """
                DO $$ BEGIN
                    EXECUTE format('ALTER ROLE %I PASSWORD %L',
                        current_setting('lockgate.role'), current_setting('lockgate.password'));
                END $$
                """
            await _execute_with(connection, block, {"role": role, "password": password})


async def _execute_with(
    connection: asyncpg.Connection, block: LiteralString, values: Mapping[str, str]
) -> None:
    """Run a DO block, which takes no parameters, with ``values`` as settings of this transaction: SQL stays literal."""
    for name, value in values.items():
        await connection.execute("SELECT set_config('lockgate.' || $1, $2, true)", name, value)
    await connection.execute(block)
