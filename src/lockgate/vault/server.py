"""The vault program: puts its parts together, serves until it is told to stop, and does the hourly work."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvloop

from lockgate.kernel import clock, log, process, ready
from lockgate.kernel.config import ConfigError, Home, environment
from lockgate.vault import policy
from lockgate.vault.audit import Audit
from lockgate.vault.cards import Cards
from lockgate.vault.checkpoints import Checkpoints
from lockgate.vault.claims import Claims
from lockgate.vault.cvc import CvcMemory
from lockgate.vault.door import Door
from lockgate.vault.forward import Forwarder
from lockgate.vault.keys import Keyring
from lockgate.vault.link import Link
from lockgate.vault.notify import Notifications
from lockgate.vault.origin import Origin
from lockgate.vault.secret import Secrets
from lockgate.vault.store import Pool, Store, connect
from lockgate.vault.verbs import Verbs

PASSPHRASE_FD = "LOCKGATE_PASSPHRASE_FD"  # noqa: S105 - the name of a variable
_SWEEP_S = 5
_RENEW_S = 3600


@dataclass(frozen=True, slots=True)
class Vault:
    """A running vault, without its web origin."""

    door: Door
    cards: Cards
    keyring: Keyring
    cvcs: CvcMemory


@contextlib.asynccontextmanager
async def serving(
    pool: Pool, secrets: Mapping[str, Any], *, profile: str, path: str, uids: Mapping[str, int]
) -> AsyncIterator[Vault]:
    """The vault behind its socket at ``path``; on leaving, what was begun is finished first."""
    callers = _caller_keys(secrets)
    keyring = await Keyring.open(pool, secrets, profile=profile)
    store, cvcs = Store(pool), CvcMemory()
    cards = Cards(store, keyring, cvcs=cvcs, profile=profile)
    kept_secrets, claims = Secrets(store, keyring), Claims(store)
    forwarder = Forwarder(store, cards=cards, secrets=kept_secrets, claims=claims, cvcs=cvcs)
    audit = Audit(store)
    verbs = Verbs(
        keyring,
        cards=cards,
        secrets=kept_secrets,
        claims=claims,
        forwarder=forwarder,
        notifications=Notifications(forwarder.manifest, secrets=kept_secrets, audit=audit),
        checkpoints=Checkpoints(store, keyring),
        cvcs=cvcs,
        profile=profile,
    )
    door = Door(verbs, audit, keys=callers, uids=uids)
    await forwarder.open()
    await door.open(path)
    try:
        yield Vault(door, cards, keyring, cvcs)
    finally:
        await door.close()
        await cards.close()
        await claims.close()
        await forwarder.close()


def run(home: Home) -> None:
    """Serve until SIGTERM or SIGINT. Exits with one line on standard error when a setting is absent or unsafe."""
    log.start("vault")
    try:
        process.harden()
        locked = process.lock_memory()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(home, locked=locked))
    except (ConfigError, OSError, asyncpg.PostgresError) as error:
        raise SystemExit(f"lockgate vault: {error}") from None


async def _run(home: Home, *, locked: bool) -> None:
    settings, secrets = home.settings(), home.secrets("vault") | _passphrase()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    try:
        path = home.vault_socket()
        pool = await _connect(settings["database"], password=secrets["database_password"])
        cards, profile = settings["cards"], settings["profile"]
    except KeyError as error:
        raise ConfigError(f"the vault's settings lack {error}: run 'lockgate init --home {home.path}'") from None
    try:
        async with serving(pool, secrets, profile=profile, path=path, uids=_expected_uids(home)) as vault:
            origin = Origin(vault.keyring)
            tls = home.path / "tls"
            port = await origin.open(
                host=cards["host"], port=cards["port"], certificate=tls / "cards.pem", key=tls / "cards.key"
            )
            link = _link(home)
            if link is not None:
                await vault.door.open_link(link)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload, origin, link)
            clockwork = asyncio.create_task(_by_the_clock(vault))
            log.get("vault").info("vault is open", memory_locked=locked, cards_port=port)
            ready.announce()
            await stop.wait()
            clockwork.cancel()
            await origin.close()
    finally:
        await pool.close()


def _link(home: Home) -> Link | None:
    """Where other hosts reach this vault, if the settings say so."""
    settings, tls = home.settings().get("vault_link"), home.path / "tls"
    if settings is None:
        return None
    own = tls / "service-vault.pem"
    return Link(settings["host"], settings["port"], own, own.with_suffix(".key"), tls / "service-ca.pem")


def _reload(origin: Origin, link: Link | None) -> None:
    """Read renewed certificates; what cannot be used leaves the old ones in place."""
    origin.reload()
    if link is not None:
        try:
            link.reload()
        except ConfigError as error:
            log.get("vault").error("the new service certificate is not used, the old one stays", reason=str(error))


async def _connect(database: Mapping[str, Any], *, password: str) -> Pool:
    try:
        return await connect(database, password=password)
    except OSError as error:
        raise ConfigError(
            f"no PostgreSQL answers at {database['host']}: start it first ('lockgate up' does)"
        ) from error


async def _by_the_clock(vault: Vault) -> None:
    """Codes are wiped on time; keys renewed and stale provisional cards deleted each hour."""
    next_renewal = clock.monotonic()
    while True:
        vault.cvcs.sweep(now=clock.monotonic())
        if clock.monotonic() >= next_renewal:
            next_renewal = clock.monotonic() + _RENEW_S
            try:
                await vault.keyring.renew_sealing_keys()
                while await vault.cards.purge() > 0:
                    continue
            except Exception:
                next_renewal = clock.monotonic() + 60
                log.get("vault").exception("the hourly work failed and will be tried again")
        await asyncio.sleep(_SWEEP_S)


def _passphrase() -> dict[str, str]:
    """The passphrase, if the supervisor handed one over on a pipe: it stands in no file and no command line."""
    named = environment(PASSPHRASE_FD)
    if not named:
        return {}
    try:
        with open(int(named), "rb") as given:
            return {"passphrase": given.read().decode()}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{PASSPHRASE_FD} must name an open descriptor that holds the passphrase") from error


def _caller_keys(secrets: Mapping[str, Any]) -> dict[str, bytes]:
    try:
        keys = {caller: bytes.fromhex(key) for caller, key in secrets["callers"].items()}
    except (KeyError, AttributeError, TypeError, ValueError):
        raise ConfigError("the vault's callers must be names with hexadecimal service keys") from None
    strangers = set(keys) - set(policy.CALLERS)
    if strangers or any(len(key) != 32 for key in keys.values()):
        raise ConfigError("the vault's callers are gateway, worker and admin, each with a service key of 32 bytes")
    if len(set(keys.values())) != len(keys):
        raise ConfigError("two of the vault's callers share one service key")
    return keys


def _expected_uids(home: Home) -> dict[str, int]:
    """The Unix user of each caller: the owner of its secrets file, where that can be seen."""
    uids = {}
    for caller, program in policy.SECRETS_OF.items():
        with contextlib.suppress(OSError):
            uids[caller] = home.secrets_file(program).stat().st_uid
    return uids
