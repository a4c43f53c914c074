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
