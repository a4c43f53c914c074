"""The first account and its keys: made once when an installation starts for the first time, then only read."""

import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from lockgate.gateway.identity import find, keys, store
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.identity.core.key_format import KeyKind
from lockgate.gateway.identity.create import create_within
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.gateway.vaultlink.link import to_vault
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.principal import Principal

RATE = (5_000, 500)  # the keys of `lockgate up` belong to the operator herself
NAMES: dict[str, tuple[KeyKind, bool]] = {
    "publishable_key": ("publishable", False),
    "secret_key": ("secret", False),
    "live_publishable_key": ("publishable", True),
    "live_secret_key": ("secret", True),
}


class Desk(NamedTuple):
    """What work on accounts and keys needs: the gateway's own role, the pepper, and what seals personal data."""

    pool: Pool
    pepper: bytes
    box: PersonalBox


@asynccontextmanager
async def desk(home: Home) -> AsyncIterator[Desk]:
    """Connects as the gateway does; PostgreSQL and the vault must run."""
    settings, secrets = home.settings(), home.secrets("gateway")
    vault = VaultClient(
        to_vault(home, "gateway"), caller="gateway", key=bytes.fromhex(secrets["vault_key"])
    )
    try:
        box = PersonalBox(vault)
        pepper = await box.key(*keys.PEPPER)
        if pepper is None:
            raise ConfigError("the vault has destroyed the platform's keys: restore it from a backup")
        pool = await connect_pool(
            database=settings["database"], user="lockgate_gateway", password=secrets["database_password"], size=1
        )
        try:
            yield Desk(pool, pepper, box)
        finally:
            await pool.close()
    finally:
        await vault.close()


async def ensure_account(home: Home) -> dict[str, str]:
    """The default account and its four keys, made if the account has none. The vault must run.

    The database has only hashes: in the sandbox the keys are kept in a file of the operator's, and later calls return
    them again; in production they are returned once, and empty ever after.
    """
    file = home.secrets_file("keys")
    settings = home.settings()
    kept = home.secrets("keys") if file.exists() else {}
    answer = {"account": settings["account"], **{name: kept.get(name, "") for name in NAMES}}
    if all(answer.values()) and kept.get("account") == settings["account"]:
        return answer
    async with desk(home) as at:
        made = await _make(at.pool, settings["account"], pepper=at.pepper)
    answer |= made
    if made and settings["profile"] == "sandbox":
        _keep(file, answer)
    return answer


async def _make(pool: Pool, account: str, *, pepper: bytes) -> dict[str, str]:
    """The texts of the keys made now; none if the account has keys already."""
    async with pool.acquire() as connection, connection.transaction():
        await store.lock_accounts(connection)
        if await find.account(connection, account) is None:
            await create_account(
                connection, by="bootstrap", name="Default account", country="US", currency="usd", id_=account
            )
        if await find.keys(connection, account=account):
            return {}
        made = {}
        for name, (kind, livemode) in NAMES.items():
            who = Principal(account, livemode, "internal", "bootstrap")
            made[name] = (
                await create_within(connection, who, pepper=pepper, kind=kind, name=name.replace("_", " "), rate=RATE)
            ).text
        return made


def _keep(file: Path, answer: dict[str, str]) -> None:
    """Write the file whole or not at all, open to its owner only."""
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(answer, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
