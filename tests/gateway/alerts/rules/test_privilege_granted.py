"""Each grant by itself."""


async def test_two_grants_are_two_alerts_and_a_refused_one_is_none(room):
    await room.happen("role.create", outcome="done", object_="role_1", detail={"permissions": {"refunds": "write"}})
    await room.happen("api_key.create", outcome="done", object_="mk_1", detail={"permissions": {"refunds": "write"}})
    await room.happen("role.update", outcome="refused", object_="role_1")
    await room.judge()
    alerts = await room.alerts("privilege_granted")
    assert len(alerts) == 2 and all("refunds=write" in alert["summary"] for alert in alerts)
