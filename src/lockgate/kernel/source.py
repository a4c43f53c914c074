"""What an address says of a sender or a listener: whom to count it as, and whether it leaves this machine. Pure."""

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


def source(address: str) -> str:
    """What one sender is: an IPv4 address, or an IPv6 network of 64 bits, for one subscriber has all of it."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    assert isinstance(parsed, IPv6Address), "only IPv6 has colons"
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{parsed.packed[:8].hex()}/64"


def read_address(text: str) -> Address | None:
    """An IPv4 or IPv6 address, IPv4 in IPv6 as what it is; None for anything else, zones included."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return None if found.scope_id is not None else found.ipv4_mapped or found
    return found


def is_loopback(host: str) -> bool:
    """Whether ``host``, an address or ``localhost``, can be reached from this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
