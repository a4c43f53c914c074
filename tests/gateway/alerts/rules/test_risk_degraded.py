"""The engine that judges payments failed, and they are held for review."""


async def test_it_is_the_operators_alert_once_for_each_fault(room):
    for fault in ("late", "late", "velocity"):
        await room.happen("risk.degraded", outcome="failed", detail={"fault": fault})
    await room.judge()
    alerts = {alert["subject"]: alert for alert in await room.alerts()}
    assert set(alerts) == {"late", "velocity"}
    assert [(alert["rule"], alert["account"]) for alert in alerts.values()] == [("risk_degraded", "-")] * 2
    assert alerts["late"]["count"] == 2
