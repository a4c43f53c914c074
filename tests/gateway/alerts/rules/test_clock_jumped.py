"""A clock that jumps, or differs from the database's, as the audit room's watch says it."""


async def test_each_kind_of_difference_is_the_operators_alert(room):
    for what in ("jump", "database", "jump"):
        await room.happen("clock.jumped", account="-", outcome="alarm", detail={"what": what, "by_ms": 9000})
    await room.judge()
    alerts = await room.alerts()
    assert [(alert["rule"], alert["subject"], alert["count"]) for alert in alerts] == [
        ("clock_jumped", "jump", 2),
        ("clock_jumped", "database", 1),
    ]
