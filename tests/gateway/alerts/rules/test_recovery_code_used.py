"""Somebody used a recovery code."""


async def test_what_was_refused_does_not_fire(room):
    await room.happen("recovery_code.use", actor="person:per_1", outcome="refused")
    await room.judge()
    assert await room.alerts("recovery_code_used") == []
    await room.happen("recovery_code.use", actor="person:per_1", outcome="done")
    await room.judge()
    assert [alert["subject"] for alert in await room.alerts("recovery_code_used")] == ["person:per_1"]
