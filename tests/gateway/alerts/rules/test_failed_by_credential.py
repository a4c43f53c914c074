"""Five failures as one person or with one known key."""

import pytest

from tests.gateway.alerts.desk import pairs


@pytest.mark.parametrize("actor", ["person:per_1", "internal:mk_expired"])
async def test_five_as_one_fire_and_five_as_strangers_do_not(room, actor):
    for n in range(5):
        await room.happen("authentication.refused", address=f"198.51.100.{n}")
    await room.judge()
    assert await room.alerts("failed_authentications.credential") == []
    for n in range(5):
        await room.happen("authentication.refused", address=f"198.51.100.{n}", actor=actor)
    await room.judge()
    assert pairs(await room.alerts("failed_authentications.credential")) == [
        ("failed_authentications.credential", actor)
    ]


async def test_a_key_that_nobody_knows_is_told_by_its_mark(room):
    for n in range(5):
        await room.happen("authentication.refused", address=f"198.51.100.{n}", object_="credential_0011223344556677")
    await room.judge()
    assert pairs(await room.alerts("failed_authentications.credential")) == [
        ("failed_authentications.credential", "credential_0011223344556677")
    ]


async def test_a_browser_whose_own_session_is_over_is_no_attack(room):
    for reason, alerts in (("session_over", 0), ("unknown_token", 1)):
        for _ in range(5):
            await room.happen("session.refused", address="198.51.100.9", detail={"reason": reason})
        await room.judge()
        assert len(await room.alerts("failed_authentications.address")) == alerts
