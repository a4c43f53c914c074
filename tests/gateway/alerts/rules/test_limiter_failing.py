"""The limiter's store is gone."""


async def test_it_is_the_operators_alert_once_an_hour(room):
    for _ in range(3):
        await room.happen("limits.degraded", outcome="failed", detail={"reason": "redis"})
    await room.judge()
    [alert] = await room.alerts()
    assert (alert["rule"], alert["account"], alert["count"]) == ("limiter_failing", "-", 3)
