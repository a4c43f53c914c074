"""The only place that reads the environment and the home directory's settings files."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """A setting is absent or unsafe. The message says which and what to do; it never shows a secret."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where one installation keeps its state.

    ``settings.json`` is public; ``secrets/<program>.json`` is one program's own.
    """

    path: Path

    @property
    def settings_file(self) -> Path:
        return self.path / "settings.json"

    def secrets_file(self, program: str) -> Path:
        return self.path / "secrets" / f"{program}.json"

    def vault_socket(self) -> str:
        """Where the vault listens."""
        return str(Path(self.settings()["run_dir"]) / "vault.sock")

    def settings(self) -> dict[str, Any]:
        return _read(self.settings_file)

    def secrets(self, program: str) -> dict[str, Any]:
        """``program``'s secrets; the file must be readable by its owner alone."""
        file = self.secrets_file(program)
        try:
            mode = file.stat().st_mode & 0o077
        except OSError as error:
            raise ConfigError(f"cannot read {file}: run 'lockgate init --home {self.path}'") from error
        if mode:
            raise ConfigError(f"{file} is open to others: run 'chmod 600 {file}'")
        return _read(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(file.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"cannot read {file}: run 'lockgate init' first") from error
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}. Run this as the user who started Lockgate") from error
    except ValueError as error:
        raise ConfigError(f"{file} is not valid JSON") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{file} must hold one JSON object")
    return loaded


def environment(name: str, default: str | None = None) -> str | None:
    """One environment variable."""
    return os.environ.get(name, default)


def set_environment(name: str, value: str) -> None:
    """Tells a library, and the programs started from here, what can be told in no other way; before it is loaded."""
    os.environ[name] = value
