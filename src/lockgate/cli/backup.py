"""``lockgate backup``: copies the running database and the home's settings into one encrypted file, keys apart."""

import asyncio
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import asyncpg
import typer

from lockgate.cli import archive, backupkeys, postgres
from lockgate.cli import home as homes
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.storage import backup as storage
from lockgate.gateway.storage import roles
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False)
JOURNAL = "simulator/journal.jsonl"
PGDATA = "pgdata"
_ROLE = "lockgate_backup"
_SUFFIX = ".lgbackup"


@app.command()
def backup(
    home: HomeOption = DEFAULT_HOME,
    to: Annotated[Path | None, typer.Option(help="The backup's file, or a directory for a file named by time.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="The key that encrypts it; made when absent. Keep it elsewhere.", metavar="FILE")
    ] = None,
    export_keys: Annotated[
        Path | None, typer.Option(help="Write the vault's root key here, sealed by a passphrase.", metavar="FILE")
    ] = None,
    passphrase_fd: Annotated[
        int | None, typer.Option(help="Open descriptor to read the export's passphrase from.", metavar="FD")
    ] = None,
) -> None:
    """Back up while everything runs. The file holds no key: neither its own nor the vault's.

    A restore needs three things from three places: the backup, its key file, and the keys export (once, and again
    after the root key was changed).
    """
    place = Home(home.resolve())
    if to is None and export_keys is None:
        raise ConfigError("say what to write: --to FILE --key-file FILE for a backup, --export-keys FILE for the keys")
    if export_keys is not None:
        backupkeys.export(place, export_keys.resolve(), passphrase_of(passphrase_fd, confirm=True))
        print(f"wrote the vault's root key, sealed by your passphrase: {export_keys}")
    if to is not None:
        if key_file is None:
            raise ConfigError("name the key that encrypts the backup with --key-file; it is made when absent")
        target = _target(to)
        key = backupkeys.key_for(key_file, home=place, target=target)
        written = write(place, target, key)
        print(f"backed up to {target} ({written:,} bytes, key {archive.key_id(key)})")


def passphrase_of(descriptor: int | None, *, confirm: bool = False) -> str:
    """From an open descriptor, or asked for at the terminal."""
    if descriptor is not None:
        return homes.read_passphrase(descriptor)
    return typer.prompt("Passphrase of the keys export", hide_input=True, confirmation_prompt=confirm)


def root_id(root: dict[str, Any]) -> str:
    """Names a root without telling anything of it: restore refuses the wrong one before it writes."""
    return hashlib.sha256(b"lockgate root id\0" + json.dumps(root, sort_keys=True).encode()).hexdigest()[:16]


def write(home: Home, target: Path, key: bytes) -> int:
    """Back up ``home`` into ``target``, whole or not at all; returns its size in bytes."""
    settings = home.settings()
    if not homes.is_embedded(settings):
        raise ConfigError("this database is not run by Lockgate: back it up with its own tools, and secrets/ apart")
    about = {
        "created": clock.now(),
        "account": settings["account"],
        "root_id": root_id(home.secrets("vault")["root"]),
        "postgresql": postgres.data_major(home.path / PGDATA),
    }
    if target.is_relative_to(home.path):
        raise ConfigError(f"a backup inside {home.path} is lost together with it: give --to another place")
    with _whole(target) as stream:
        sealer = archive.Sealer(stream, key, about)
        with tarfile.open(fileobj=sealer, mode="w|", bufsize=archive.CHUNK_BYTES) as files:
            _add_home(files, home)
            asyncio.run(_add_database(files, home, settings))
            _add_journal(files, home)
        sealer.finish()
    return target.stat().st_size


def _target(to: Path) -> Path:
    if to.is_dir():
        return to.resolve() / f"lockgate-{datetime.fromtimestamp(clock.now(), UTC):%Y%m%dT%H%M%SZ}{_SUFFIX}"
    return to.resolve()


@contextmanager
def _whole(target: Path) -> Iterator[BinaryIO]:
    """A fresh file beside ``target`` that takes its name only when all is on disk."""
    if target.exists():
        raise ConfigError(f"{target} exists already: choose another name")
    if not target.parent.is_dir():
        raise ConfigError(f"{target.parent} is no directory: make it first")
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # 0600
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        partial.unlink(missing_ok=True)


def _add_home(files: tarfile.TarFile, home: Home) -> None:
    """Settings and certificates."""
    for file in [home.settings_file, *sorted((home.path / "ca").iterdir()), *sorted((home.path / "tls").iterdir())]:
        _add(files, home, file, file.read_bytes())


def _add_journal(files: tarfile.TarFile, home: Home) -> None:
    """The simulator's journal, read after the database: whatever the copy says was done stands in it."""
    journal = home.path / JOURNAL
    if journal.exists():
        content = journal.read_bytes()
        _add(files, home, journal, content[: content.rfind(b"\n") + 1])  # an entry just being written is none yet


def _add(files: tarfile.TarFile, home: Home, file: Path, content: bytes) -> None:
    member = tarfile.TarInfo(str(file.relative_to(home.path)))
    member.size, member.mode = len(content), file.stat().st_mode & 0o777
    files.addfile(member, io.BytesIO(content))


async def _add_database(files: tarfile.TarFile, home: Home, settings: dict[str, Any]) -> None:
    database, password = settings["database"], home.secrets("backup")["database_password"]
    binary = _program(home)
    try:
        holding = await asyncpg.connect(
            host=database["host"], port=database["port"], user=_ROLE, password=password, database=roles.DATABASE
        )
    except OSError as error:
        raise ConfigError(f"the database does not run: start it with 'lockgate up --home {home.path}'") from error
    try:
        await storage.hold_wal(holding)
        command = [
            binary, "-D", "-", "-F", "tar", "-X", "fetch", "-c", "fast", "-w",
            "-h", database["host"], "-p", str(database["port"]), "-U", _ROLE,
        ]  # fmt: skip
        await asyncio.to_thread(_copy, files, command, password)
    finally:
        await holding.close()


def _program(home: Home) -> str:
    binary = postgres.find_binaries(home.path / PGDATA).command("pg_basebackup")
    if not os.access(binary, os.X_OK):
        raise ConfigError(f"{binary} is missing: install PostgreSQL's client programs")
    return binary


def _copy(files: tarfile.TarFile, command: list[str], password: str) -> None:
    """Pass on what pg_basebackup says, file by file; nothing of it touches the disk in clear."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGPASSWORD": password}
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 - a fixed argument list
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=environment
        ) as process,
    ):
        assert process.stdout is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|", bufsize=archive.CHUNK_BYTES) as copied:
                for member in copied:
                    if not (member.isreg() or member.isdir()):
                        raise ConfigError(f"{member.name} is a link out of the database: tablespaces are not backed up")
                    member.name = f"{PGDATA}/{member.name.removeprefix('./')}"
                    files.addfile(member, copied.extractfile(member) if member.isreg() else None)
            process.stdout.read()
        except tarfile.TarError:
            process.kill()  # what it said instead follows below
        except BaseException:
            process.kill()
            raise
        if process.wait() != 0:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise ConfigError(f"the database could not be copied: {said[-1]}")
