"""Fixtures of the vault's tests: pools as the vault's own database role, and a keyring on a fresh database."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lockgate.vault import providers
from lockgate.vault.keys import Keyring
from tests.support.cluster import Database

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "data" / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    """The test groups of one Wycheproof file; skips the test where the files are not at hand."""
    file = VECTORS / f"{name}.json"
    if not file.exists():
        pytest.skip(f"no test vectors at {file}")
    return json.loads(file.read_text())["testGroups"]


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """Connections as lockgate_vault, with no more rights than the product gives."""
    async with asyncpg.create_pool(**database["vault"], min_size=1, max_size=6) as opened:
        yield opened


@pytest.fixture
def secrets() -> dict[str, Any]:
    """What vault.json holds of the root in the sandbox."""
    return {"root": providers.new_file_root()}


@pytest.fixture
async def keyring(pool: asyncpg.Pool, secrets: dict[str, Any]) -> Keyring:
    return await Keyring.open(pool, secrets, profile="sandbox")
