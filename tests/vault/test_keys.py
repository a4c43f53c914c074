"""The keyring on a real database: what is sealed opens in its place only, survives rotation, and dies when shredded."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from lockgate.kernel import jws
from lockgate.vault import crypto
from lockgate.vault.hierarchy import Hierarchy, Retired
from lockgate.vault.keys import Gone, Keyring, SealedRecord
from lockgate.vault.keystore import KeyStore
from lockgate.vault.providers import open_roots

ACCOUNT, OTHER = "acct_1", "acct_2"
PAN = "4242424242424242"


async def _store_card(pool: asyncpg.Pool, token: str, *, subject: str, sealed: SealedRecord) -> None:
    await pool.execute(
        "insert into vault.card (account, token, livemode, subject, brand, bin, last4, exp_month, exp_year, funding,"
        " country, fingerprint, alias, kek_version, wrapped_dek, ciphertext, created_ms)"
        " values ($1, $2, true, $3, 'visa', '424242', '4242', 12, 2040, 'credit', 'US', '', '', $4, $5, $6, 0)",
        ACCOUNT, token, subject, sealed.kek_version, sealed.wrapped_dek, sealed.ciphertext,
    )  # fmt: skip


async def _load_card(pool: asyncpg.Pool, token: str) -> SealedRecord:
    row = await pool.fetchrow(
        "select wrapped_dek, ciphertext, kek_version from vault.card where account = $1 and token = $2", ACCOUNT, token
    )
    return SealedRecord(*row)


async def _fill(pool: asyncpg.Pool, ring: Keyring, count: int) -> None:
    for number in range(count):
        sealed = await ring.seal_record(ACCOUNT, "card", f"tok_{number}", "cus_1", f"text {number}".encode())
        await _store_card(pool, f"tok_{number}", subject="cus_1", sealed=sealed)


async def test_a_record_opens_in_its_own_place_only(keyring: Keyring) -> None:
    sealed = await keyring.seal_record(ACCOUNT, "card", "tok_1", "cus_1", PAN.encode())
    assert await keyring.open_record(ACCOUNT, "card", "tok_1", sealed) == PAN.encode()
    assert len(sealed.wrapped_dek) == 40
    assert len(sealed.ciphertext) + len(sealed.wrapped_dek) - len(PAN) == 69
    await keyring.seal_record(OTHER, "card", "tok_1", "cus_1", b"")
    for place in ((OTHER, "card", "tok_1"), (ACCOUNT, "person", "tok_1"), (ACCOUNT, "card", "tok_2")):
        with pytest.raises(crypto.Tampered):
            await keyring.open_record(*place, sealed)


async def test_every_flipped_bit_and_every_swapped_row_is_noticed(keyring: Keyring) -> None:
    one = await keyring.seal_record(ACCOUNT, "card", "tok_1", "cus_1", PAN.encode())
    two = await keyring.seal_record(ACCOUNT, "card", "tok_2", "cus_1", PAN.encode())
    for name in ("wrapped_dek", "ciphertext"):
        whole = getattr(one, name)
        for bit in range(len(whole) * 8):
            altered = bytearray(whole)
            altered[bit // 8] ^= 1 << (bit % 8)
            with pytest.raises(crypto.Tampered):
                await keyring.open_record(ACCOUNT, "card", "tok_1", replace(one, **{name: bytes(altered)}))
        with pytest.raises(crypto.Tampered):
            await keyring.open_record(ACCOUNT, "card", "tok_1", replace(one, **{name: getattr(two, name)}))
    for foreign in (two, replace(one, kek_version=2), replace(one, kek_version=-1)):
        with pytest.raises(crypto.Tampered):
            await keyring.open_record(ACCOUNT, "card", "tok_1", foreign)


async def test_keys_survive_a_restart_and_are_never_stored_in_clear(
    pool: asyncpg.Pool, keyring: Keyring, secrets: dict[str, Any]
) -> None:
    sealed = await keyring.seal_record(ACCOUNT, "card", "tok_1", "cus_1", b"text")
    key, kid = await keyring.data_key(ACCOUNT, "personal", "cus_1")
    print_ = await keyring.fingerprint(ACCOUNT, PAN)
    again = await Keyring.open(pool, secrets, profile="sandbox")
    assert await again.open_record(ACCOUNT, "card", "tok_1", sealed) == b"text"
    assert await again.data_key(ACCOUNT, "personal", "cus_1") == (key, kid)
    assert await again.fingerprint(ACCOUNT, PAN) == print_
    assert await again.alias(ACCOUNT, 5, 16, "4242") == await keyring.alias(ACCOUNT, 5, 16, "4242")
    assert again.verify_key == keyring.verify_key
    assert await again.mac(ACCOUNT, "webhook", b"x") == await keyring.mac(ACCOUNT, "webhook", b"x")
    for table in ("root_key", "merchant_key", "named_key", "data_key", "sealing_key"):
        for row in await pool.fetch(f"select t::text as line from vault.{table} t"):
            assert key.hex() not in row["line"]
            assert secrets["root"]["key"] not in row["line"]


async def test_fingerprints_are_keyed_per_account(keyring: Keyring) -> None:
    one = await keyring.fingerprint(ACCOUNT, PAN)
    assert len(one) == 16
    assert one.isalnum()
    assert one[0] == "1"
    assert one == await keyring.fingerprint(ACCOUNT, PAN)
    assert one != await keyring.fingerprint(ACCOUNT, "4000000000000002")
    assert one != await keyring.fingerprint(OTHER, PAN)
    for refused in ("", "4242", "4242 4242 4242 4242", "\uff14\uff12" * 8):
        with pytest.raises(ValueError, match="12 to 19"):
            await keyring.fingerprint(ACCOUNT, refused)


async def test_one_data_key_for_all_who_ask_at_once(pool: asyncpg.Pool, secrets: dict[str, Any]) -> None:
    rings = [await Keyring.open(pool, secrets, profile="sandbox") for _ in range(3)]
    asked = [ring.data_key(ACCOUNT, "personal", "cus_new") for ring in rings for _ in range(5)]
    assert len(set(await asyncio.gather(*asked))) == 1
    prints = [ring.fingerprint(OTHER, PAN) for ring in rings for _ in range(5)]
    assert len(set(await asyncio.gather(*prints))) == 1


async def test_relabelled_rows_give_nothing(pool: asyncpg.Pool, keyring: Keyring, database: Any) -> None:
    await keyring.data_key(ACCOUNT, "personal", "alice")
    await keyring.mac(ACCOUNT, "one", b"")
    owner = await asyncpg.connect(**database["superuser"])
    try:
        await owner.execute("update vault.data_key set subject = 'bob'")
        with pytest.raises(crypto.Tampered):
            await keyring.data_key(ACCOUNT, "personal", "bob")
        await owner.execute("update vault.named_key set name = 'mac:two' where name = 'mac:one'")
        with pytest.raises(crypto.Tampered):
            await keyring.mac(ACCOUNT, "two", b"")
    finally:
        await owner.close()


async def test_signatures_verify_and_names_are_kept_apart(keyring: Keyring) -> None:
    signature = await keyring.sign(ACCOUNT, "tokens", b"data")
    public = await keyring.public_key(ACCOUNT, "tokens")
    assert jws.verify_ed25519(public, signature, data=b"data")
    assert not jws.verify_ed25519(public, signature, data=b"date")
    assert await keyring.mac(ACCOUNT, "a", b"x") != await keyring.mac(OTHER, "a", b"x")
    # No name reaches the keys the vault uses itself: those stand under other kinds.
    for name in ("service:sealing", "fingerprint:1", "", "UPPER", "a" * 65):
        with pytest.raises(ValueError, match="well formed"):
            await keyring.sign("platform", name, b"")
        with pytest.raises(ValueError, match="well formed"):
            await keyring.mac(ACCOUNT, name, b"")


async def test_a_retired_version_decrypts_and_never_encrypts(pool: asyncpg.Pool, secrets: dict[str, Any]) -> None:
    hierarchy = Hierarchy(KeyStore(pool), await open_roots(secrets, profile="sandbox"))
    await hierarchy.prove_root()
    first = await hierarchy.sealing(ACCOUNT)
    wrapped = first.wrap_record(bytes(32))
    assert await hierarchy.rotate(ACCOUNT) == 2
    with pytest.raises(Retired):
        first.wrap_record(bytes(32))
    with pytest.raises(Retired):
        first.wrap(bytes(32), context=b"")
    assert first.unwrap_record(wrapped) == bytes(32)
    fresh = Hierarchy(KeyStore(pool), await open_roots(secrets, profile="sandbox"))
    with pytest.raises(Retired):
        (await fresh.opening(ACCOUNT, 1)).wrap_record(bytes(32))
    assert (await fresh.sealing(ACCOUNT)).version == 2


async def test_rotation_and_rewrapping_under_concurrent_use(pool: asyncpg.Pool, keyring: Keyring) -> None:
    await _fill(pool, keyring, 300)
    key, kid = await keyring.data_key(ACCOUNT, "personal", "cus_1")
    failures, opened, done = [], 0, asyncio.Event()

    async def reader(numbers: itertools.count) -> None:
        nonlocal opened
        while not done.is_set():
            number = next(numbers) % 300
            try:
                sealed = await _load_card(pool, f"tok_{number}")
                assert await keyring.open_record(ACCOUNT, "card", f"tok_{number}", sealed) == f"text {number}".encode()
                assert await keyring.data_key(ACCOUNT, "personal", "cus_1") == (key, kid)
                opened += 1
            except Exception as error:
                failures.append(error)

    numbers = itertools.count()
    readers = [asyncio.create_task(reader(numbers)) for _ in range(4)]
    moved = 0
    for version in (2, 3, 4):
        assert await keyring.rotate(ACCOUNT) == version
        while count := await keyring.rewrap(37):
            moved += count
            await asyncio.sleep(0)
    done.set()
    await asyncio.gather(*readers)
    assert not failures
    assert opened > 50
    assert moved == 3 * 301
    assert await pool.fetchval("select min(kek_version) from vault.card") == 4
    assert await pool.fetchval("select min(kek_version) from vault.data_key where account = $1", ACCOUNT) == 4


async def test_rewrapping_resumes_in_another_process_and_covers_every_table(
    pool: asyncpg.Pool, keyring: Keyring, secrets: dict[str, Any]
) -> None:
    await _fill(pool, keyring, 20)
    await keyring.fingerprint(ACCOUNT, PAN)
    public = await keyring.public_key("platform", "tokens")
    listed = keyring.sealing_keys()
    await keyring.rotate(ACCOUNT)
    await keyring.rotate("platform")
    assert await keyring.rewrap(7) == 7
    other = await Keyring.open(pool, secrets, profile="sandbox")
    total = 0
    while count := await other.rewrap(7):
        total += count
    assert total + 7 == 20 + 1 + 2 + 2  # cards, fingerprint key, platform's two named keys, two sealing keys
    last = await Keyring.open(pool, secrets, profile="sandbox")
    assert last.sealing_keys() == listed
    assert await last.public_key("platform", "tokens") == public


async def test_a_damaged_row_does_not_stop_the_others(pool: asyncpg.Pool, keyring: Keyring) -> None:
    await _fill(pool, keyring, 10)
    await pool.execute("update vault.card set wrapped_dek = $1 where token = 'tok_3'", bytes(40))
    await keyring.rotate(ACCOUNT)
    total = 0
    while count := await keyring.rewrap(3):
        total += count
    assert total == 9
    assert await pool.fetchval("select count(*) from vault.card where kek_version = 1") == 1


async def test_shredding_one_person(pool: asyncpg.Pool, keyring: Keyring) -> None:
    await _fill(pool, keyring, 3)
    kept = await keyring.seal_record(ACCOUNT, "card", "tok_kept", "cus_2", b"kept")
    await _store_card(pool, "tok_kept", subject="cus_2", sealed=kept)
    await keyring.data_key(ACCOUNT, "personal", "cus_1")
    await keyring.data_key(ACCOUNT, "mail", "cus_1")
    other, _kid = await keyring.data_key(ACCOUNT, "personal", "cus_2")
    assert sum(await keyring.shred(ACCOUNT, "cus_1")) == 5
    assert await keyring.shred(ACCOUNT, "cus_1") == (0, 0)
    for purpose in ("personal", "mail", "never asked before"):
        with pytest.raises((Gone, ValueError)):
            await keyring.data_key(ACCOUNT, purpose, "cus_1")
    with pytest.raises(Gone):
        await keyring.data_key(ACCOUNT, "new-purpose", "cus_1")
    assert await pool.fetchval("select count(*) from vault.card where wrapped_dek is null") == 3
    assert (await keyring.data_key(ACCOUNT, "personal", "cus_2"))[0] == other
    assert await keyring.open_record(ACCOUNT, "card", "tok_kept", await _load_card(pool, "tok_kept")) == b"kept"
    await keyring.rotate(ACCOUNT)
    while await keyring.rewrap(100):
        pass
    assert await pool.fetchval("select count(*) from vault.card where wrapped_dek is null") == 3


async def test_a_shredded_key_does_not_come_back_from_a_rewrap_under_way(pool: asyncpg.Pool, keyring: Keyring) -> None:
    await _fill(pool, keyring, 2)
    await keyring.data_key(ACCOUNT, "personal", "cus_1")
    store = KeyStore(pool)
    read = {table: await store.stale(table, ACCOUNT, after="", below=2, limit=9) for table in ("card", "data_key")}
    assert {table: len(rows) for table, rows in read.items()} == {"card": 2, "data_key": 1}
    assert sum(await keyring.shred(ACCOUNT, "cus_1")) == 3
    for table, rows in read.items():
        await store.replace(table, ACCOUNT, rows=rows, wrapped=[bytes(40)] * len(rows), version=2)
    assert await pool.fetchval("select count(*) from vault.card where wrapped_dek is not null") == 0
    assert await pool.fetchval("select count(*) from vault.data_key where wrapped is not null") == 0


async def test_shredding_wins_over_keys_made_at_the_same_time(keyring: Keyring) -> None:
    for number in range(20):
        subject = f"cus_race_{number}"
        asked = [keyring.data_key(ACCOUNT, f"p{n}", subject) for n in range(4)]
        await asyncio.gather(*asked[:2], keyring.shred(ACCOUNT, subject), *asked[2:], return_exceptions=True)
        for n in range(4):
            with pytest.raises(Gone):
                await keyring.data_key(ACCOUNT, f"p{n}", subject)


async def test_the_vault_role_cannot_delete_or_relabel_keys(pool: asyncpg.Pool, keyring: Keyring) -> None:
    for statement in (
        "delete from vault.merchant_key", "delete from vault.data_key", "delete from vault.named_key",
        "update vault.data_key set subject = 'x'", "update vault.merchant_key set account = 'x'",
        "update vault.root_key set proof = ''", "delete from vault.shredded_subject",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


async def test_no_other_role_sees_the_keys(database: Any, keyring: Keyring) -> None:
    for role in ("gateway", "worker", "reporting"):
        connection = await asyncpg.connect(**database[role])
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("select * from vault.merchant_key")
        finally:
            await connection.close()
