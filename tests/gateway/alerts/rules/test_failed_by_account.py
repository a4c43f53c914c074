"""Five failures that name one account, from wherever they come."""

from tests.gateway.alerts.desk import ACCOUNT


async def test_five_from_five_addresses_fire_and_what_succeeds_or_names_nobody_does_not_count(room):
    for n in range(5):
        await room.happen("authentication.refused", address=f"198.51.100.{n}", account="-")
        await room.happen("person.sign_in", outcome="done", actor="person:per_1")
    await room.judge()
    assert await room.alerts("failed_authentications.account") == []
    for n in range(5):
        await room.happen("authentication.refused", address=f"198.51.100.{n}")
    await room.judge()
    [alert] = await room.alerts("failed_authentications.account")
    assert (alert["account"], alert["severity"], alert["count"]) == (ACCOUNT, "high", 5)
    assert await room.alerts("failed_authentications.address") == []
