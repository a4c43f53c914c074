"""A backup of a running home holds no key, restores to the same rows, and refuses whatever is not in order."""

import asyncio
import contextlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lockgate.cli import archive, backup, backupkeys, restore
from lockgate.kernel.config import ConfigError, Home
from lockgate.vault.keys import Gone, Keyring
from lockgate.vault.store import connect as connect_vault
from tests.cli.standing import connect, ledger_hash, make, standing

PASSPHRASE = "a long enough passphrase"
ACCOUNT = "acct_1"


@pytest.fixture
def place() -> Iterator[Path]:
    """Reachable for the database's own user, unlike pytest's folders."""
    directory = Path(tempfile.mkdtemp(prefix="lockgate-backup-"))
    directory.chmod(0o755)
    (directory / "out").mkdir()
    yield directory
    shutil.rmtree(directory)


@contextlib.asynccontextmanager
async def _keyring(home: Home) -> AsyncIterator[Keyring]:
    secrets = home.secrets("vault")
    pool = await connect_vault(home.settings()["database"], password=secrets["database_password"])
    try:
        yield await Keyring.open(pool, secrets, profile="sandbox")
    finally:
        await pool.close()


async def _pay(connection: asyncpg.Connection, number: int, *, state: str = "approved") -> None:
    """The rows of one payment, as far as backups care: an attempt and its transfer, in one transaction."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO gateway.attempt (account, livemode, id, version, created, action, state, processor, amount,"
            " currency, send_before_ms, next_check_ms, checks, data) VALUES ($1, false, $2, 1, $3, 'authorize', $4,"
            " 'simulator', 100, 'usd', 1, CASE WHEN $4 = 'approved' THEN NULL ELSE 99999999999999 END, 3, '{}')",
            ACCOUNT, f"pa_{number:08d}", 1_700_000_000 + number, state,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO gateway.transfer (account, livemode, id, created, debit, credit, amount, currency, kind,"
            " phase, source) VALUES ($1, false, $2, 1, 'processor:simulator', 'merchant:pending', 100, 'usd',"
            " 'capture', 'posted', $3)",
            ACCOUNT, f"tr_{number:08d}", f"pa_{number:08d}",
        )  # fmt: skip


def _names(file: Path, key: bytes) -> dict[str, bytes]:
    with file.open("rb") as stream, tarfile.open(fileobj=archive.Opener(stream, key), mode="r|") as files:
        return {
            member.name: content.read()
            for member in files
            if member.isreg() and (content := files.extractfile(member)) is not None
        }


async def _back_up(home: Home, to: Path, key: bytes) -> None:
    await asyncio.to_thread(backup.write, home, to, key)


async def _rebuild(home: Home, source: Path, key: bytes, kept: dict[str, Any]) -> Any:
    return await asyncio.to_thread(restore.rebuild, home, source, key, kept=kept)


async def test_a_home_comes_back_from_backup_key_and_exported_keys(place: Path) -> None:
    home, file = make(place / "home"), place / "out" / "one.lgbackup"
    (home.path / "simulator").mkdir()
    (home.path / "simulator" / "journal.jsonl").write_bytes(
        b'{"seq":1,"reference":"pa_newer"}\n{"seq":2,"reference":"pa_00000001"}\n{"seq":3,"refer'
    )
    async with standing(home):
        async with _keyring(home) as keyring:
            sealed = await keyring.seal_record(ACCOUNT, "note", "t_1", "cus_kept", b"kept")
            kept_key, _ = await keyring.data_key(ACCOUNT, "personal", "cus_kept")
            await keyring.data_key(ACCOUNT, "personal", "cus_erased")
            assert await keyring.shred(ACCOUNT, "cus_erased") == (1, 0)
        connection = await connect(home)
        for number in range(50):
            await _pay(connection, number)
        await connection.close()
        before = await ledger_hash(home)
        key = backupkeys.key_for(place / "keys" / "backup.json", home=home, target=file)
        await _back_up(home, file, key)
        backupkeys.export(home, place / "export.json", PASSPHRASE)
        old = {program: home.secrets(program) for program in ("gateway", "vault", "postgres", "owner", "simulator")}
    shutil.rmtree(home.path)

    kept = backupkeys.read_export(place / "export.json", PASSPHRASE)
    again = Home(place / "again")
    revived, _ = await _rebuild(again, file, backupkeys.read_key(place / "keys" / "backup.json"), kept)
    assert revived.doubtful == 0
    assert (again.path / "simulator" / "journal.jsonl").read_bytes() == (
        b'{"seq":1,"reference":"pa_00000001"}\n'
    ), "only what the database asked for, no half an entry"
    assert not list(place.glob(".again*"))
    for program, secrets in old.items():
        fresh = again.secrets(program)
        for name in ("database_password", "admin_key", "admin_token", "vault_key", "callers", "api_keys"):
            assert name not in secrets or fresh[name] != secrets[name], f"{program}'s {name} must be a new one"
        assert again.secrets_file(program).stat().st_mode & 0o777 == 0o600
    async with standing(again):
        assert await ledger_hash(again) == before
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host=again.settings()["database"]["host"], user="lockgate_gateway", database="lockgate",
                password=old["gateway"]["database_password"],
            )  # fmt: skip
        async with _keyring(again) as keyring:
            assert await keyring.open_record(ACCOUNT, "note", "t_1", sealed) == b"kept"
            assert (await keyring.data_key(ACCOUNT, "personal", "cus_kept"))[0] == kept_key
            with pytest.raises(Gone):
                await keyring.data_key(ACCOUNT, "personal", "cus_erased")


async def test_no_key_and_no_secret_stands_in_a_backup(place: Path) -> None:
    home, file, key = make(place / "home"), place / "out" / "one.lgbackup", os.urandom(32)
    async with standing(home):
        async with _keyring(home) as keyring:
            await keyring.data_key(ACCOUNT, "personal", "cus_1")
        await _back_up(home, file, key)
    held = _names(file, key)
    assert {"settings.json", "ca/ca.pem", "tls/api.pem", "pgdata/PG_VERSION", "pgdata/backup_manifest"} <= set(held)
    assert not [name for name in held if "secrets" in name]
    words = [word for path in (home.path / "secrets").iterdir() for word in _strings(json.loads(path.read_text()))]
    words = [word for word in words if len(word) >= 32]
    assert len(words) >= 12, "the scan knows what it looks for"
    everything = b"\0".join(held.values())
    for word in [*words, key.hex()]:
        assert word.encode() not in everything
        with contextlib.suppress(ValueError):
            assert bytes.fromhex(word) not in everything
    assert home.settings()["account"].encode() in everything, "the scan finds what is there"
    assert file.stat().st_mode & 0o777 == 0o600


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for pair in value.items() for part in pair for word in _strings(part)]
    if isinstance(value, list):
        return [word for part in value for word in _strings(part)]
    return [value] if isinstance(value, str) else []


async def test_a_backup_under_load_is_consistent_and_its_open_attempts_are_doubted(place: Path) -> None:
    home, file, key = make(place / "home"), place / "out" / "one.lgbackup", os.urandom(32)
    acknowledged: list[int] = []
    async with standing(home):
        connection = await connect(home)
        await _pay(connection, 9_000_000, state="open")
        await _pay(connection, 9_000_001, state="unknown")

        async def load() -> None:
            for number in range(100_000):
                await _pay(connection, number)
                acknowledged.append(number)

        working = asyncio.create_task(load())
        while len(acknowledged) < 50:
            await asyncio.sleep(0.01)
        at_start = len(acknowledged)
        await _back_up(home, file, key)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        connection.terminate()
        assert len(acknowledged) > at_start, "payments went on while it was copied"
        kept = backupkeys.kept_keys(home)
    again = Home(place / "again")
    revived, _ = await _rebuild(again, file, key, kept)
    assert revived.doubtful == 2
    async with standing(again):
        restored = await connect(again)
        attempts = {row["id"]: row for row in await restored.fetch("SELECT * FROM gateway.attempt")}
        transfers = {row["source"] for row in await restored.fetch("SELECT source FROM gateway.transfer")}
        claims = {row["step"]: row["tombstone"] for row in await restored.fetch("SELECT * FROM vault.claim")}
        await restored.close()
    assert transfers == set(attempts), "each transaction is there whole or not at all"
    assert {f"pa_{number:08d}" for number in acknowledged[:at_start]} <= set(attempts)
    assert claims == {"pa_09000000": False, "pa_09000001": False}, "an open order may have left: no tombstone"
    for name in claims:
        assert attempts[name]["next_check_ms"] < 99999999999999
        assert attempts[name]["checks"] == 0


async def test_whatever_is_not_in_order_leaves_no_trace(place: Path) -> None:
    home, file, key = make(place / "home"), place / "out" / "one.lgbackup", os.urandom(32)
    async with standing(home):
        await _back_up(home, file, key)
    kept, content, target = backupkeys.kept_keys(home), file.read_bytes(), Home(place / "again")
    size = archive.CHUNK_BYTES + 16
    damaged = {
        "flipped": content[:5_000_000] + bytes([content[5_000_000] ^ 1]) + content[5_000_001:],
        "header": content.replace(b'"created"', b'"creates"', 1),
        "cut": content[:-1],
        "cut at a chunk": content[: len(content) - (len(content) % size) - size],
        "swapped": content[:-2_000_000] + content[-1_000_000:] + content[-2_000_000:-1_000_000],
    }
    for what, wrong in damaged.items():
        (place / "out" / "wrong.lgbackup").write_bytes(wrong)
        with pytest.raises(ConfigError, match="not restored"):
            await _rebuild(target, place / "out" / "wrong.lgbackup", key, kept)
        assert not target.path.exists(), what
    with pytest.raises(ConfigError, match="another key"):
        await _rebuild(target, file, os.urandom(32), kept)
    other = make(place / "other")
    with pytest.raises(ConfigError, match="another vault"):
        await _rebuild(target, file, key, backupkeys.kept_keys(other))
    assert sorted(entry.name for entry in place.iterdir()) == ["home", "other", "out"]


def test_keys_and_backup_are_kept_apart(place: Path) -> None:
    home = make(place / "home")
    with pytest.raises(ConfigError, match="beside the backup"):
        backupkeys.key_for(place / "out" / "key.json", home=home, target=place / "out" / "one.lgbackup")
    with pytest.raises(ConfigError, match="lost together"):
        backupkeys.key_for(home.path / "secrets" / "backup-key.json", home=home, target=place / "out" / "one")
    file = place / "keys" / "key.json"
    key = backupkeys.key_for(file, home=home, target=place / "out" / "one")
    assert backupkeys.key_for(file, home=home, target=place / "out" / "two") == key
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="open to others"):
        backupkeys.read_key(file)


def test_a_backup_is_never_written_into_its_own_home_nor_over_another(place: Path) -> None:
    home = make(place / "home")
    with pytest.raises(ConfigError, match="lost together"):
        backup.write(home, home.path / "one.lgbackup", os.urandom(32))
    (place / "out" / "one").write_text("an earlier one")
    with pytest.raises(ConfigError, match="exists already"):
        backup.write(home, place / "out" / "one", os.urandom(32))
    with pytest.raises(ConfigError, match="does not run"):
        (home.path / "pgdata").mkdir()
        backup.write(home, place / "out" / "two", os.urandom(32))
    assert [file.name for file in (place / "out").iterdir()] == ["one"], "nothing half written stays"


def test_the_keys_export_opens_with_its_passphrase_alone(place: Path) -> None:
    home, file = make(place / "home"), place / "export.json"
    with pytest.raises(ConfigError, match="at least 12"):
        backupkeys.export(home, file, "short")
    backupkeys.export(home, file, PASSPHRASE)
    assert home.secrets("vault")["root"]["key"] not in file.read_text()
    assert backupkeys.read_export(file, PASSPHRASE)["root"] == home.secrets("vault")["root"]
    with pytest.raises(ConfigError, match="passphrase"):
        backupkeys.read_export(file, PASSPHRASE + "x")
    content = json.loads(file.read_text())
    for name in ("sealed", "salt", "nonce"):
        altered = {**content, name: ("0" if content[name][0] != "0" else "1") + content[name][1:]}
        (place / "altered.json").write_text(json.dumps(altered))
        with pytest.raises(ConfigError, match="altered"):
            backupkeys.read_export(place / "altered.json", PASSPHRASE)
    with pytest.raises(ConfigError, match="exists already"):
        backupkeys.export(home, file, PASSPHRASE)


def test_a_stranger_in_the_archive_is_not_unpacked(place: Path) -> None:
    """Only who holds the key could make one; still nothing is written outside the new home."""
    key = os.urandom(32)
    for name in ("../evil", "/evil", "secrets/vault.json", "pgdata/../../evil"):
        file = place / "out" / "stranger.lgbackup"
        with file.open("wb") as stream:
            sealer = archive.Sealer(stream, key, {"created": 1})
            with tarfile.open(fileobj=sealer, mode="w|") as files:
                member = tarfile.TarInfo(name)
                member.size = 4
                files.addfile(member, io.BytesIO(b"evil"))
            sealer.finish()
        into = Path(tempfile.mkdtemp(dir=place))
        with pytest.raises(ConfigError, match="belongs to no home"):
            restore._extract(file, key, into)
        assert not list(into.iterdir())
