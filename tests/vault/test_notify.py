"""Processors' messages to us: only one that is whole, fresh and signed under the account's own secret is believed."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lockgate.gateway.vaultlink.client import VaultRefused
from lockgate.vault.notify import MAX_AGE_S, MAX_AHEAD_S, fault_of
from lockgate.vault.place import BadManifest, Calls, read_manifest
from tests.vault.running import ACCOUNT, House, manifest, processor, seal, vault_house

KEY = "caller_0123456789abcdef"
BODY = b'{"id":"ntf_1","kind":"dispute","reference":"sdp_1"}'
CALLS = {"header": "x-signature", "scheme": "hmac-sha256-t-v1", "secret": "acme_caller"}
NOW = 1_900_000_000


@pytest_asyncio.fixture
async def house(pool: Any, secrets: Any, tmp_path: Path) -> AsyncIterator[House]:
    async with vault_house(pool, secrets, tmp_path) as opened:
        yield opened


def signed(body: bytes = BODY, *, key: str = KEY, at: int = NOW) -> str:
    return f"t={at},v1={hmac.new(key.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def fault(*headers: tuple[str, str], body: bytes = BODY, now: int = NOW) -> str | None:
    return fault_of(Calls(**CALLS), headers, body, secret=KEY, now=now)


def test_a_sound_message_has_no_fault_for_five_minutes_and_a_minute_ahead():
    header = ("X-Signature", signed())
    assert fault(header) is None
    assert fault(header, ("Content-Type", "application/json")) is None
    assert fault(header, now=NOW + MAX_AGE_S) is None
    assert fault(header, now=NOW + MAX_AGE_S + 1) == "stale"
    assert fault(header, now=NOW - MAX_AHEAD_S) is None
    assert fault(header, now=NOW - MAX_AHEAD_S - 1) == "early"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (signed(key="another_0123456789abcdef"), "signature"),
        (signed(BODY + b" "), "signature"),
        (signed().replace(f"t={NOW}", f"t={NOW + 1}"), "signature"),
        (signed(key="another_0123456789abcdef", at=1), "signature"),
        (signed() + "\n", "header"),
        (signed().upper(), "header"),
        (signed().replace("v1=", "v0="), "header"),
        (signed() + "," + signed().partition(",")[2], "header"),
        (f"{signed()}, {signed()}", "header"),
        (signed().replace("t=1", "t=\u0661"), "header"),
        ("", "header"),
    ],
)
def test_anything_else_is_a_fault(value: str, expected: str):
    assert fault(("x-signature", value)) == expected


def test_a_header_that_is_absent_or_stands_twice_proves_nothing():
    assert fault() == "header"
    assert fault(("x-signature2", signed())) == "header"
    assert fault(("x-signature", signed()), ("X-SIGNATURE", signed())) == "header"
    assert fault(("x-signature", signed(key="another_0123456789abcdef")), ("x-signature", signed())) == "header"


@pytest.mark.parametrize(
    "wrong",
    [
        [], {}, {**CALLS, "more": 1}, {**CALLS, "header": "X-Signature"}, {**CALLS, "header": "a b"},
        {**CALLS, "scheme": "none"}, {**CALLS, "secret": "no such"}, {**CALLS, "secret": None},
    ],
)  # fmt: skip
async def test_a_manifest_says_it_strictly(wrong: Any, tmp_path: Path):
    async with processor(tmp_path) as at:
        assert read_manifest({**manifest(at), "notifications": CALLS}).notifications == Calls(**CALLS)
        assert read_manifest(manifest(at)).notifications is None
        with pytest.raises(BadManifest):
            read_manifest({**manifest(at), "notifications": wrong})


async def introduce(house: House, directory: Path, *, livemode: bool = False) -> None:
    async with processor(directory) as at:
        await house.admin.put_manifest({**manifest(at), "notifications": CALLS})
        await house.admin.put_manifest(manifest(at, name="silent"))
    mode = "live" if livemode else "test"
    sealed = seal(await house.admin.seal_keys(), {"secret": KEY, "intent": f"secret_{mode}_acme_caller"})
    await house.admin.put_secret(ACCOUNT, livemode, name="acme_caller", blob=sealed)


async def believed(house: House, account: str = ACCOUNT, livemode: bool = False, **changed: Any) -> bool:
    sent = {
        "processor": "acme", "headers": {"x-signature": signed(at=int(time.time()))}, "body": BODY,
    }  # fmt: skip
    return await house.gateway.verify_notification(account, livemode, **(sent | changed))


async def test_the_vault_believes_its_own_account_mode_and_processor_only(house: House, tmp_path: Path):
    await introduce(house, tmp_path)
    assert await believed(house) is True
    assert await believed(house, headers=[("X-Signature", signed(at=int(time.time())))]) is True
    assert await believed(house, livemode=True) is False
    assert await believed(house, "acct_stranger") is False
    assert await believed(house, processor="silent") is False
    assert await believed(house, processor="unheard_of") is False
    assert await believed(house, body=BODY + b"\n") is False
    twice = [("x-signature", signed(at=int(time.time())))] * 2
    assert await believed(house, headers=twice) is False
    assert await believed(house, headers={"x-signature": signed(at=int(time.time()) - 301)}) is False
    assert await believed(house, headers={"x-signature": signed(at=int(time.time()) + 120)}) is False
    recorded = {(row["reason"], row["account"]) for row in await house.audit() if row["verb"] == "verify_notification"}
    assert recorded == {
        ("no_secret", None), ("no_scheme", None), ("signature", ACCOUNT), ("header", ACCOUNT), ("stale", ACCOUNT),
        ("early", ACCOUNT),
    }  # fmt: skip
    shown = str([dict(row) for row in await house.audit()])
    assert KEY not in shown and "ntf_1" not in shown


async def test_only_the_gateway_may_ask(house: House, tmp_path: Path):
    await introduce(house, tmp_path)
    for client in (house.worker, house.admin):
        with pytest.raises(VaultRefused) as refused:
            await client.verify_notification(ACCOUNT, False, processor="acme", headers={}, body=BODY)
        assert (refused.value.code, refused.value.reason) == ("denied", "verb")


@pytest.mark.parametrize("headers", [["x-signature"], [["a", 1]], [["a", "b", "c"]], [["a", "b"]] * 101])
async def test_headers_are_pairs_of_strings(house: House, headers: Any):
    args = {"account": ACCOUNT, "livemode": False, "processor": "acme", "headers": headers, "body": BODY}
    with pytest.raises(VaultRefused) as refused:
        await house.gateway.call("verify_notification", args)
    assert refused.value.reason == "argument"
