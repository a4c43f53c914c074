"""What a payment is counted by, each in the one form that its keyed hash is made of. Pure."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network

_OF: Mapping[str, str] = {
    "card": "card_fingerprint", "customer": "customer", "ip": "ip_address", "device": "device", "email": "email",
    "bin": "card_bin",
}  # fmt: skip
_ONE_HOME = 64
"""An IPv6 line has at least 2^64 addresses of its own: whoever turns through them is still one."""


def keyed(values: Mapping[str, str]) -> dict[str, str]:
    """Kind -> value, of those that the payment has. ``values`` is by attribute (`facts.listed`)."""
    found = {kind: values[name] for kind, name in _OF.items() if values.get(name)}
    if "email" in found:
        found["email"] = found["email"].strip().lower()
    if "ip" in found:
        address = counted_address(found.pop("ip"))
        if address is not None:
            found["ip"] = address
    return found


def counted_address(text: str) -> str | None:
    """An address as it is counted: IPv6 by its /64; None for what is no address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((address, _ONE_HOME), strict=False))
        address = address.ipv4_mapped
    return str(address)
