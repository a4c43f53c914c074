"""What no program starts with: weak secrets, open key files, and settings that are only for trying things out."""

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lockgate.kernel.config import ConfigError, Home, environment

PROFILES = ("sandbox", "production")
_LEAST_LENGTH = 16
_LEAST_DIFFERENT = 6
_SECRET = re.compile(r"(.*_)?(password|key|token|secret)")
_LONG = 40  # so long a random one may begin with any word by chance
_WORDS = (
    "admin", "change", "default", "dummy", "example", "lockgate", "password", "postgres", "replace", "secret", "test",
)  # fmt: skip
_DEBUGGING = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONINSPECT", "PYTHONTRACEMALLOC")


def check(home: Home, program: str) -> None:
    """Refuse to start ``program``. The message names the setting and what to do, and shows no secret."""
    settings = home.settings()
    for wrong in (*of_settings(settings), *of_files(home)):
        raise ConfigError(wrong)
    if settings["profile"] == "production":
        for name in _DEBUGGING:
            if environment(name):
                raise ConfigError(f"the environment sets {name}, which production refuses: unset it")
    if home.secrets_file(program).exists():
        for place in of_secrets(home.secrets(program)):
            raise ConfigError(f"{home.secrets_file(program)}: {place} is empty, short or a default: draw a random one")
        if settings["profile"] == "production" and program == "vault":
            _check_root(home.secrets(program))


def of_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the public settings, sentence by sentence."""
    profile = settings.get("profile")
    if profile not in PROFILES:
        yield f"settings.json: profile must be one of {', '.join(PROFILES)}"
    if settings.get("debug"):
        yield "settings.json: there is no debug mode, here or anywhere: remove debug"
    database = settings.get("database", {})
    if not str(database.get("host", "/")).startswith("/") and database.get("sslmode", "verify-full") != "verify-full":
        yield (
            "settings.json: away from a Unix socket the database must prove who it is: set database.sslmode to"
            " verify-full, and database.sslrootcert to the file of its authority"
        )
    if profile != "production":
        return
    if not settings["api"].get("tls"):
        yield "settings.json: production never serves plain HTTP: set api.tls to true"
    for name in ("api", "cards"):
        url = str(settings.get(name, {}).get("url", ""))
        if url and not url.startswith("https://"):
            yield f"settings.json: {name}.url must begin with https:// in production"
    if "simulator" in settings or "simulator" in settings.get("processors", {}):
        yield "settings.json: the simulator stands in for real processors, and production refuses it: remove it"
    if settings.get("allow_private_webhooks"):
        yield "settings.json: allow_private_webhooks is for the sandbox: set it to false"


def of_secrets(secrets: Mapping[str, Any]) -> Iterator[str]:
    """The names of secrets that anybody could guess."""
    for name, value in secrets.items():
        if name == "callers":
            yield from (f"callers.{caller}" for caller, key in value.items() if is_weak(key))
        elif name == "api_keys":
            for number, (key, own) in enumerate(value.items()):
                yield from [f"api_keys[{number}]"] if is_weak(key) else []
                yield from (f"api_keys[{number}].{inner}" for inner in of_secrets(own))
        elif isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in of_secrets(value))
        elif isinstance(value, str) and _SECRET.fullmatch(name) and is_weak(value):
            yield name


def is_weak(secret: str) -> bool:
    """Whether a secret is too short, hardly varied, or begins as people write what they mean to change later."""
    if len(secret) < _LEAST_LENGTH or len(set(secret)) < _LEAST_DIFFERENT:
        return True
    return len(secret) < _LONG and secret.lower().startswith(_WORDS)


def of_files(home: Home) -> Iterator[str]:
    """Key files that others can read, and settings that others can write."""
    for folder, pattern in (("tls", "*.key"), ("ca", "*.key"), ("secrets", "*.json")):
        for file in sorted((home.path / folder).glob(pattern)):
            if _mode(file) & 0o077:
                yield f"{file} is open to others: run 'chmod 600 {file}'"
    for place in (home.path, home.path / "secrets", home.path / "tls", home.path / "ca", home.settings_file):
        if place.exists() and _mode(place) & stat.S_IWOTH:
            yield f"{place} can be written by anybody: run 'chmod o-w {place}'"


def _check_root(secrets: Mapping[str, Any]) -> None:
    if secrets.get("root", {}).get("provider") == "file":
        raise ConfigError("the vault's root key lies in a file, which production refuses: seal it by a passphrase")


def _mode(place: Path) -> int:
    try:
        return place.stat().st_mode
    except OSError:
        return 0  # whoever cannot even see it will fail to read it, and say so
