"""What the audit room needs from outside: pools of two roles, the vault, and what the operator set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lockgate.gateway.storage.database import Pool
from lockgate.kernel.config import ConfigError

MIN_RETENTION_DAYS = 366
"""A year and a day: nothing younger than twelve months ever leaves."""


class Vault(Protocol):
    """What signs checkpoints."""

    async def checkpoint_key(self, origin: str) -> dict[str, Any]: ...

    async def sign_checkpoint(
        self, origin: str, *, size: int, root: bytes, chain: bytes, proof: Sequence[bytes]
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's settings, under ``audit`` in settings.json."""

    origin: str
    """The log's name on its checkpoints and in its key."""
    checkpoint_dir: Path | None = None
    retention_days: int | None = None
    max_clock_skew_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Reads:
    """What reading and proving need: ``pool`` is the program's own."""

    pool: Pool
    vault: Vault = field(repr=False)
    policy: Policy


@dataclass(frozen=True, slots=True)
class Ports(Reads):
    """With ``sealing``, the sealer's own pool."""

    sealing: Pool


def policy(settings: Mapping[str, Any]) -> Policy:
    """The settings' words for it, checked."""
    own = settings.get("audit", {})
    strangers = set(own) - {"checkpoint_dir", "retention_days", "max_clock_skew_s"}
    if strangers:
        raise ConfigError(f"settings.json has no audit setting {sorted(strangers)[0]}: see docs/audit.md")
    directory, days, skew = own.get("checkpoint_dir"), own.get("retention_days"), own.get("max_clock_skew_s", 5)
    if directory is not None and not (isinstance(directory, str) and directory.startswith("/")):
        raise ConfigError("settings.json: audit.checkpoint_dir is the absolute path of a directory")
    if days is not None and not (isinstance(days, int) and not isinstance(days, bool) and days >= MIN_RETENTION_DAYS):
        raise ConfigError(f"settings.json: audit.retention_days is {MIN_RETENTION_DAYS} or more: twelve months stay")
    if isinstance(skew, bool) or not isinstance(skew, int | float) or not 0 < skew <= 60:
        raise ConfigError("settings.json: audit.max_clock_skew_s is a number of seconds up to 60")
    return Policy(f"lockgate/{settings['account']}", Path(directory) if directory else None, days, float(skew))
