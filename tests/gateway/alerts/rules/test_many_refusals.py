"""An address whose refusals are only counted any more."""


async def test_a_summary_of_refusals_fires_once_an_hour_for_its_address(room):
    detail = {"count": 400, "actions": ["authentication.refused", "object.not_found"]}
    for _ in range(2):
        await room.happen("refusals.counted", account="-", actor="internal:witness", detail=detail)
    await room.judge()
    [alert] = await room.alerts()
    assert (alert["rule"], alert["account"], alert["subject"]) == ("many_refusals", "-", "203.0.113.7")
    assert "400" in alert["summary"] and "object.not_found" in alert["summary"]
