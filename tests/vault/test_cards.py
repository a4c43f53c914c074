"""Which numbers are taken where, and what the vault says and keeps of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lockgate.gateway.vaultlink.client import VaultRefused
from lockgate.kernel import card_ranges, log
from lockgate.kernel.luhn import luhn_valid
from lockgate.kernel.testcards import BY_NAME, BY_NUMBER, READY_MADE, is_synthetic, scripted, synthetic
from lockgate.vault import bins, providers
from lockgate.vault.cvc import LIFE_S, CvcMemory
from tests.vault.running import ACCOUNT, CARD, House, seal, vault_house

REAL = "4556737586899855"


@pytest.fixture
async def house(pool: asyncpg.Pool, secrets: dict[str, Any], tmp_path: Path) -> AsyncIterator[House]:
    async with vault_house(pool, secrets, tmp_path) as opened:
        yield opened


async def _sealed(house: House, number: str, *, livemode: bool, intent: str | None = None, **more: Any) -> Any:
    blob = seal(await house.gateway.seal_keys(), {**CARD, "number": number, **more})
    return await house.gateway.tokenize_sealed(ACCOUNT, livemode, blob, intent=intent)


async def test_a_token_is_described_and_belongs_to_its_account(house: House) -> None:
    made = await house.gateway.tokenize_test(ACCOUNT, CARD)
    assert made["token"].startswith("tok_v")
    described = await house.gateway.describe(ACCOUNT, made["token"])
    assert described == made
    assert {**described, "token": "", "alias": "", "fingerprint": ""} == {
        "token": "", "alias": "", "fingerprint": "", "brand": "visa", "bin": "424242", "last4": "4242",
        "exp_month": 12, "exp_year": 2040, "funding": "credit", "country": "US", "test_number": "visa", "has_cvc": True,
    }  # fmt: skip
    assert len(described["alias"]) == 16
    assert not luhn_valid(described["alias"])
    with pytest.raises(VaultRefused) as foreign:
        await house.gateway.describe("acct_other", made["token"])
    assert foreign.value.code == "not_found"


async def test_every_published_number_is_taken_in_test_mode_and_no_other(house: House) -> None:
    for number, card in BY_NUMBER.items():
        made = await house.gateway.tokenize_test(ACCOUNT, {**CARD, "number": number, "cvc": "123"})
        assert (made["brand"], made["country"], made["test_number"]) == (card.brand, card.country, card.name)
    for number in (REAL, synthetic(1)):
        with pytest.raises(VaultRefused) as refused:
            await house.gateway.tokenize_test(ACCOUNT, {**CARD, "number": number})
        assert refused.value.code == "refused"
        with pytest.raises(VaultRefused):
            await _sealed(house, number, livemode=False)
    assert await house.pool.fetchval("SELECT count(*) FROM vault.card") == len(BY_NUMBER)


async def test_live_mode_takes_synthetic_numbers_in_a_sandbox(house: House) -> None:
    assert (await _sealed(house, synthetic(7), livemode=True))["test_number"] is None
    for number in (REAL, CARD["number"]):
        with pytest.raises(VaultRefused):
            await _sealed(house, number, livemode=True)


async def test_production_takes_real_numbers_alone(pool: Any, tmp_path: Path) -> None:
    root = {"root": providers.new_passphrase_root("a long enough passphrase"), "passphrase": "a long enough passphrase"}
    async with vault_house(pool, root, tmp_path, profile="production") as house:
        with pytest.raises(VaultRefused):
            await house.gateway.tokenize_test(ACCOUNT, {**CARD, "number": scripted("visa", country="US", serial=1)})
        assert (await _sealed(house, REAL, livemode=True))["brand"] == "visa"
        for number in (synthetic(7), CARD["number"], "9999999999999995"):
            with pytest.raises(VaultRefused) as refused:
                await _sealed(house, number, livemode=True)
            assert refused.value.reason == "number_not_allowed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "4242 4242 4242 4242"}, "invalid_number"),
        ({"number": "\uff14" * 16}, "invalid_number"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_month": True}, "invalid_expiry_month"),
        ({"exp_year": 2001}, "invalid_expiry_year"),
        ({"exp_year": 40}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"),
        ({"cvc": "1234"}, "invalid_cvc"),
        ({"track2": "x"}, "invalid_number"),
    ],
)
async def test_what_is_wrong_with_a_card_is_said_without_a_digit(house: House, change: Any, reason: str) -> None:
    with pytest.raises(VaultRefused) as refused:
        await house.gateway.tokenize_test(ACCOUNT, CARD | change)
    assert (refused.value.code, refused.value.reason) == ("invalid_card", reason)
    assert not any(char.isdigit() for char in str(refused.value).replace("1 to 12", ""))


async def test_one_blob_gives_one_token_in_one_context(house: House) -> None:
    blob = seal(await house.gateway.seal_keys(), CARD)

    def tokenize(intent: str | None, *, livemode: bool = False) -> Any:
        return house.gateway.tokenize_sealed(ACCOUNT, livemode, blob, intent=intent)

    made = await asyncio.gather(*(tokenize("pi_1") for _ in range(20)))
    assert len({card["token"] for card in made}) == 1
    with pytest.raises(VaultRefused) as other:
        await tokenize("pi_2")
    assert other.value.code == "refused"
    with pytest.raises(VaultRefused) as foreign:
        await house.gateway.tokenize_sealed("acct_other", False, blob, intent="pi_1")
    assert foreign.value.code == "invalid_seal"
    await house.gateway.wipe_cvc(ACCOUNT, made[0]["token"])
    assert not (await tokenize("pi_1"))["has_cvc"], "a code that was used up does not come back"


async def test_provisional_tokens_end_and_committed_ones_stay(house: House) -> None:
    kept, dropped = [(await house.gateway.tokenize_test(ACCOUNT, CARD))["token"] for _ in range(2)]
    assert await house.gateway.commit_token(ACCOUNT, [kept, "tok_vnone"]) == [kept]
    assert await house.gateway.commit_token("acct_other", [dropped]) == []
    await house.pool.execute("UPDATE vault.card SET expires_ms = 1 WHERE expires_ms IS NOT NULL")
    with pytest.raises(VaultRefused) as expired:
        await house.gateway.describe(ACCOUNT, dropped)
    assert expired.value.code == "expired"
    assert await house.gateway.commit_token(ACCOUNT, [dropped]) == []
    assert await house.vault.cards.purge() == 1
    assert (await house.gateway.describe(ACCOUNT, kept))["token"] == kept


async def test_rotation_and_rewrap_leave_every_card_readable(house: House) -> None:
    token = (await house.gateway.tokenize_test(ACCOUNT, CARD))["token"]
    assert await house.admin.rotate(ACCOUNT) == 2
    while await house.admin.rewrap(100):
        pass
    row = await house.pool.fetchrow("SELECT * FROM vault.card WHERE token = $1", token)
    assert row is not None
    assert row["kek_version"] == 2
    assert (await house.vault.cards.open(ACCOUNT, row)).number == CARD["number"]


async def test_nothing_readable_is_stored(house: House) -> None:
    await house.gateway.tokenize_test(ACCOUNT, CARD)
    row = await house.pool.fetchrow("SELECT * FROM vault.card")
    assert row is not None
    assert CARD["number"] not in " ".join(str(value) for value in row.values())
    assert not any(CARD["number"].encode() in value for value in row.values() if isinstance(value, bytes))
    assert CARD["cvc"] not in [value for value in row.values() if isinstance(value, str)]


def test_codes_live_ten_minutes_for_one_intent() -> None:
    memory = CvcMemory()
    memory.keep("a", "t", "123", now=0)
    assert memory.use("b", "t", intent="pi_1", now=1) is None
    assert memory.use("a", "t", intent="pi_1", now=1) == "123"
    assert memory.use("a", "t", intent="pi_1", now=2) == "123"
    assert memory.use("a", "t", intent="pi_2", now=2) is None
    kept = memory._kept["a", "t"].value
    assert not memory.has("a", "t", now=LIFE_S)
    assert kept == bytearray(3), "overwritten, not only forgotten"
    assert "123" not in repr(memory._kept)


def test_the_published_and_the_synthetic_numbers_do_not_meet() -> None:
    assert all(luhn_valid(number) for number in BY_NUMBER)
    assert not any(is_synthetic(number) for number in BY_NUMBER)
    assert len(BY_NUMBER) == len(BY_NAME)
    assert all(number in BY_NUMBER for number in READY_MADE.values())
    for number in (synthetic(0), synthetic(999_999_999)):
        assert is_synthetic(number)
        assert card_ranges.card_like(number)
        assert log.mask(number) != number, "the sweeps see it as a card"


def test_brands_by_range_and_length() -> None:
    for card in BY_NUMBER.values():
        assert card_ranges.brand_of(card.number) == card.brand, card.name
    assert card_ranges.brand_of("4242424242424") == "visa"
    assert card_ranges.brand_of("42424242424242") == "unknown"
    assert card_ranges.brand_of("2720999999999996") == "mastercard"
    assert card_ranges.brand_of("2721000000000000") == "unknown"
    assert bins.issuer_of(REAL).country == "unknown"


async def test_a_sandbox_takes_scripted_numbers_in_test_mode(house: House) -> None:
    seen = set()
    for serial in range(3):
        number = scripted("charge_declined", country="DE", serial=serial)
        made = await house.gateway.tokenize_test(ACCOUNT, {**CARD, "number": number})
        assert (made["country"], made["test_number"], made["bin"]) == ("DE", None, "400055")
        seen.add(made["fingerprint"])
    assert len(seen) == 3
    with pytest.raises(ValueError, match="five digits"):
        scripted("visa", country="DE", serial=10**5)
