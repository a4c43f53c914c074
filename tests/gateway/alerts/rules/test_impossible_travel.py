"""Two uses between which nobody travels so fast."""

import pytest

from tests.gateway.alerts.desk import START


async def used(room, address, minutes, *, actor="person:per_1"):
    await room.happen("request.seen", actor=actor, address=address, outcome="done", at_ms=START + minutes * 60_000)
    await room.judge()


async def test_london_and_new_york_within_an_hour_fire_once_and_the_way_back_does_not(room):
    for minutes, address in enumerate(("192.0.2.1", "192.0.2.4", "192.0.2.1", "192.0.2.4")):
        await used(room, address, minutes * 60)
    [alert] = await room.alerts("impossible_travel")
    assert alert["severity"] == "high" and "New" not in alert["summary"] and "US" in alert["summary"]


@pytest.mark.parametrize(
    ("address", "minutes", "fires"),
    [
        ("192.0.2.2", 1, False),  # less than 300 km apart
        ("192.0.2.3", 20, True),  # 304 km in 20 minutes, what both may be off by taken away
        ("192.0.2.3", 21, False),
        ("192.0.2.4", 360, True),
        ("192.0.2.4", 372, False),  # 5530 km in 6.2 hours
        ("192.0.2.5", 1, False),  # no coordinates
        ("10.0.0.1", 1, False),
    ],
)
async def test_at_the_border_of_what_an_airliner_can_do(room, address, minutes, fires):
    await used(room, "192.0.2.1", 0, actor="secret:mk_1")
    await used(room, address, minutes, actor="secret:mk_1")
    assert bool(await room.alerts("impossible_travel")) == fires


async def test_two_people_are_two_travellers(room):
    await used(room, "192.0.2.1", 0)
    await used(room, "192.0.2.4", 1, actor="person:per_2")
    assert await room.alerts("impossible_travel") == []


async def test_both_uses_in_one_page_are_seen_in_order(room):
    for minutes, address in ((0, "192.0.2.1"), (30, "192.0.2.4")):
        await room.happen(
            "request.seen", actor="secret:mk_1", address=address, outcome="done", at_ms=START + minutes * 60_000
        )
    await room.judge()
    assert len(await room.alerts("impossible_travel")) == 1
