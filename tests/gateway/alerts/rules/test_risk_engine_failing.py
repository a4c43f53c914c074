"""An outside engine fails: its account is told, once an hour for each engine."""


async def test_each_engine_that_fails_is_told_of_and_one_that_is_back_is_not(room):
    detail = {"name": "Third party", "fault": "timeout", "on_failure": "review"}
    for engine in ("reng_1", "reng_1", "reng_2"):
        await room.happen("risk_engine.failing", object_=engine, detail=detail)
    await room.happen("risk_engine.recovered", object_="reng_3", detail=detail)
    await room.judge()
    alerts = {alert["subject"]: alert for alert in await room.alerts()}
    assert {subject: alert["rule"] for subject, alert in alerts.items()} == {
        "reng_1": "risk_engine_failing", "reng_2": "risk_engine_failing",
    }  # fmt: skip
    assert "timeout" in alerts["reng_1"]["summary"] and alerts["reng_1"]["count"] == 2
