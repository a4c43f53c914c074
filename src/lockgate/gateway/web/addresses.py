"""Whose address a request counts as: the connection's own, or what trusted proxies say of it in one header."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_network
from typing import Any

from lockgate.kernel.config import ConfigError
from lockgate.kernel.source import Address, read_address

X_FORWARDED_FOR, FORWARDED = b"x-forwarded-for", b"forwarded"
HEADERS: Mapping[str, bytes | None] = {"X-Forwarded-For": X_FORWARDED_FOR, "Forwarded": FORWARDED, "none": None}
MOST_HOPS = 100
_LEAST_BITS = {4: 8, 6: 7}  # the widest that are private: 10.0.0.0/8 and fc00::/7


@dataclass(frozen=True, slots=True)
class Clients:
    """Finds a request's client. Without ``networks`` nobody is believed.

    A proxy writes at the right end of its header whom it heard from. So hops are read from the right, each by the word
    of the trusted one before it: the first that is not trusted itself is the client, and what stands left of it is
    hearsay. A hop that cannot be read ends the walk: then the last trusted one is all that is known.
    """

    networks: tuple[IPv6Network, ...] = ()
    header: bytes | None = None

    def address(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """The client's address, an IPv4 one never in IPv6 clothes; ``peer`` as it is where it is no address at all."""
        if self.header is None and ":" not in peer:
            return peer
        known = read_address(peer)
        if known is None:
            return peer
        if self.header is not None and self._trusts(known):
            values = [value for name, value in headers if name == self.header]
            line = b",".join(values).decode("latin-1")
            for place, hop in enumerate(_hops(line, forwarded=self.header == FORWARDED)):
                if hop is None or place >= MOST_HOPS:
                    break
                known = hop
                if not self._trusts(hop):
                    break
        return str(known)

    def _trusts(self, address: Address) -> bool:
        wide = _wide(address)
        return any(wide in network for network in self.networks)


def of_settings(settings: Mapping[str, Any] | None) -> Clients:
    """What ``proxies`` in settings.json says: ``networks``, and the one ``header`` that they write."""
    if not settings:
        return Clients()
    unknown = set(settings) - {"networks", "header"}
    if unknown or not isinstance(settings.get("networks"), list):
        raise ConfigError("proxies holds networks, a list, and header: nothing else")
    header = str(settings.get("header"))
    if header not in HEADERS:
        raise ConfigError(f"proxies.header must be one of {', '.join(HEADERS)}")
    return Clients(tuple(_network(text) for text in settings["networks"]), HEADERS[header])


def _network(text: Any) -> IPv6Network:
    try:
        network = ip_network(str(text))
    except ValueError as error:
        raise ConfigError("each of proxies.networks must be a network such as 10.0.0.0/8 or fd00::/8") from error
    if network.prefixlen < _LEAST_BITS[network.version]:
        raise ConfigError("one of proxies.networks is so wide that it would trust strangers: name the proxies' own")
    if isinstance(network, IPv6Network):
        return network
    return IPv6Network((_wide(network.network_address), 96 + network.prefixlen))


def _wide(address: Address) -> IPv6Address:
    """Any address as IPv6, so that one kind of network holds both."""
    return address if isinstance(address, IPv6Address) else IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


def _hops(line: str, *, forwarded: bool) -> Iterator[Address | None]:
    """The hops of a header from right to left; None for one that cannot be read."""
    if not line.strip():
        return
    for element in _elements(line):
        node = _for(element) if forwarded else element
        yield None if node is None else _node(node.strip())


def _elements(line: str) -> Iterator[str]:
    """The parts between commas from right to left. Quotes are matched from the right too: what a client wrote on the
    left, an opening quote for example, cannot swallow what a proxy wrote after it.
    """
    end, quoted = len(line), False
    for place in range(len(line) - 1, -1, -1):
        if line[place] == '"':
            quoted = not quoted
        elif line[place] == "," and not quoted:
            yield line[place + 1 : end]
            end = place
    yield line[:end]


def _for(element: str) -> str | None:
    """The ``for`` of one element of Forwarded (RFC 7239, 4); None where there is none, or more than one."""
    found = []
    for pair in element.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals and name.lower() == "for":
            found.append(value)
    if len(found) != 1:
        return None
    value = found[0]
    if value.startswith('"'):
        return value[1:-1] if len(value) > 1 and value.endswith('"') and "\\" not in value else None
    return None if "[" in value or ":" in value else value  # such a node must be quoted


def _node(text: str) -> Address | None:
    """An address with or without a port; hidden and unknown names are none."""
    port = ""
    if text.startswith("["):
        text, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in text or (rest and not rest.startswith(":")):
            return None
        port = rest
    elif text.count(":") == 1:
        text, colon, rest = text.partition(":")
        port = colon + rest
    if port and not (1 < len(port) <= 6 and port[1:].isascii() and port[1:].isdigit()):
        return None
    return read_address(text)
