"""From where a credential may be used: networks, whom a rule is about, and whether an address satisfies it. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from lockgate.kernel.principal import ADMINISTRATIVE, Principal
from lockgate.kernel.source import Address, read_address

SCOPES = ("account", "class", "key", "role", "app")
MODES = ("enforce", "dry_run")
CLASSES = {
    "admin": ADMINISTRATIVE,
    "keys": frozenset({"api_keys"}),
    "payouts": frozenset({"payouts"}),
    "refunds": frozenset({"refunds"}),
}
MOST_NETWORKS = 100
_PUBLIC = ("publishable", "ephemeral")
_MAPPED = IPv6Network("::ffff:0:0/96")

Network = IPv4Network | IPv6Network


class AddressRule(NamedTuple):
    """Requests that ``scope`` and ``subject`` name must come from one of ``networks``."""

    id: str
    scope: str
    subject: str
    networks: tuple[Network, ...]
    enforced: bool

    def about(self, principal: Principal) -> bool:
        """Whether some request of ``principal`` is one that this rule names.

        Keys in shoppers' hands are used from everywhere: only a rule that names such a key itself is about it.
        """
        match self.scope:
            case "key":
                return principal.kind not in ("person", "app") and self.subject == principal.id
            case "app":
                return principal.kind == "app" and self.subject == principal.id
            case "role":
                return principal.kind == "person" and self.subject in principal.roles
            case _:
                return principal.kind not in _PUBLIC

    def names(self, principal: Principal, resource: str | None) -> bool:
        """Whether a request about ``resource`` (None: about none, as for tokens) is one that this rule names."""
        if self.scope == "class" and resource not in CLASSES[self.subject]:
            return False
        return self.about(principal)

    def admits(self, address: Address | None) -> bool:
        """Whether ``address`` lies in one of the networks; what is no address lies in none."""
        return address is not None and any(
            address.version == network.version and address in network for network in self.networks
        )


def unsatisfied(
    rules: Iterable[AddressRule], principal: Principal, resource: str | None
) -> Sequence[AddressRule]:
    """The rules that name this request and do not admit its address. Each of them must: they add up."""
    naming = [rule for rule in rules if rule.names(principal, resource)]
    if not naming:
        return naming
    address = read_address(principal.address)
    return [rule for rule in naming if not rule.admits(address)]


def read_network(text: str) -> Network | None:
    """An address or a network in CIDR form; IPv4 in IPv6 as what it is. None if it is neither, or has stray bits."""
    try:
        network = ip_network(text)
    except ValueError:
        return None
    if isinstance(network, IPv6Network):
        if network.network_address.scope_id is not None:
            return None
        if network.subnet_of(_MAPPED):
            mapped = network.network_address.ipv4_mapped
            return None if mapped is None else IPv4Network((mapped, network.prefixlen - 96))
    return network
