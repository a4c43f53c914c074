"""The compact file of addresses and countries: written, read back, and refused when it is damaged."""

from array import array
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from lockgate.gateway.geography import shipped
from lockgate.gateway.geography.core.ranges import BadTable, read, write


def a_file():
    four = array("I", [0, int(IPv4Address("192.0.2.0")), int(IPv4Address("192.0.3.0"))])
    six = array("Q", [0, int(IPv6Address("2001:db8::")) >> 64, int(IPv6Address("2001:db9::")) >> 64])
    return write({"name": "Test", "date": "2026-01-01"}, [(four, ["", "DE", ""]), (six, ["", "FR", ""])])


def test_a_range_begins_and_ends_to_the_address():
    table = read(a_file())
    assert table.edition == {"name": "Test", "date": "2026-01-01"}
    countries = {
        "192.0.1.255": None, "192.0.2.0": "DE", "192.0.2.255": "DE", "192.0.3.0": None, "0.0.0.0": None,
        "255.255.255.255": None, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff": None, "2001:db8::": "FR",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff": "FR", "2001:db9::": None, "::ffff:192.0.2.7": "DE",
    }  # fmt: skip
    assert {address: table.country(ip_address(address)) for address in countries} == countries


def test_a_damaged_file_is_refused():
    whole = a_file()
    for broken in (b"", b"XXXX", whole[:-9], whole[:20], b"LGC2" + whole[4:], whole[:30] + b"\0" + whole[31:]):
        with pytest.raises(BadTable):
            read(broken)


def test_the_shipped_table_knows_networks_whose_country_is_beyond_doubt():
    table = shipped.country_ranges()
    for address, country in {
        "8.8.8.8": "US", "133.11.0.1": "JP", "141.76.1.1": "DE", "200.160.0.1": "BR", "193.0.6.139": "NL",
        "2001:200::1": "JP", "2a02:2e0::1": "DE", "196.25.1.1": "ZA",
    }.items():  # fmt: skip
        assert table.country(ip_address(address)) == country, address
    for private in ("10.0.0.1", "192.168.1.1", "127.0.0.1", "203.0.113.9", "fe80::1", "fd00::1", "2001:db8::1"):
        assert table.country(ip_address(private)) is None, private
