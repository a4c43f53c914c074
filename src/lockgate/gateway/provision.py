"""Tells the vault, as its operator, what each processor's adapter may send, and gives accounts their sandbox keys."""

import contextlib
import secrets
from collections.abc import AsyncIterator

from lockgate.gateway.identity import find
from lockgate.gateway.processors import registry
from lockgate.gateway.sandbox import SimulatorAdmin
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.vaultlink.client import VaultClient, VaultRefused, VaultUnavailable
from lockgate.gateway.vaultlink.seal import newest, seal
from lockgate.kernel.config import ConfigError, Home

_SIGNING_KEY, _NOTIFICATION_KEY = "signing_key", "notification_key"


async def provision(home: Home) -> str:
    """Tell the vault what each adapter may send, and see that every account has its keys at the simulator.

    Returns the key that sealers pin: it verifies the vault's list of sealing keys.
    """
    settings = home.settings()
    async with _admin(home) as vault:
        for name, own in settings["processors"].items():
            await vault.put_manifest(registry.get(name).manifest(own))
        if "simulator" in settings:
            for key, entry in home.secrets("simulator")["api_keys"].items():
                if _NOTIFICATION_KEY in entry:  # else the home is older than notifications, and gets new keys below
                    own = {name: entry[name] for name in (_SIGNING_KEY, _NOTIFICATION_KEY)}
                    await _put_keys(vault, entry["label"], key=key, **own)
            async with _simulator(home) as simulator:
                for account in await _lacking(home, await simulator.labels()):
                    await _give_keys(vault, simulator, account)
        return (await vault.seal_keys())["verify_key"]


async def provision_account(home: Home, account: str) -> None:
    """In the sandbox, give a new account its keys at the simulator, one for each mode; elsewhere do nothing."""
    if "simulator" in home.settings():
        async with _admin(home) as vault, _simulator(home) as simulator:
            await _give_keys(vault, simulator, account)


async def _give_keys(vault: VaultClient, simulator: SimulatorAdmin, account: str) -> None:
    """The vault first: a start that dies between the two finds no key at the simulator and does both again."""
    made = {
        f"{account}:{mode}": {name: secrets.token_urlsafe(32) for name in ("key", _SIGNING_KEY, _NOTIFICATION_KEY)}
        for mode in ("test", "live")
    }
    for label, keys in made.items():
        await _put_keys(vault, label, **keys)
    for label, keys in made.items():
        own = {name: keys[name] for name in (_SIGNING_KEY, _NOTIFICATION_KEY)}
        await simulator.add_key(keys["key"], label, **own)


async def _put_keys(vault: VaultClient, label: str, *, key: str, signing_key: str, notification_key: str) -> None:
    """Hand the vault what opens the simulator's door for ``label``, what signs each message, and each one back."""
    account, mode = label.split(":")
    sealing_key = newest((await vault.seal_keys())["keys"])
    for name, secret in (
        ("simulator_key", key),
        ("simulator_signing_key", signing_key),
        ("simulator_notification_key", notification_key),
    ):
        blob = seal({"secret": secret}, sealing_key, account=account, intent=f"secret_{mode}_{name}")
        await vault.put_secret(account, mode == "live", name=name, blob=blob)


async def _lacking(home: Home, labels: set[str]) -> list[str]:
    """Accounts of the database that the simulator has no keys for: after a restore, or a creation cut short."""
    database, password = home.settings()["database"], home.secrets("gateway")["database_password"]
    pool = await connect_pool(database=database, user="lockgate_gateway", password=password, size=1)
    try:
        known = [row.id for row in await find.accounts(pool)]
    finally:
        await pool.close()
    return [account for account in known if not {f"{account}:test", f"{account}:live"} <= labels]


def _simulator(home: Home) -> SimulatorAdmin:
    url, token = home.settings()["simulator"]["url"], home.secrets("owner")["admin_token"]
    return SimulatorAdmin(url, token=token, ca_file=home.path / "ca" / "ca.pem")


@contextlib.asynccontextmanager
async def _admin(home: Home) -> AsyncIterator[VaultClient]:
    """The vault as its operator; whatever it refuses is one clear line."""
    key = bytes.fromhex(home.secrets("owner")["admin_key"])
    client = VaultClient(home.vault_socket(), caller="admin", key=key)
    try:
        yield client
    except (VaultUnavailable, VaultRefused) as fault:
        raise ConfigError(f"the vault did not take the processors' settings: {fault}") from fault
    finally:
        await client.close()
