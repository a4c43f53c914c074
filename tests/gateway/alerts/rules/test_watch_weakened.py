"""Whoever weakens the watch is told of, each time."""


async def test_each_change_is_an_alert(room):
    for action in ("alert_silence.create", "alert_rule.update", "alert_route.delete"):
        await room.happen(action, outcome="done", actor="person:per_1")
    await room.judge()
    assert len(await room.alerts("watch_weakened")) == 3
