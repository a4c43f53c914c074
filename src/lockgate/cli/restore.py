"""``lockgate restore``: makes a new home from a backup, its key and the exported keys, or writes nothing at all."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

import asyncpg
import typer

from lockgate.cli import archive, backupkeys, launch, postgres, separation
from lockgate.cli import home as homes
from lockgate.cli.backup import JOURNAL, PGDATA, passphrase_of, root_id
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.storage import backup as storage
from lockgate.gateway.storage import roles
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_PARTS = frozenset({"settings.json", "ca", "tls", "simulator", PGDATA})
_RECOVERY_S = 3600.0
_TRUST = "local all postgres trust\n"  # on a socket in a directory that only the server's own user enters


@app.command()
def restore(  # noqa: PLR0917 - typer reads the options from the parameters
    source: Annotated[Path, typer.Option("--from", help="The backup.", metavar="FILE")],
    key_file: Annotated[Path, typer.Option(help="The key that it was encrypted with.", metavar="FILE")],
    home: HomeOption = DEFAULT_HOME,
    keys: Annotated[
        Path | None, typer.Option(help="The vault's root, as 'backup --export-keys' wrote it.", metavar="FILE")
    ] = None,
    secrets: Annotated[
        Path | None, typer.Option(help="The old home's secrets directory, instead of --keys.", metavar="DIR")
    ] = None,
    passphrase_fd: Annotated[
        int | None, typer.Option(help="Open descriptor to read the export's passphrase from.", metavar="FD")
    ] = None,
) -> None:
    """Restore into a home that does not exist yet. Programs and database roles get new passwords and service keys.

    The whole file is checked before anything is written. Attempts that were open are inquired at the next start.
    """
    place = Home(home.resolve())
    if place.path.exists() and (not place.path.is_dir() or any(place.path.iterdir())):
        raise ConfigError(f"{place.path} exists and is not empty: restore into a new --home")
    if (keys is None) == (secrets is None):
        raise ConfigError("name the vault's root: --keys FILE (an export) or --secrets DIR (of the old home)")
    key = backupkeys.read_key(key_file)
    if keys is not None:
        kept = backupkeys.read_export(keys, passphrase_of(passphrase_fd))
    else:
        assert secrets is not None
        if secrets.resolve().name != "secrets":
            raise ConfigError("--secrets names the old home's directory 'secrets'; a copy must bear that name too")
        kept = backupkeys.kept_keys(Home(secrets.resolve().parent))
    revived, created = rebuild(place, source, key, kept=kept)
    print(f"restored {place.path} as it was at {_time(created)}")
    if revived.newest_attempt is not None:
        print(f"the newest order to a processor in it is of {_time(revived.newest_attempt)}")
    print(f"{revived.doubtful} attempts without an outcome will be inquired at the next start")
    print("what was paid after the backup is not in it: compare with your processors' reports (docs/backup.md)")
    print(f"Start it with: lockgate up --home {home}")


def rebuild(
    home: Home, source: Path, key: bytes, *, kept: Mapping[str, Any]
) -> tuple[storage.Revived, int]:
    """Check ``source``, then make ``home`` of it; what was open, and when the backup was made (seconds)."""
    about = _check(source, key)
    known = {root_id(root) for root in (kept["root"], *kept["retired_roots"])}
    if about["root_id"] not in known:
        raise ConfigError("these keys are of another vault, or newer ones without its retired root: not restored")
    home.path.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{home.path.name}.", dir=home.path.parent))
    try:
        _extract(source, key, staging)
        revived = _revive(Home(staging), home, kept=kept)
        os.sync()
        staging.rename(home.path)  # an empty directory of that name is replaced
    except archive.DamagedError as error:
        raise ConfigError(f"{source} changed while it was read, nothing was restored: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return revived, int(about["created"])


def _check(source: Path, key: bytes) -> dict[str, Any]:
    """Read all of it once and keep nothing: the first byte that is not in order ends the restore."""
    try:
        with source.open("rb") as stream:
            opened = archive.Opener(stream, key)
            while opened.read(archive.CHUNK_BYTES):
                continue
            return opened.about
    except OSError as error:
        raise ConfigError(f"cannot read the backup {source}") from error
    except archive.DamagedError as error:
        raise ConfigError(f"{source} is not restored: {error}") from error


def _extract(source: Path, key: bytes, into: Path) -> None:
    with source.open("rb") as stream, tarfile.open(fileobj=archive.Opener(stream, key), mode="r|") as files:
        for member in files:
            place = PurePosixPath(member.name)
            if place.is_absolute() or ".." in place.parts or place.parts[0] not in _PARTS:
                raise ConfigError(f"the backup holds {member.name!r}, which belongs to no home")
            target = into.joinpath(*place.parts)
            if member.isdir():
                target.mkdir(mode=0o700, parents=True, exist_ok=True)
                continue
            content = files.extractfile(member)
            if content is None:
                raise ConfigError(f"the backup holds {member.name!r}, which is no file")
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with target.open("xb") as writing:
                os.fchmod(writing.fileno(), member.mode & 0o755)
                shutil.copyfileobj(content, writing, archive.CHUNK_BYTES)


def _revive(staging: Home, home: Home, *, kept: Mapping[str, Any]) -> storage.Revived:
    """New secrets, settings for the new place, and the database brought to a consistent state with new passwords."""
    settings = homes.moved(home, staging.settings())
    fresh = homes.fresh_secrets(settings["account"], settings["profile"], root=kept["root"])
    if kept["retired_roots"]:
        fresh["vault"]["retired_roots"] = kept["retired_roots"]
    if "api_keys" in kept:
        fresh["keys"] = dict(kept["api_keys"])
    staging.path.chmod(0o711)
    (staging.path / "secrets").mkdir(mode=0o711)
    for program, content in fresh.items():
        homes.write_json(staging.secrets_file(program), content, 0o600)
    passwords = {name: fresh[name]["database_password"] for name in roles.ROLES}
    passwords["superuser"] = fresh["postgres"]["database_password"]
    data = staging.path / PGDATA
    binaries = postgres.find_binaries(data)
    _verify_files(binaries, data)
    owner = separation.choose(settings.get("separation", {}).get("first_uid", separation.FIRST_UID)).owner("postgres")
    if owner is not None:
        for folder, _, files in os.walk(data):
            os.chown(folder, *owner)
            for name in files:
                os.chown(Path(folder) / name, *owner)
    journal = staging.path / JOURNAL
    found = journal if journal.exists() else None
    revived = asyncio.run(_recover(binaries, data, found, owner=owner, passwords=passwords))
    homes.write_json(staging.settings_file, settings, 0o644)
    return revived


def _cut_journal(file: Path, attempts: frozenset[str]) -> None:
    """The simulator goes back in time with the database: what no attempt of it asked for is taken out.

    A real processor forgets nothing; docs/backup.md says what to do about that.
    """
    entries = [json.loads(line) for line in file.read_bytes().splitlines()]
    known = [
        entry
        for entry in entries
        if {re.split("[.-]", entry[name])[0] for name in ("reference", "completion") if entry.get(name)} <= attempts
    ]
    if len(known) < len(entries):
        print(f"{len(entries) - len(known)} entries of the simulator's journal are newer than the database: left out")
    lines = [json.dumps({**entry, "seq": seq}, separators=(",", ":")) for seq, entry in enumerate(known, 1)]
    file.write_text("".join(f"{line}\n" for line in lines))


def _verify_files(binaries: postgres.Binaries, data: Path) -> None:
    """Have PostgreSQL compare the copy with the list of files and checksums that it made with it."""
    done = subprocess.run(  # noqa: S603 - a fixed argument list
        [binaries.command("pg_verifybackup"), "--exit-on-error", "--no-parse-wal", str(data)],
        capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ConfigError(f"the restored database is not what was backed up: {last}")


async def _recover(
    binaries: postgres.Binaries,
    data: Path,
    journal: Path | None,
    *,
    owner: tuple[int, int] | None,
    passwords: Mapping[str, str],
) -> storage.Revived:
    """Start the server once where nobody else can reach it, replay its WAL, renew passwords, and note what is open."""
    with _closed_directory(owner) as sockets:
        rules = sockets / "pg_hba.conf"
        rules.write_text(_TRUST)
        if owner is not None:
            os.chown(rules, *owner)
        postgres.configure(data, sockets, owner=owner, overrides={"hba_file": f"'{rules}'"})
        async with _server(binaries, data, sockets, owner=owner) as connection:
            await roles.set_passwords(connection, passwords)
            if journal is not None:
                _cut_journal(journal, await storage.attempt_ids(connection))
            return await storage.doubt_open_attempts(connection, now_ms=clock.now_ms())


@contextmanager
def _closed_directory(owner: tuple[int, int] | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lockgate-restore-") as name:
        if owner is not None:
            os.chown(name, *owner)
        yield Path(name)


@asynccontextmanager
async def _server(
    binaries: postgres.Binaries, data: Path, sockets: Path, *, owner: tuple[int, int] | None
) -> AsyncIterator[asyncpg.Connection]:
    order: dict[str, object] = {"signal": int(signal.SIGINT)}
    if owner is not None:
        order |= {"uid": owner[0], "gid": owner[1], "groups": []}
    with tempfile.TemporaryFile() as said:
        process = _spawn(launch.command(order, postgres.server_command(binaries, data)), said)
        try:
            connection = await _connect(process, sockets)
            if connection is None:
                said.seek(0)
                last = (said.read().decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
                raise ConfigError(f"the restored database does not start: {last}")
            try:
                yield connection
            finally:
                await connection.close()
        finally:
            process.send_signal(signal.SIGINT)
            await asyncio.to_thread(process.wait)
        if process.returncode != 0:
            raise ConfigError("the restored database did not stop cleanly")


def _spawn(command: list[str], said: IO[bytes]) -> "subprocess.Popen[bytes]":
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    return subprocess.Popen(  # noqa: S603 - the launcher's arguments
        command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", env=environment
    )


async def _connect(process: "subprocess.Popen[bytes]", sockets: Path) -> asyncpg.Connection | None:
    """A connection as soon as recovery has ended; None when the server died or takes too long."""
    deadline = clock.monotonic() + _RECOVERY_S
    while process.poll() is None and clock.monotonic() < deadline:
        try:
            return await storage.connect_revived(str(sockets))
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            await asyncio.sleep(0.05)
    return None


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
