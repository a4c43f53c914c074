"""What counts as one sender."""

from lockgate.kernel.source import source


def test_an_ipv6_subscriber_is_one_source():
    assert source("2001:db8::1") == source("2001:db8::ffff:1")
    assert source("2001:db8::1") != source("2001:db8:0:1::1")
    assert source("::ffff:192.0.2.1") == "192.0.2.1"
    assert source("192.0.2.1") == "192.0.2.1"
