"""A route that takes no alerts."""


async def test_it_fires_for_each_route(room):
    for route in ("alrr_1", "alrr_2", "alrr_1"):
        await room.happen("alert_route.failing", outcome="failed", object_=route, detail={"reason": "refused"})
    await room.judge()
    assert [alert["subject"] for alert in await room.alerts()] == ["alrr_1", "alrr_2"]
