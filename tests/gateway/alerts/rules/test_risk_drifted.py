"""What is scored has moved away from what the model learnt."""


async def test_it_is_the_account_s_alert_and_names_what_moved(room):
    await room.happen("risk.drift", object_="rmdl_1", detail={"day": "2026-01-01", "moved": {"log_amount": 0.4}})
    await room.judge()
    [alert] = await room.alerts()
    assert alert["rule"] == "risk_drifted"
    assert "log_amount" in alert["summary"]
