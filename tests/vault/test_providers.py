"""Roots: the right passphrase opens, anything else is refused by name, and versions can follow each other."""

from typing import Any

import asyncpg
import pytest

from lockgate.kernel.config import ConfigError
from lockgate.vault import providers
from lockgate.vault.keys import Keyring

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def sealed_root() -> dict[str, Any]:
    return providers.new_passphrase_root(PASSPHRASE)


async def test_the_passphrase_opens_and_nothing_else_does(sealed_root: dict[str, Any]) -> None:
    roots = await providers.open_roots({"root": sealed_root, "passphrase": PASSPHRASE}, profile="production")
    again = await providers.open_roots({"root": sealed_root, "passphrase": PASSPHRASE}, profile="production")
    version, wrapped = await roots.wrap(bytes(32), context=b"c")
    assert await again.unwrap(version, wrapped, context=b"c") == bytes(32)
    assert PASSPHRASE not in str(sealed_root)
    for given in ("correct horse battery stapl", None, ""):
        with pytest.raises(ConfigError, match="passphrase"):
            await providers.open_roots({"root": sealed_root, "passphrase": given}, profile="production")


async def test_a_weakened_passphrase_root_is_refused(sealed_root: dict[str, Any]) -> None:
    weak = sealed_root | {"params": {"time_cost": 1, "memory_kib": 8, "lanes": 1}}
    with pytest.raises(ConfigError, match="floor"):
        await providers.open_roots({"root": weak, "passphrase": PASSPHRASE}, profile="production")
    with pytest.raises(ConfigError, match="12 characters"):
        providers.new_passphrase_root("short")


@pytest.mark.parametrize(
    ("root", "word"),
    [({}, "provider"), ({"provider": "file"}, "hexadecimal"), ({"provider": "file", "key": "00" * 31}, "hexadecimal"),
     ({"provider": "file", "key": "00" * 32, "version": 0}, "version"), ({"provider": "clear"}, "provider")],
)  # fmt: skip
async def test_bad_settings_are_named(root: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        await providers.open_roots({"root": root}, profile="sandbox")


async def test_a_root_in_a_file_is_for_the_sandbox_only() -> None:
    with pytest.raises(ConfigError, match="sandbox"):
        await providers.open_roots({"root": providers.new_file_root()}, profile="production")


async def test_a_foreign_root_does_not_open_the_database(pool: asyncpg.Pool, keyring: Keyring) -> None:
    with pytest.raises(ConfigError, match="not the one"):
        await Keyring.open(pool, {"root": providers.new_file_root()}, profile="sandbox")


async def test_the_root_can_change_and_the_old_one_be_forgotten(
    pool: asyncpg.Pool, keyring: Keyring, secrets: dict[str, Any], sealed_root: dict[str, Any]
) -> None:
    sealed = await keyring.seal_record("acct_1", "card", "tok_1", "cus_1", b"text")
    both = {
        "root": sealed_root | {"version": 2}, "passphrase": PASSPHRASE, "retired_roots": [secrets["root"]],
    }  # fmt: skip
    ring = await Keyring.open(pool, both, profile="sandbox")
    assert await ring.open_record("acct_1", "card", "tok_1", sealed) == b"text"
    assert await ring.rewrap(100) == 2  # the platform's key and the merchant's
    assert await ring.rewrap(100) == 0
    alone = await Keyring.open(pool, {"root": both["root"], "passphrase": PASSPHRASE}, profile="production")
    assert await alone.open_record("acct_1", "card", "tok_1", sealed) == b"text"
    with pytest.raises(ConfigError, match="newer"):
        await Keyring.open(pool, secrets, profile="sandbox")
