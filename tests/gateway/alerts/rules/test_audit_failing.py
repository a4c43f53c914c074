"""The log falls behind, or does not hold."""


async def test_behind_and_broken_are_two_alerts(room):
    for action in ("audit.seal_behind", "audit.broken", "audit.seal_behind"):
        await room.happen(action, outcome="failed", account="-")
    await room.judge()
    assert [(alert["subject"], alert["severity"]) for alert in await room.alerts()] == [
        ("audit.seal_behind", "critical"), ("audit.broken", "critical"),
    ]  # fmt: skip
