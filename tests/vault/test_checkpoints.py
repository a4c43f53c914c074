"""The vault signs checkpoints of one log that only grows, for those who may ask, and nothing else with that key."""

from pathlib import Path

import asyncpg
import pytest

from lockgate.gateway.vaultlink.client import VaultRefused
from lockgate.kernel import merkle, notes
from lockgate.vault import providers
from lockgate.vault.policy import CHECKPOINT_KEY
from tests.vault.running import House, vault_house

ORIGIN = "lockgate/acct_test"
CHAIN = b"c" * 32
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(20)]


def root(size: int, leaves: list[bytes] = LEAVES) -> bytes:
    frontier = merkle.Frontier()
    for leaf in leaves[:size]:
        frontier.add(leaf)
    return frontier.root()


def proof(old: int, new: int) -> list[bytes]:
    return [_over(LEAVES[slice(*part)]) for part in merkle.consistency(old, new)]


def _over(leaves: list[bytes]) -> bytes:
    frontier = merkle.Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


async def sign(house: House, size: int, *, after: int = 0, origin: str = ORIGIN) -> str:
    steps = proof(after, size) if after else []
    return await house.worker.sign_checkpoint(origin, size=size, root=root(size), chain=CHAIN, proof=steps)


async def test_it_signs_a_log_that_grows_and_remembers_it(pool: asyncpg.Pool, tmp_path: Path) -> None:
    secrets = {"root": providers.new_file_root()}
    async with vault_house(pool, secrets, tmp_path) as house:
        key = (await house.gateway.checkpoint_key(ORIGIN))["key"]
        first = notes.checkpoint(await sign(house, 3), key)
        assert (first.size, first.root, first.chain, first.origin) == (3, root(3), CHAIN, ORIGIN)
        assert notes.checkpoint(await sign(house, 3), key).size == 3, "the same again, should the answer be lost"
        await sign(house, 11, after=3)
    async with vault_house(pool, secrets, tmp_path) as house:  # another vault process
        said = await house.admin.checkpoint_key(ORIGIN)
        assert said == {"key": key, "last": {"size": 11, "root": root(11)}}
        assert notes.checkpoint(await sign(house, 20, after=11), key).size == 20


async def test_it_refuses_a_log_that_is_not_the_same_any_more(pool: asyncpg.Pool, tmp_path: Path) -> None:
    async with vault_house(pool, {"root": providers.new_file_root()}, tmp_path) as house:
        await sign(house, 11)
        other = root(20, [*LEAVES[:4], LEAVES[0], *LEAVES[5:]])
        for size, top, steps in (
            (10, root(10), []), (11, root(10), []), (20, root(20), []), (20, other, proof(11, 20)),
            (20, root(20), proof(11, 20)[1:]), (20, root(20), proof(12, 20)), (0, root(0), []),
        ):  # fmt: skip
            with pytest.raises(VaultRefused):
                await house.worker.sign_checkpoint(ORIGIN, size=size, root=top, chain=CHAIN, proof=steps)
        for origin, top in (("lockgate/other", root(11)), (ORIGIN, b"short"), ("a b", root(11))):
            with pytest.raises(VaultRefused):
                await house.worker.sign_checkpoint(origin, size=11, root=top, chain=CHAIN, proof=[])
        assert (await house.worker.checkpoint_key(ORIGIN))["last"]["size"] == 11
        audited = {row["reason"] for row in await house.audit() if row["verb"] == "sign_checkpoint"}
        assert {"rollback", "origin", "argument"} <= audited


async def test_only_the_sealer_and_the_operator_get_signatures(pool: asyncpg.Pool, tmp_path: Path) -> None:
    async with vault_house(pool, {"root": providers.new_file_root()}, tmp_path) as house:
        with pytest.raises(VaultRefused, match="refused"):
            await house.gateway.sign_checkpoint(ORIGIN, size=1, root=root(1), chain=CHAIN, proof=[])
        for caller in (house.gateway, house.worker):
            with pytest.raises(VaultRefused):
                await caller.sign_export(ORIGIN, records=1, digest=bytes(32))
            for account in ("platform", "acct_test"):
                with pytest.raises(VaultRefused):
                    await caller.sign(account, CHECKPOINT_KEY, b"lockgate/acct_test\n9\n")
        note = await house.admin.sign_export(ORIGIN, records=7, digest=bytes(32))
        key = (await house.admin.checkpoint_key(ORIGIN))["key"]
        assert notes.opened(note, key).startswith(f"{ORIGIN}/export\nrecords 7\n")
        with pytest.raises(notes.BadNote):
            notes.checkpoint(note, key)
        assert any(row["verb"] == "sign_export" and row["outcome"] == "ordered" for row in await house.audit())
