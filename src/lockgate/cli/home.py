"""Making a home directory: settings, a secret for each program, and the vault's root key."""

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.gateway.storage import roles
from lockgate.kernel import ids
from lockgate.kernel.config import ConfigError, Home
from lockgate.vault import providers

PROFILES = ("sandbox", "production")
DEFAULT_LISTEN = ("127.0.0.1", 8443)
_SOCKET_PATH_LIMIT = 100  # the kernel's is 107; a little is left for longer names
_PASSPHRASE_LIMIT = 1024
_LATER_ROLES = ("backup", "sealer")  # homes of earlier releases have none


def read_passphrase(descriptor: int) -> str:
    """The passphrase that waits on an open descriptor; its last line break does not belong to it."""
    try:
        with os.fdopen(descriptor, "rb") as given:
            said = given.read(_PASSPHRASE_LIMIT + 1)
    except OSError as error:
        raise ConfigError(
            f"--passphrase-fd {descriptor} is not open: try '--passphrase-fd 3 3<passphrase-file'"
        ) from error
    try:
        text = said.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise ConfigError(f"the passphrase on descriptor {descriptor} must be text in UTF-8") from None
    if not text or len(said) > _PASSPHRASE_LIMIT:
        raise ConfigError(f"the passphrase on descriptor {descriptor} must have 1 to {_PASSPHRASE_LIMIT} bytes")
    return text


def exists(home: Home) -> bool:
    """settings.json is written last, so a home that has it is whole."""
    return home.settings_file.exists()


def create(home: Home, *, profile: str, passphrase: str | None) -> None:
    """Make ``home`` with fresh secrets. Refuses to touch one that exists already."""
    if profile not in PROFILES:
        raise ConfigError(f"--profile must be one of {', '.join(PROFILES)}")
    if exists(home):
        raise ConfigError(f"{home.path} is already a Lockgate home: start it with 'lockgate up --home {home.path}'")
    if (home.path / "pgdata").exists():
        raise ConfigError(f"{home.path} holds a database but no settings.json: restore it, or choose another --home")
    if profile == "production" and passphrase is None:
        raise ConfigError(
            "the production profile needs a passphrase that seals the vault: add '--passphrase-fd 3 3<passphrase-file'"
        )
    root = providers.new_passphrase_root(passphrase) if passphrase is not None else providers.new_file_root()
    home.path.mkdir(parents=True, exist_ok=True)
    (home.path / "secrets").mkdir(mode=0o711, exist_ok=True)
    account = ids.new_id("acct")
    for program, content in fresh_secrets(account, profile, root=root).items():
        write_json(home.secrets_file(program), content, 0o600)
    write_json(home.settings_file, _settings(account, profile, run_dir=_run_dir(home)), 0o644)


def fresh_secrets(account: str, profile: str, *, root: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What each program alone knows. Both ends of a shared secret are written here and nowhere else."""
    passwords = {role: roles.new_password() for role in (*roles.ROLES, "superuser")}
    callers = {name: secrets.token_hex(32) for name in ("gateway", "worker", "admin")}
    made: dict[str, dict[str, Any]] = {
        "postgres": {"database_password": passwords["superuser"]},
        "reporting": {"database_password": passwords["reporting"]},
        "backup": {"database_password": passwords["backup"]},
        "sealer": {"database_password": passwords["sealer"]},
        "gateway": {"database_password": passwords["gateway"], "vault_key": callers["gateway"]},
        "worker": {"database_password": passwords["worker"], "vault_key": callers["worker"]},
        "vault": {"database_password": passwords["vault"], "callers": callers, "root": dict(root)},
        "owner": {"database_password": passwords["owner"], "admin_key": callers["admin"]},
    }
    if profile == "sandbox":
        admin_token = secrets.token_urlsafe(32)
        keys = {
            secrets.token_urlsafe(32): {
                "label": f"{account}:{mode}",
                "signing_key": secrets.token_urlsafe(32),
                "notification_key": secrets.token_urlsafe(32),
            }
            for mode in ("test", "live")
        }
        made["simulator"] = {"admin_token": admin_token, "api_keys": keys}
        made["owner"]["admin_token"] = admin_token
    return made


def complete(home: Home) -> None:
    """Give a home from an earlier release the password of each database role that has come since."""
    for role in _LATER_ROLES:
        file = home.secrets_file(role)
        if not file.exists():
            write_json(file, {"database_password": roles.new_password()}, 0o600)


def _settings(account: str, profile: str, *, run_dir: Path) -> dict[str, Any]:
    """Public settings. Ports of 0 are chosen at the first start and kept from then on."""
    host, port = DEFAULT_LISTEN
    settings: dict[str, Any] = {
        "profile": profile,
        "account": account,
        "run_dir": str(run_dir),
        "database": {"host": str(run_dir / "pg"), "port": roles.PORT, "name": roles.DATABASE},
        "api": {"host": host, "port": port, "url": url(host, port, tls=True), "tls": True},
        "cards": {"host": host, "port": 0, "url": ""},
        "allow_private_webhooks": False,
        "processors": {},
    }
    if profile == "sandbox":
        settings["simulator"] = {"host": host, "port": 0, "url": ""}
        settings["processors"]["simulator"] = {"origin": "", "fee_percent_hundredths": 290, "fee_fixed_minor": 30}
    return settings


def _run_dir(home: Home) -> Path:
    inside = home.path / "run"
    if len(str(inside / "pg" / f".s.PGSQL.{roles.PORT}")) <= _SOCKET_PATH_LIMIT:
        return inside
    return Path(tempfile.mkdtemp(prefix="lockgate-run-"))


def keep_run_dir(home: Home, settings: dict[str, Any]) -> Path:
    """The directory for sockets; one outside the home may be gone after a reboot, and then another is made."""
    run_dir = Path(settings["run_dir"])
    if run_dir.is_relative_to(home.path):
        run_dir.mkdir(exist_ok=True)
    elif not run_dir.is_dir() or run_dir.is_symlink() or run_dir.stat().st_uid != os.geteuid():
        embedded = is_embedded(settings)
        run_dir = _run_dir(home)
        settings["run_dir"] = str(run_dir)
        if embedded:
            settings["database"]["host"] = str(run_dir / "pg")
    return run_dir


def moved(home: Home, settings: Mapping[str, Any]) -> dict[str, Any]:
    """``settings`` of another home with an embedded database, for ``home``."""
    run_dir = _run_dir(home)
    return {**settings, "run_dir": str(run_dir), "database": {**settings["database"], "host": str(run_dir / "pg")}}


def is_embedded(settings: Mapping[str, Any]) -> bool:
    """Whether the database is the one that 'lockgate up' runs itself."""
    return settings["database"]["host"] == str(Path(settings["run_dir"]) / "pg")


def url(host: str, port: int, *, tls: bool) -> str:
    """A URL that a client on this machine can use for a listener on ``host``."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    bracketed = f"[{reachable}]" if ":" in reachable else reachable
    return f"{'https' if tls else 'http'}://{bracketed}:{port}"


def write_json(file: Path, content: Mapping[str, Any], mode: int) -> None:
    """Replace ``file`` in one step; never readable by more than ``mode`` says, not even for a moment."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as writing:
        json.dump(content, writing, indent=2)
        writing.write("\n")
        writing.flush()
        os.fchmod(writing.fileno(), mode)
        os.fsync(writing.fileno())
    fresh.replace(file)
