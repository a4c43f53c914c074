"""Mail that was given up."""


async def test_it_is_told_by_its_reason(room):
    for _ in range(2):
        await room.happen("mail.failed", account="-", outcome="failed", detail={"kind": "alert", "reason": "timeout"})
    await room.judge()
    [alert] = await room.alerts()
    assert (alert["subject"], alert["account"]) == ("timeout", "-")
