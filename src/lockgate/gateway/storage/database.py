"""Connections to PostgreSQL: one pool for reads and the room's own statements, and what every connection is set to."""

import ssl
from collections.abc import Mapping
from typing import Any

import asyncpg

from lockgate.kernel.patience import patiently

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Pool = asyncpg.Pool
RECOVERING = (asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)
CANCELED = asyncpg.QueryCanceledError
RESTART_S = 5.0
"""How long a server may be gone altogether before that is news; one that recovers gets longer."""

_SETTINGS = {
    "application_name": "lockgate",
    "search_path": "gateway",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "jit": "off",
}


async def connect_pool(
    *, database: Mapping[str, Any], user: str, password: str, size: int, durable: bool = True
) -> Pool:
    """A pool of ``size`` connections as ``user``. ``database`` is the settings' entry: host, port, name.

    Without ``durable`` a crash of the server may undo the last moment's commits, whole and in order: only for work that
    is then found undone and done again.
    """

    async def attempt() -> Pool | None:
        return await asyncpg.create_pool(
            host=database["host"],
            port=database.get("port", 5432),
            database=database["name"],
            user=user,
            password=password,
            min_size=min(2, size),
            max_size=size,
            server_settings=_SETTINGS if durable else {**_SETTINGS, "synchronous_commit": "off"},
            statement_cache_size=500,
            max_cached_statement_lifetime=0,
            command_timeout=60,
            reset=_keep,
            ssl=tls_to(database),
        )

    async def unless_gone() -> Pool | None:
        return await patiently(attempt, passing=(OSError,), within_s=RESTART_S)

    pool = await patiently(unless_gone, passing=RECOVERING)
    assert pool is not None, "create_pool returns a pool when it is awaited"
    return pool


async def _keep(_connection: Connection) -> None:
    """Nothing to reset when a connection comes back: no room sets session state, and asking costs a round trip."""


def tls_to(database: Mapping[str, Any]) -> ssl.SSLContext | bool:
    """False over a Unix socket; anywhere else TLS 1.3 with chain and name verified, whatever the settings say."""
    if str(database["host"]).startswith("/"):
        return False
    context = ssl.create_default_context(cafile=database.get("sslrootcert"))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
