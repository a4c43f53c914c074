"""A passkey's counter that ran backwards."""


async def test_it_fires(room):
    await room.happen("passkey.cloned", actor="person:per_1", object_="pky_1")
    await room.judge()
    [alert] = await room.alerts("passkey_cloned")
    assert alert["subject"] == "pky_1" and alert["severity"] == "critical"
