"""Every frame at the vault's door proves its caller, its time and its right; all else is refused and on record."""

import asyncio
import os
import secrets as random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lockgate.gateway.vaultlink.client import VaultClient, VaultRefused, VaultUnavailable
from lockgate.kernel import clock, wire
from lockgate.vault import policy
from tests.vault.running import ACCOUNT, CARD, KEYS, House, seal, vault_house


@pytest.fixture
async def house(pool: asyncpg.Pool, secrets: dict[str, Any], tmp_path: Path) -> AsyncIterator[House]:
    async with vault_house(pool, secrets, tmp_path) as opened:
        yield opened


def _request(verb: str = "status", args: dict[str, Any] | None = None, **changed: Any) -> wire.Request:
    fields = {"caller": "gateway", "id": 1, "time_ms": clock.now_ms(), "nonce": random.token_bytes(16)}
    return wire.Request(**(fields | {"verb": verb, "args": args or {}} | changed))


async def _speak(house: House, *frames: bytes) -> list[wire.Response | None]:
    """The answers to raw frames on one connection; None where the vault hung up instead."""
    reader, writer = await asyncio.open_unix_connection(house.path)
    answers: list[wire.Response | None] = []
    try:
        for frame in frames:
            writer.write(frame)
            try:
                length = int.from_bytes(await asyncio.wait_for(reader.readexactly(4), 5), "big")
            except (asyncio.IncompleteReadError, ConnectionError):
                answers.append(None)
                break
            payload, _mac = wire.open_frame(await reader.readexactly(length))
            answers.append(wire.read_response(payload))
    finally:
        writer.close()
    return answers


def _error(answer: wire.Response | None) -> str:
    assert answer is not None
    assert answer.error is not None
    return answer.error["reason"]


async def _reasons(house: House) -> set[tuple[str, str]]:
    return {(row["caller"], row["reason"]) for row in await house.audit() if row["outcome"] == "refused"}


async def test_a_wrong_mac_or_an_unknown_caller_is_hung_up_on(house: House) -> None:
    key = KEYS["gateway"]
    assert await _speak(house, wire.request_frame(b"x" * 32, _request())) == [None]
    assert await _speak(house, wire.request_frame(KEYS["worker"], _request())) == [None]
    assert await _speak(house, wire.request_frame(key, _request(caller="stranger"))) == [None]
    assert await _speak(house, b"\xff\xff\xff\xff") == [None]
    assert await _speak(house, b"\x00\x00\x00\x01\xc1") == [None]
    reasons = await _reasons(house)
    assert {("gateway", "mac"), ("stranger", "caller"), ("", "frame")} <= reasons


async def test_a_frame_is_good_once_and_for_half_a_minute(house: House) -> None:
    key = KEYS["gateway"]
    frame = wire.request_frame(key, _request())
    first, again = await _speak(house, frame, frame)
    assert first is not None
    assert first.ok is not None
    assert _error(again) == "replayed"
    [elsewhere] = await _speak(house, frame)
    assert _error(elsewhere) == "replayed", "on another connection too"
    for skew in (-31_000, 31_000):
        [stale] = await _speak(house, wire.request_frame(key, _request(time_ms=clock.now_ms() + skew)))
        assert _error(stale) == "stale"
    assert {("gateway", "replayed"), ("gateway", "stale")} <= await _reasons(house)


async def test_a_frame_from_before_this_process_is_refused(
    house: House, pool: Any, secrets: Any, tmp_path: Path
) -> None:
    frame = wire.request_frame(KEYS["gateway"], _request())
    await _speak(house, frame)
    (tmp_path / "second").mkdir()
    await asyncio.sleep(0.01)
    async with vault_house(pool, secrets, tmp_path / "second") as restarted:
        [answer] = await _speak(restarted, frame)
        assert _error(answer) == "stale"


@pytest.mark.parametrize("caller", ["gateway", "worker", "admin"])
async def test_each_caller_has_its_verbs_and_no_other(house: House, caller: str) -> None:
    client = getattr(house, caller)
    for verb in sorted(policy.VERBS - {"status", "seal_keys"}):
        with pytest.raises(VaultRefused) as refused:
            await client.call(verb, {"nonsense": 1})
        allowed = policy.may(caller, verb)
        assert (refused.value.code, refused.value.reason) == (
            ("refused", "argument") if allowed else ("denied", "verb")
        )
    with pytest.raises(VaultRefused):
        await client.call("reveal", {})


