"""Once at 30 days, once at 14, once at 7."""


async def test_each_step_is_told_once_however_often_the_clock_says_it(room):
    for days in (31, 30, 30, 14, 14, 7, 7):
        await room.happen("certificate.expiring", outcome="done", object_="cert_1", detail={"within_days": days})
        await room.judge()
    assert [alert["subject"] for alert in await room.alerts()] == ["cert_1 30", "cert_1 14", "cert_1 7"]
