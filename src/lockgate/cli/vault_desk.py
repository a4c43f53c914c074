"""The operator's own line to a running vault, for the commands that order it about; it audits every order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from lockgate.gateway.vaultlink.client import VaultClient, VaultRefused, VaultUnavailable
from lockgate.kernel.config import ConfigError, Home

Result = TypeVar("Result")


def at_vault(home: Home, work: Callable[[VaultClient], Awaitable[Result]]) -> Result:
    """Run ``work`` as the vault's admin caller; what the vault refuses becomes one clear line."""

    async def run() -> Result:
        path = home.vault_socket()
        client = VaultClient(path, caller="admin", key=bytes.fromhex(home.secrets("owner")["admin_key"]))
        try:
            return await work(client)
        finally:
            await client.close()

    try:
        return asyncio.run(run())
    except VaultUnavailable as error:
        raise ConfigError(f"the vault does not answer: start it with 'lockgate up --home {home.path}'") from error
    except VaultRefused as refusal:
        raise ConfigError(f"the vault refused: {refusal}") from refusal
