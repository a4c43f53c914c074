"""A hundred failures that are spread over addresses and accounts."""

from tests.gateway.alerts.desk import START


async def test_a_hundred_fire_and_ninety_nine_do_not(room):
    for n in range(99):
        await room.happen("authentication.refused", at_ms=START + 500 * n, account="-", address=f"198.51.100.{n}")
    await room.judge()
    assert await room.rules() == []
    await room.happen("authentication.refused", at_ms=START + 49_500, account="-", address="203.0.113.9")
    await room.judge()
    assert await room.rules() == ["failed_authentications.overall"]
