"""A key that was found in the open."""


async def test_a_report_fires(room):
    await room.happen("key.leaked", outcome="done", object_="mk_1")
    await room.judge()
    [alert] = await room.alerts()
    assert (alert["rule"], alert["subject"], alert["severity"]) == ("key_leaked", "mk_1", "critical")