async def test_the_unix_user_must_be_the_expected_one(pool: Any, secrets: Any, tmp_path: Path) -> None:
    async with vault_house(pool, secrets, tmp_path, uids={"worker": os.geteuid()}) as house:
        assert (await house.worker.status())["state"] == "open"
        door = house.vault.door
        assert door.admit(_request(caller="worker"), uid=os.geteuid() + 1) == "uid"
        assert door.admit(_request(caller="worker"), uid=None) == "uid"
        assert door.admit(_request(caller="gateway"), uid=os.geteuid() + 1) is None, "its user is not known"


async def test_a_flood_of_refusals_is_counted_in_few_rows(house: House) -> None:
    frames = [wire.request_frame(KEYS["gateway"], _request("rotate", {"account": None})) for _ in range(500)]
    await _speak(house, *frames)
    rows = [row for row in await house.audit() if row["reason"] == "verb"]
    assert sum(row["count"] for row in rows) == 500
    assert len(rows) < 50


async def test_operators_orders_are_on_record_before_they_happen(house: House) -> None:
    await house.admin.rotate(ACCOUNT)
    await house.admin.shred(ACCOUNT, "cus_1")
    await house.admin.rewrap(1)
    rows = [row for row in await house.audit() if row["outcome"] == "ordered"]
    ordered = [(row["verb"], row["account"], row["reason"]) for row in rows]
    assert ordered == [("rotate", ACCOUNT, ""), ("shred", ACCOUNT, "cus_1"), ("rewrap", None, "")]
    house.vault.door.audit._store = None  # type: ignore[assignment]
    with pytest.raises(VaultRefused, match="failed"):
        await house.admin.rotate(ACCOUNT)


async def test_secrets_are_taken_only_sealed_for_their_name_and_mode(house: House) -> None:
    keys = await house.admin.seal_keys()
    good = seal(keys, {"secret": "abcdefgh", "intent": "secret_test_key"})
    await house.admin.put_secret(ACCOUNT, False, name="key", blob=good)
    for livemode, name, blob in (
        (True, "key", good),
        (False, "other", good),
        (False, "key", seal(keys, {"secret": "abcdefgh"})),
        (False, "key", seal(keys, {"secret": "short", "intent": "secret_test_key"})),
        (False, "key", "abcdefgh"),
    ):
        with pytest.raises(VaultRefused):
            await house.admin.put_secret(ACCOUNT, livemode, name=name, blob=blob)
    with pytest.raises(VaultRefused):
        await house.gateway.data_key(ACCOUNT, "vault_secret", subject="test:key")
    stored = await house.pool.fetchval("SELECT ciphertext FROM vault.secret")
    assert b"abcdefgh" not in stored


async def test_an_order_begun_is_finished_when_its_caller_has_gone(house: House) -> None:
    frame = wire.request_frame(KEYS["gateway"], _request("tokenize_test", {"account": ACCOUNT, "card": CARD}))
    _reader, writer = await asyncio.open_unix_connection(house.path)
    writer.write(frame)
    await writer.drain()
    writer.transport.abort()
    for _ in range(100):
        if await house.pool.fetchval("SELECT count(*) FROM vault.card"):
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("the card was never stored")


async def test_many_calls_share_one_line(house: House) -> None:
    answers = await asyncio.gather(*(house.gateway.tokenize_test(ACCOUNT, CARD) for _ in range(2500)))
    assert len({answer["token"] for answer in answers}) == len({answer["alias"] for answer in answers}) == 2500
    assert len({answer["fingerprint"] for answer in answers}) == 1


async def test_no_vault_is_unavailable_and_a_restarted_one_is_found(pool: Any, secrets: Any, tmp_path: Path) -> None:
    client = VaultClient(str(tmp_path / "vault.sock"), caller="gateway", key=KEYS["gateway"])
    with pytest.raises(VaultUnavailable):
        await client.status()
    for _ in range(2):
        async with vault_house(pool, secrets, tmp_path):
            assert (await client.status())["state"] == "open"
    await client.close()


async def test_no_caller_signs_as_the_vault_itself(house: House) -> None:
    """A taken gateway that signed the card script's manifest could serve a script of its own."""
    calls = [(account, key) for account in ("platform", ACCOUNT) for key in (policy.MANIFEST_KEY, "tokens")]
    for caller in (house.gateway, house.worker):
        for account, key in calls:
            for work in (caller.sign(account, key, b"digest"), caller.mac(account, key, b"data")):
                if (account, key) == (ACCOUNT, "tokens"):
                    assert await work
                    continue
                with pytest.raises(VaultRefused) as refused:
                    await work
                assert refused.value.reason == "own_key"
    assert {("gateway", "own_key"), ("worker", "own_key")} <= await _reasons(house)
