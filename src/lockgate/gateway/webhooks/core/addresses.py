"""Which addresses a webhook may be sent to: public unicast ones only, however they are written or wrapped."""

import ipaddress

# Each carries an IPv4 address in its last 32 bits (RFC 4291 mapped, RFC 6052 NAT64): that one is judged.
_WRAPPING = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))
# Not caught by ``is_global`` in every Python: Teredo, 6to4 and its relays, local-use NAT64, documentation.
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(net)
    for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "64:ff9b:1::/48")
)
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(net) for net in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15")
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")


def is_public(address: str) -> bool:
    """Whether ``address`` is a public unicast address. Private, loopback, link-local, metadata, multicast: no."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in net for net in _WRAPPING):
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip not in _GLOBAL_V6 or any(ip in net for net in _REFUSED_V6):
            return False
    if isinstance(ip, ipaddress.IPv4Address) and any(ip in net for net in _REFUSED_V4):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified
