"""Personal fields open for their person alone, and for nobody once that person's key is gone."""

from typing import Any

import pytest

from lockgate.gateway.vaultlink.client import VaultRefused
from lockgate.gateway.vaultlink.personal import KEPT_S, PersonalBox, Tampered
from lockgate.kernel import clock


class Keys:
    """The vault's data keys, as far as the box asks for them."""

    def __init__(self) -> None:
        self.asked = 0
        self.shredded: set[str] = set()

    async def data_key(self, account: str, purpose: str, *, subject: str) -> tuple[bytes, str]:
        self.asked += 1
        if subject in self.shredded:
            raise VaultRefused("gone", "shredded", reason=None)
        return f"{account}{purpose}{subject}".encode().ljust(32, b"-")[:32], "dk_1"


def _box() -> tuple[PersonalBox, Keys]:
    keys = Keys()
    return PersonalBox(keys), keys  # type: ignore[arg-type]


async def test_fields_come_back_and_the_key_is_asked_for_once() -> None:
    box, keys = _box()
    fields = {"email": "ä@example.com", "address": {"line1": None}}
    sealed = await box.seal("acct_1", "cus_1", fields)
    assert sealed is not None
    assert b"example" not in sealed
    assert await box.open("acct_1", "cus_1", sealed) == fields
    assert await box.seal("acct_1", "cus_1", fields) != sealed
    assert keys.asked == 1
    assert await box.open("acct_1", "cus_1", None) == {}


async def test_a_value_in_anothers_place_or_altered_is_refused() -> None:
    box, _keys = _box()
    sealed = await box.seal("acct_1", "cus_1", {"a": 1}) or b""
    for account, subject in (("acct_1", "cus_2"), ("acct_2", "cus_1")):
        with pytest.raises(Tampered):
            await box.open(account, subject, sealed)
    for place in range(len(sealed)):
        bent = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(Tampered):
            await box.open("acct_1", "cus_1", bent)
    with pytest.raises(Tampered):
        await box.open("acct_1", "cus_1", b"")


async def test_after_a_shredding_nothing_is_sealed_nor_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    box, keys = _box()
    sealed = await box.seal("acct_1", "cus_1", {"a": 1})
    keys.shredded.add("cus_1")
    later = clock.monotonic() + KEPT_S
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert await box.open("acct_1", "cus_1", sealed) == {}, "five minutes later at the latest"
    assert await box.seal("acct_1", "cus_1", {"a": 1}) is None


async def test_equal_values_have_equal_indexes_within_one_field_of_one_account() -> None:
    box, _keys = _box()
    indexes: list[Any] = [
        await box.blind_index("acct_1", "email", "a@example.com"),
        await box.blind_index("acct_1", "email", "b@example.com"),
        await box.blind_index("acct_2", "email", "a@example.com"),
        await box.blind_index("acct_1", "phone", "a@example.com"),
    ]
    assert len(set(indexes)) == 4
    assert await box.blind_index("acct_1", "email", "a@example.com") == indexes[0]


async def test_keys_are_dropped_least_used_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockgate.gateway.vaultlink.personal._MOST_KEYS", 2)
    box, keys = _box()
    for subject in ("cus_1", "cus_2", "cus_1", "cus_3", "cus_1"):
        await box.key("acct_1", "personal", subject)
    assert keys.asked == 3
    await box.key("acct_1", "personal", "cus_2")
    assert keys.asked == 4
