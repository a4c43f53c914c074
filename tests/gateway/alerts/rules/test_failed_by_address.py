"""Five failures from one address, told to the operator alone."""

from tests.gateway.alerts.desk import ACCOUNT


async def test_five_from_one_ipv6_network_fire_whatever_accounts_they_name(room):
    for n in range(5):
        await room.happen("authentication.refused", address=f"2001:db8:1:2::{n}", account="-" if n % 2 else ACCOUNT)
    await room.judge()
    [alert] = await room.alerts()
    assert (alert["rule"], alert["account"]) == ("failed_authentications.address", "-")
