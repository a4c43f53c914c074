"""Whose address counts: what a client writes into headers changes nothing, whatever it writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.web.addresses import Clients, of_settings
from lockgate.kernel.config import ConfigError

NETWORKS = ["10.0.0.0/8", "192.0.2.10/32", "fd00::/8"]
XFF = of_settings({"networks": NETWORKS, "header": "X-Forwarded-For"})
FORWARDED = of_settings({"networks": NETWORKS, "header": "Forwarded"})
NONE = of_settings({"networks": NETWORKS, "header": "none"})
PROXY, CLIENT = "10.0.0.1", "203.0.113.7"


def seen(clients, peer, *pairs):
    return clients.address(peer, [(name.encode(), value.encode("latin-1")) for name, value in pairs])


XF, FW = "x-forwarded-for", "forwarded"
TRICKS = [
    # What a stranger's own connection says of itself is nothing.
    ("a stranger writes the header", XFF, CLIENT, [(XF, "10.0.0.9")], CLIENT),
    ("a stranger writes them all", XFF, CLIENT, [(XF, "1.1.1.1"), (FW, "for=1.1.1.1"), ("x-real-ip", "::1")], CLIENT),
    ("nobody is trusted", Clients(), PROXY, [(XF, "1.1.1.1")], PROXY),
    ("no header is believed", NONE, PROXY, [(XF, "1.1.1.1"), (FW, "for=1.1.1.1")], PROXY),
    # Behind a proxy the rightmost untrusted hop is the client; left of it is hearsay.
    ("one hop", XFF, PROXY, [(XF, CLIENT)], CLIENT),
    ("the client writes a hop before its own", XFF, PROXY, [(XF, f"127.0.0.1, {CLIENT}")], CLIENT),
    ("the client claims to be a proxy", XFF, PROXY, [(XF, f"1.1.1.1, 10.9.9.9, {CLIENT}")], CLIENT),
    ("two proxies", XFF, PROXY, [(XF, f"1.1.1.1, {CLIENT}, 10.0.0.2")], CLIENT),
    ("many headers are one list", XFF, PROXY, [(XF, "1.1.1.1"), ("x-other", "2.2.2.2"), (XF, CLIENT)], CLIENT),
    ("the last of many is a proxy's", XFF, PROXY, [(XF, CLIENT), (XF, "10.0.0.2")], CLIENT),
    ("headers that are not the configured one", XFF, PROXY, [
        ("x-real-ip", "1.1.1.1"), ("x-client-ip", "1.1.1.1"), ("true-client-ip", "1.1.1.1"), (FW, "for=1.1.1.1"),
        ("cf-connecting-ip", "1.1.1.1"), ("x-forwarded", "for=1.1.1.1"), ("x_forwarded_for", "1.1.1.1"),
        ("x-cluster-client-ip", "1.1.1.1"), ("via", "1.1.1.1"), ("x-forwarded-host", "1.1.1.1"), (XF, CLIENT),
    ], CLIENT),
    # Forms of an address.
    ("a port", XFF, PROXY, [(XF, f"{CLIENT}:4711")], CLIENT),
    ("IPv6", XFF, PROXY, [(XF, "2001:DB8:0::1")], "2001:db8::1"),
    ("IPv6 in brackets with a port", XFF, PROXY, [(XF, "[2001:db8::1]:4711")], "2001:db8::1"),
    ("IPv4 in IPv6", XFF, PROXY, [(XF, f"::ffff:{CLIENT}")], CLIENT),
    ("a proxy over IPv6", XFF, "fd00::1", [(XF, CLIENT)], CLIENT),
    ("a proxy as IPv4 in IPv6", XFF, "::ffff:10.0.0.1", [(XF, CLIENT)], CLIENT),
    ("a stranger as IPv4 in IPv6", XFF, f"::ffff:{CLIENT}", [(XF, "1.1.1.1")], CLIENT),
    # What cannot be read ends the walk at the last hop that is known.
    ("garbage", XFF, PROXY, [(XF, "1.1.1.1, garbage")], PROXY),
    ("garbage behind a proxy", XFF, PROXY, [(XF, "1.1.1.1, <script>, 10.0.0.2")], "10.0.0.2"),
    ("an empty hop", XFF, PROXY, [(XF, f"{CLIENT},")], PROXY),
    ("an empty header", XFF, PROXY, [(XF, "")], PROXY),
    ("no header", XFF, PROXY, [], PROXY),
    ("octal", XFF, PROXY, [(XF, "0177.0.0.1")], PROXY),
    ("a number", XFF, PROXY, [(XF, "2130706433")], PROXY),
    ("a zone", XFF, PROXY, [(XF, "fe80::1%eth0")], PROXY),
    ("an impossible port", XFF, PROXY, [(XF, f"{CLIENT}:999999")], PROXY),
    ("a port of other digits", XFF, PROXY, [(XF, f"{CLIENT}:\u00b2\u00b3")], PROXY),
    ("brackets that do not close", XFF, PROXY, [(XF, "[2001:db8::1")], PROXY),
    ("brackets round IPv4", XFF, PROXY, [(XF, f"[{CLIENT}]")], PROXY),
    ("only proxies", XFF, PROXY, [(XF, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
    ("a newline in a value", XFF, PROXY, [(XF, f"1.1.1.1\n{CLIENT}")], PROXY),
    # RFC 7239.
    ("Forwarded", FORWARDED, PROXY, [(FW, f"for={CLIENT};proto=https;by=10.0.0.1")], CLIENT),
    ("Forwarded with XFF beside", FORWARDED, PROXY, [(XF, "1.1.1.1"), (FW, f"for={CLIENT}")], CLIENT),
    ("Forwarded, quoted IPv6 with a port", FORWARDED, PROXY, [(FW, 'For="[2001:db8::1]:4711"')], "2001:db8::1"),
    ("Forwarded, IPv6 without quotes", FORWARDED, PROXY, [(FW, "for=[2001:db8::1]")], PROXY),
    ("Forwarded, a hidden node", FORWARDED, PROXY, [(FW, "for=1.1.1.1, for=_hidden")], PROXY),
    ("Forwarded, an unknown node", FORWARDED, PROXY, [(FW, "for=1.1.1.1, for=unknown")], PROXY),
    ("Forwarded without for", FORWARDED, PROXY, [(FW, "for=1.1.1.1, proto=https")], PROXY),
    ("Forwarded with two for", FORWARDED, PROXY, [(FW, f"for=1.1.1.1;for={CLIENT}")], PROXY),
    ("a client opens a quote", FORWARDED, PROXY, [(FW, f'for="1.1.1.1, for={CLIENT}')], CLIENT),
    ("a client opens a quote in its own line", FORWARDED, PROXY, [(FW, 'for="1.1.1.1'), (FW, f"for={CLIENT}")], CLIENT),
    ("a comma in quotes", FORWARDED, PROXY, [(FW, f'for=1.1.1.1, for={CLIENT};host="a,b"')], CLIENT),
    ("an escape in quotes", FORWARDED, PROXY, [(FW, 'for="1.1.1\\.1"')], PROXY),
    ("Forwarded in two headers", FORWARDED, PROXY, [(FW, "for=1.1.1.1"), (FW, f"for={CLIENT}")], CLIENT),
    # A certificate in a header is a header.
    ("a proxy's word on certificates", XFF, PROXY, [("x-ssl-client-cert", "-----BEGIN"), (XF, CLIENT)], CLIENT),
]  # fmt: skip


@pytest.mark.parametrize(("clients", "peer", "pairs", "expected"), [t[1:] for t in TRICKS], ids=[t[0] for t in TRICKS])
def test_tricks_with_headers(clients, peer, pairs, expected):
    assert seen(clients, peer, *pairs) == expected


def test_there_are_more_than_twenty_tricks():
    assert len(TRICKS) > 20


@given(st.lists(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60), max_size=5))
def test_nothing_that_a_client_writes_before_its_proxy_changes_its_address(written):
    pairs = [(XF, text) for text in written]
    assert seen(XFF, PROXY, *pairs, (XF, CLIENT)) == CLIENT
    pairs = [(FW, text) for text in written]
    assert seen(FORWARDED, PROXY, *pairs, (FW, f"for={CLIENT}")) == CLIENT


@given(st.lists(st.tuples(st.sampled_from([XF, FW, "x-real-ip", "x-client-ip"]), st.just("10.0.0.1")), max_size=8))
def test_a_stranger_is_who_it_is(pairs):
    for clients in (XFF, FORWARDED, NONE, Clients()):
        assert seen(clients, CLIENT, *pairs) == CLIENT


def test_a_long_chain_is_not_followed_for_ever():
    assert seen(XFF, PROXY, (XF, ",".join(["10.0.0.1"] * 5_000))) == PROXY


@pytest.mark.parametrize(
    "settings",
    [
        {"networks": ["0.0.0.0/0"], "header": "X-Forwarded-For"},
        {"networks": ["::/0"], "header": "X-Forwarded-For"},
        {"networks": ["10.0.0.1/8"], "header": "X-Forwarded-For"},
        {"networks": ["proxy.example"], "header": "X-Forwarded-For"},
        {"networks": [7], "header": "X-Forwarded-For"},
        {"networks": "10.0.0.0/8", "header": "X-Forwarded-For"},
        {"networks": ["10.0.0.0/8"], "header": "X-Real-IP"},
        {"networks": ["10.0.0.0/8"]},
        {"networks": ["10.0.0.0/8"], "header": "none", "trust": "all"},
    ],
)
def test_settings_that_would_trust_strangers_are_refused(settings):
    with pytest.raises(ConfigError):
        of_settings(settings)


def test_without_settings_nobody_is_trusted():
    assert of_settings(None) == of_settings({}) == Clients()
