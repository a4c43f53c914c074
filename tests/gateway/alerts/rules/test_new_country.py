"""A person or key in a country where it has never been."""

import pytest

from tests.gateway.alerts.desk import ACCOUNT


async def used(room, address, *, actor="person:per_1", outcome="done"):
    room.now_ms += 24 * 3_600_000  # a day between: nobody travels impossibly
    await room.happen("request.seen", actor=actor, address=address, outcome=outcome)
    await room.judge()


@pytest.mark.parametrize("actor", ["person:per_1", "secret:mk_1", "restricted:mk_2"])
async def test_a_second_country_fires_and_the_first_one_and_a_return_do_not(room, actor):
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1", "192.0.2.5"):
        await used(room, address, actor=actor)
    [alert] = await room.alerts("new_country")
    assert alert["subject"] == f"{actor} FR" and "GB" in alert["summary"] and alert["account"] == ACCOUNT


async def test_unknown_places_failures_and_shoppers_keys_teach_and_tell_nothing(room):
    await used(room, "192.0.2.1")
    await used(room, "10.0.0.7")
    await used(room, "192.0.2.4", outcome="refused")
    for address in ("192.0.2.1", "192.0.2.4"):
        await used(room, address, actor="publishable:mk_3")
    assert await room.alerts("new_country") == []
    await used(room, "192.0.2.4")
    assert len(await room.alerts("new_country")) == 1
