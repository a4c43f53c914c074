"""The line to the vault breaks at every point, and the client never says more than it knows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lockgate.gateway.vaultlink.client import VaultClient, VaultRefused, VaultUnavailable
from lockgate.kernel import wire
from lockgate.kernel.orders import Answered, Lost, NotSent, Order

KEY = b"k" * 32
ORDER = Order("pa_1", "acme", "POST", "https://acme.example/", (), (), 1, 1000)
Behave = Callable[[wire.Request], bytes | None]


@contextlib.asynccontextmanager
async def _vault(directory: Path, behave: Behave) -> AsyncIterator[tuple[VaultClient, list[wire.Request]]]:
    """A stand-in for the vault whose every frame the test writes; None hangs up."""
    asked: list[wire.Request] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int.from_bytes(await reader.readexactly(4), "big")
                payload, mac = wire.open_frame(await reader.readexactly(length))
                assert wire.mac_is_right(KEY, payload, mac)
                asked.append(wire.read_request(payload))
                answer = behave(asked[-1])
                if answer is None:
                    break
                writer.write(answer)
        writer.close()

    path = str(directory / "vault.sock")
    server = await asyncio.start_unix_server(serve, path)
    client = VaultClient(path, caller="gateway", key=KEY)
    try:
        yield client, asked
    finally:
        await client.close()
        server.close()


def _ok(**ok: object) -> Behave:
    return lambda request: wire.ok_frame(KEY, request.id, ok)


def _error(code: str, reason: str | None = None) -> Behave:
    error = {"code": code, "message": ""} | ({"reason": reason} if reason else {})
    return lambda request: wire.error_frame(KEY, request.id, error)


@pytest.mark.parametrize(
    ("behave", "reply"),
    [
        (_ok(state="answered", status=200, headers=[["a", "b"]], body=b"x"), Answered(200, (("a", "b"),), b"x")),
        (_ok(state="not_sent", reason="tls"), NotSent("tls")),
        (_ok(state="unknown", reason="timeout"), Lost("timeout")),
        (_error("refused", "slot_place"), NotSent("slot_place")),
        (_error("denied", "stale"), NotSent("stale")),
        (_error("internal"), Lost("vault_internal")),
        (lambda _request: None, Lost("vault_line")),
        (lambda request: wire.ok_frame(b"x" * 32, request.id, {"state": "not_sent"}), Lost("vault_line")),
        (lambda _request: b"\xff\xff\xff\xff", Lost("vault_line")),
        (lambda _request: b"\x00\x00\x00\x01\xc1", Lost("vault_line")),
    ],
    ids=["answered", "not sent", "unknown", "refused", "denied", "internal", "broken", "forged", "too long", "garbage"],
)  # fmt: skip
async def test_an_order_has_one_try_and_an_honest_answer(tmp_path: Path, behave: Behave, reply: object) -> None:
    async with _vault(tmp_path, behave) as (client, asked):
        assert await client.forward("acct_1", False, ORDER) == reply
        assert [request.verb for request in asked] == ["forward"], "never a second time"


async def test_without_a_vault_an_order_is_certainly_not_sent(tmp_path: Path) -> None:
    client = VaultClient(str(tmp_path / "nothing.sock"), caller="gateway", key=KEY)
    assert await client.forward("acct_1", False, ORDER) == NotSent("vault_unavailable")


async def test_silence_is_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockgate.gateway.vaultlink.client._FORWARD_GRACE_S", -0.9)
    async with _vault(tmp_path, lambda _request: b"") as (client, _asked):
        assert await client.forward("acct_1", False, ORDER) == Lost("vault_line")


async def test_a_repeatable_call_is_tried_twice_on_a_new_line(tmp_path: Path) -> None:
    broken = []

    def once_broken(request: wire.Request) -> bytes | None:
        if not broken:
            broken.append(request)
            return None
        return wire.ok_frame(KEY, request.id, {"state": "open"})

    async with _vault(tmp_path, once_broken) as (client, asked):
        assert await client.status() == {"state": "open"}
        assert len(asked) == 2
        assert asked[0].nonce != asked[1].nonce


async def test_a_line_that_stays_broken_is_unavailable(tmp_path: Path) -> None:
    async with _vault(tmp_path, lambda _request: None) as (client, _asked):
        with pytest.raises(VaultUnavailable) as fault:
            await client.tombstone("acct_1", "pa_1")
        assert fault.value.sent


async def test_answers_find_their_questions_in_any_order(tmp_path: Path) -> None:
    held: list[wire.Request] = []

    def backwards(request: wire.Request) -> bytes:
        held.append(request)
        if len(held) < 20:
            return b""
        return b"".join(wire.ok_frame(KEY, each.id, {"mac": each.args["data"]}) for each in reversed(held))

    async with _vault(tmp_path, backwards) as (client, _asked):
        questions = [bytes([number]) for number in range(20)]
        assert await asyncio.gather(*(client.mac("acct_1", "k", data) for data in questions)) == questions


async def test_refusals_carry_their_code_and_reason(tmp_path: Path) -> None:
    async with _vault(tmp_path, _error("invalid_card", "invalid_cvc")) as (client, _asked):
        with pytest.raises(VaultRefused) as refused:
            await client.tokenize_test("acct_1", {})
        assert (refused.value.code, refused.value.reason) == ("invalid_card", "invalid_cvc")
