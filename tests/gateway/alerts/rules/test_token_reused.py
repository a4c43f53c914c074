"""A refresh token or code that came twice."""


async def test_reuse_in_a_session_or_a_grant_fires(room):
    await room.happen("session.reused", actor="person:per_1", object_="ses_1")
    await room.happen("token.reuse", actor="app:ca_1", object_="grt_1")
    await room.happen("code.reuse", actor="app:ca_1", object_="grt_2")
    await room.judge()
    assert [alert["subject"] for alert in await room.alerts("token_reused")] == ["ses_1", "grt_1", "grt_2"]
