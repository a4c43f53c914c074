"""A secret key that a browser sent, or that stood in a URL."""


async def test_each_key_is_told_of_once_a_day(room):
    for _ in range(3):
        await room.happen("key.in_browser", actor="secret:mk_1")
        await room.happen("key.in_query")
    await room.judge()
    alerts = await room.alerts()
    assert [(alert["rule"], alert["severity"], alert["count"]) for alert in alerts] == [
        ("key_in_browser", "critical", 3)
    ] * 2
