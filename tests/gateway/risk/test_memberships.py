"""In which value lists a payment's values stand, against a real database and a plain reading of the lists."""

import hmac
from ipaddress import ip_address, ip_network

import pytest_asyncio

from lockgate.gateway.risk.memberships import Lists
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.commit import Committer
from tests.gateway.customers.desk import MemoryBox, pool_as
from tests.gateway.risk.desk import ACCOUNT, LIVE, STRANGER, Desk

VALUES = {
    "ip_address": "203.0.113.77",
    "email": "Some.Body@Example.com",
    "email_domain": "example.com",
    "card_country": "DE",
    "ip_country": "FR",
    "card_bin": "424242",
    "customer": "cus_9s6XKzkNRiz8i3",
}


class HashingBox(MemoryBox):
    """Hashes as the real one does, and counts how often it is asked."""

    asked = 0

    async def blind_index(self, account, name, value):
        self.asked += 1
        return hmac.digest(account.encode(), f"{name}\0{value}".encode(), "sha256")[:16]


@pytest_asyncio.fixture
async def shop(database):
    async with pool_as(database, "gateway") as pool:
        committer = Committer(pool)
        yield Desk(Ports(pool, committer, HashingBox(), lambda: None))
        await committer.close()


async def a_list(shop, alias, item_type, *values, who=None):
    more = {} if who is None else {"who": who}
    made = await shop.do("value_list.create", alias=alias, name=alias, item_type=item_type, **more)
    for value in values:
        await shop.do("value_list_item.create", value_list=made["id"], value=value, **more)
    return made["id"]


async def members(shop, lists, **changed):
    _, found = await lists.find(shop.ports.pool, ACCOUNT, False, values={**VALUES, **changed})
    return {attribute: sorted(aliases) for attribute, aliases in found.items() if aliases}


async def test_values_are_found_by_their_own_type_by_text_and_by_range(shop):
    lists = Lists(shop.ports.box)
    assert await members(shop, lists) == {}
    _, nothing = await lists.find(shop.ports.pool, ACCOUNT, False, values=VALUES)
    assert set(nothing) == set(VALUES), "known, in no list"
    assert shop.ports.box.asked == 0, "an account without lists costs no hash"
    blocked = await a_list(shop, "blocked_ip", "ip_address", "203.0.113.0/24", "198.51.100.9")
    assert await members(shop, lists) == {"ip_address": ["blocked_ip"]}, "a list made just now counts at once"
    await a_list(shop, "eu", "country", "de", "fr")
    await a_list(shop, "mails", "email", "some.body@example.COM")
    await a_list(shop, "words", "string", "EXAMPLE.com", "424242")
    await a_list(shop, "exact", "case_sensitive_string", "Example.com", "DE")
    await a_list(shop, "six", "ip_address", "2001:db8::/32")
    assert await members(shop, lists) == {
        "ip_address": ["blocked_ip"],
        "card_country": ["eu", "exact"],
        "ip_country": ["eu"],
        "email": ["mails"],
        "email_domain": ["words"],
        "card_bin": ["words"],
    }
    assert (await members(shop, lists, ip_address="2001:db8:7::1"))["ip_address"] == ["six"]
    assert (await members(shop, lists, ip_address="::ffff:198.51.100.9"))["ip_address"] == ["blocked_ip"]
    assert "ip_address" not in await members(shop, lists, ip_address="203.0.114.77")
    [item, *_] = (await shop.do("value_list_item.list", value_list=blocked, value="203.0.113.0/24"))["data"]
    await shop.do("value_list_item.delete", item=item["id"])
    assert "ip_address" not in await members(shop, lists), "and what was taken out counts no more"
    await shop.do("value_list.delete", value_list=blocked)
    assert "ip_address" not in await members(shop, lists, ip_address="198.51.100.9")


async def test_other_modes_and_accounts_have_lists_of_their_own(shop):
    await a_list(shop, "live_only", "ip_address", "203.0.113.0/24", who=LIVE)
    await a_list(shop, "theirs", "ip_address", "203.0.113.0/24", who=STRANGER)
    lists = Lists(shop.ports.box)
    assert await members(shop, lists) == {}
    _, found = await lists.find(shop.ports.pool, ACCOUNT, True, values=VALUES)
    assert found["ip_address"] == ["live_only"]


async def test_ranges_of_every_length_agree_with_the_standard_library(shop):
    ranges = ["0.0.0.0/1", "203.0.112.0/20", "203.0.113.64/26", "203.0.113.76/31", "203.0.113.80/28", "2001:db8::/33",
              "2001:db8:8000::/33", "2001:db8::1/128", "::/3", "ff00::/8"]  # fmt: skip
    for number, range_ in enumerate(ranges):
        await a_list(shop, f"r{number}", "ip_address", range_)
    lists = Lists(shop.ports.box)
    for address in ("203.0.113.77", "203.0.113.81", "9.9.9.9", "2001:db8::1", "2001:db8:9000::", "ff02::1", "fe80::1"):
        expected = [f"r{number}" for number, range_ in enumerate(ranges) if ip_address(address) in ip_network(range_)]
        assert (await members(shop, lists, ip_address=address)).get("ip_address", []) == expected, address


async def test_a_second_process_sees_what_the_first_did_not_know(shop):
    one, other = Lists(shop.ports.box), Lists(shop.ports.box)
    assert await members(shop, one) == await members(shop, other) == {}
    await a_list(shop, "narrow", "ip_address", "203.0.113.77/32")
    await a_list(shop, "wide", "ip_address", "203.0.0.0/16")
    for lists in (one, other, Lists(shop.ports.box)):
        assert await members(shop, lists) == {"ip_address": ["narrow", "wide"]}


