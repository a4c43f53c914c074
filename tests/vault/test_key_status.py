"""What operators see of a rotation: what is left, and that nothing is after re-wrapping."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lockgate.gateway.vaultlink.client import VaultRefused
from tests.vault.running import ACCOUNT, CARD, House, vault_house


@pytest.fixture
async def house(pool: asyncpg.Pool, secrets: dict[str, Any], tmp_path: Path) -> AsyncIterator[House]:
    async with vault_house(pool, secrets, tmp_path) as opened:
        yield opened


async def test_status_counts_what_rewrap_will_move(house: House) -> None:
    before = await house.admin.key_status()
    assert (before["accounts"], before["stale"], before["root_version"]) == ([], 0, 1)
    await house.gateway.data_key(ACCOUNT, "personal", subject="cus_1")
    await house.gateway.data_key(ACCOUNT, "personal", subject="cus_2")
    await house.gateway.tokenize_test(ACCOUNT, CARD)
    await house.admin.shred(ACCOUNT, "cus_2")
    assert await house.admin.rotate(ACCOUNT) == 2
    rotated = await house.admin.key_status()
    [row] = rotated["accounts"]
    assert (row["account"], row["version"]) == (ACCOUNT, 2)
    assert row["stale"] == rotated["stale"] > 2
    moved = 0
    while done := await house.admin.rewrap(2):
        moved += done
    assert moved == row["stale"], "a shredded key is not one to move"
    after = await house.admin.key_status()
    assert after["accounts"] == [{"account": ACCOUNT, "version": 2, "stale": 0}]


async def test_the_counts_are_for_operators(house: House) -> None:
    for caller in (house.gateway, house.worker):
        with pytest.raises(VaultRefused):
            await caller.key_status()


async def test_shred_says_what_it_destroyed(house: House) -> None:
    await house.gateway.data_key(ACCOUNT, "personal", subject="cus_1")
    described = await house.gateway.tokenize_test(ACCOUNT, CARD)
    await house.gateway.commit_token(ACCOUNT, [described["token"]], subject="cus_1")
    assert await house.admin.shred(ACCOUNT, "cus_1") == {"destroyed": 2, "data_keys": 1, "cards": 1}
    assert await house.admin.shred(ACCOUNT, "cus_1") == {"destroyed": 0, "data_keys": 0, "cards": 0}
