"""The stack of one machine: which programs run, as whom, with what; from PostgreSQL up to the worker."""

import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from lockgate.cli import home as homes
from lockgate.cli import postgres, separation
from lockgate.cli.supervisor import Program, Supervisor
from lockgate.gateway.storage import migrate, roles
from lockgate.gateway.storage.database import tls_to
from lockgate.kernel.config import Home

PASSPHRASE_FD = "LOCKGATE_PASSPHRASE_FD"  # noqa: S105 - the name of a variable
_SOURCE = Path(__file__).resolve().parents[1]
MIGRATIONS = {"gateway": _SOURCE / "gateway" / "migrations", "vault": _SOURCE / "vault" / "migrations"}
_COMMANDS = {"vault": "vault", "simulator": "simulator", "gateway": "serve", "worker": "worker"}

# Python 3.11 cannot name a TLS context's groups; OpenSSL's own file can.
_OPENSSL = """openssl_conf = lockgate
[lockgate]
ssl_conf = tls
[tls]
system_default = groups
[groups]
Groups = X25519:P-256:P-384
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that the start of one home needs to know."""

    home: Home
    settings: Mapping[str, Any]
    separation: separation.Separation
    binaries: postgres.Binaries | None  # None: the configured database is somebody else's
    passphrase: str | None

    def environment(self) -> dict[str, str]:
        """All that a program inherits: nothing of the operator's own environment."""
        return {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "HOME": "/nonexistent",  # nobody's dot files take part
            "OPENSSL_CONF": str(self.home.path / "tls" / "openssl.cnf"),
        }

    def postgres(self, binaries: postgres.Binaries) -> Program:
        sockets = Path(self.settings["run_dir"]) / "pg"
        password = self.home.secrets("postgres")["database_password"]

        async def probe() -> None:
            await (await roles.connect_superuser(str(sockets), password=password)).close()

        return Program(
            "postgres",
            postgres.server_command(binaries, self.home.path / "pgdata"),
            order=separation.order(self.separation, "postgres", self.home, self.settings),
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            probe=probe,
            stop_signal=signal.SIGINT,  # "fast": end sessions, checkpoint, stop
            orphan_signal=signal.SIGINT,
            stop_within_s=60,
        )

    def program(self, name: str) -> Program:
        sealed = name == "vault" and self.passphrase is not None
        return Program(
            name,
            [sys.executable, "-I", "-m", "lockgate.cli.main", _COMMANDS[name], "--home", str(self.home.path)],
            order=separation.order(self.separation, name, self.home, self.settings),
            environment=self.environment(),
            gift_name=PASSPHRASE_FD if sealed else None,
            gift=self.passphrase.encode() if sealed and self.passphrase is not None else None,
        )

    async def start(
        self, supervisor: Supervisor, *, before_gateway: Callable[[], Awaitable[None]], say: Callable[[str], None]
    ) -> None:
        """Bring all up in order; what does not need one another starts together."""
        if self.binaries is not None:
            await supervisor.start(self.postgres(self.binaries))
        for line in await prepare_database(self.home, self.settings):
            say(line)
        stands_in = ["simulator"] if "simulator" in self.settings else []
        await supervisor.start(*(self.program(name) for name in ["vault", *stands_in]))
        await before_gateway()
        await supervisor.start(*(self.program(name) for name in ("gateway", "worker")))


async def prepare_database(home: Home, settings: Mapping[str, Any]) -> list[str]:
    """Roles and database where they are ours to make, then every migration; returns a line for each thing done."""
    database = settings["database"]
    if homes.is_embedded(settings):
        passwords = {role: _password_of(home, role) for role in roles.ROLES if home.secrets_file(role).exists()}
        superuser = await roles.connect_superuser(database["host"], password=_password_of(home, "postgres"))
        try:
            await roles.prepare(superuser, passwords)
        finally:
            await superuser.close()
    owner = await asyncpg.connect(
        host=database["host"], port=database["port"], database=database["name"],
        user="lockgate_owner", password=_password_of(home, "owner"), ssl=tls_to(database),
    )  # fmt: skip
    done = []
    try:
        for schema, directory in MIGRATIONS.items():
            if directory.is_dir():
                applied = await migrate.apply(owner, schema, directory)
                done += [f"applied migration {schema}/{name}" for name in applied]
    finally:
        await owner.close()
    return done


def _password_of(home: Home, program: str) -> str:
    return str(home.secrets(program)["database_password"])


def write_openssl(home: Home) -> None:
    """The OpenSSL settings that every program starts with."""
    file = home.path / "tls" / "openssl.cnf"
    file.write_text(_OPENSSL)
    file.chmod(0o644)
