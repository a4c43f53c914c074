"""A review that is due."""


async def test_a_due_review_fires_once_a_week_at_most(room):
    for _ in range(3):
        await room.happen("access_review.due", outcome="done", object_="rev_1")
    await room.judge()
    [alert] = await room.alerts()
    assert (alert["rule"], alert["count"]) == ("access_review_due", 3)
