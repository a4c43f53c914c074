"""The form of a webhook URL, checked when it is given and again before each delivery; names are resolved only then."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from lockgate.gateway.webhooks.core.addresses import is_public
from lockgate.kernel.errors import Refusal, invalid

MAX_LENGTH = 2048
PORTS = (443, 8443)
_CHARACTERS = re.compile(r"[!-~]+")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.?")
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa")


class Target(NamedTuple):
    """Where a URL points: ``address`` is its literal IP address, if it has one instead of a name."""

    host: str
    port: int
    address: str | None


def check(url: str, *, allow_private: bool) -> Target:
    """Refuse a URL that a webhook must not go to.

    ``allow_private`` (sandbox) also lets plain HTTP, any port and private addresses through.
    """
    parts, port = _split(url)
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise _refused("it must begin with https://")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refused("it must not contain a user name or password")
    if parts.fragment or "#" in url:
        raise _refused("it must not contain a fragment")
    port = port or (443 if parts.scheme == "https" else 80)
    if port not in PORTS and not allow_private:
        raise _refused(f"its port must be one of {', '.join(map(str, PORTS))}")
    host = parts.hostname or ""
    address = _literal(host, bracketed="[" in parts.netloc)
    if address is not None:
        if not (allow_private or is_public(address)):
            raise _refused("its address is not a public one")
    elif not allow_private:
        _check_name(host)
    elif not (host == "localhost" or _NAME.fullmatch(host)):
        raise _refused("its host is not a name")
    return Target(host, port, address)


def _split(url: str) -> tuple[SplitResult, int | None]:
    # Other parsers read a backslash as a slash: a URL that two parsers read differently goes nowhere.
    if len(url) > MAX_LENGTH or not _CHARACTERS.fullmatch(url) or "\\" in url:
        raise _refused("it has characters that a URL cannot have, or is too long")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused("it cannot be read") from error
    if port == 0:
        raise _refused("its port cannot be 0")
    return parts, port


def _literal(host: str, *, bracketed: bool) -> str | None:
    """The canonical IP address that ``host`` is, or None for a name. Odd spellings of addresses are refused."""
    if bracketed:
        try:
            if "%" in host:
                raise _refused("its address has a zone")
            return str(ipaddress.IPv6Address(host))
        except ValueError as error:
            raise _refused("its address cannot be read") from error
    last = host.rstrip(".").rpartition(".")[2].lower()
    if re.fullmatch(r"\d+|0x[0-9a-f]*", last):  # what the C library would read as a number, in any of its bases
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise _refused("its address is not written as four decimal numbers") from error
    return None


def _check_name(host: str) -> None:
    name = host.rstrip(".").lower()
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise _refused("its host is not a full public name")
    if any(name == local or name.endswith(f".{local}") for local in _LOCAL_NAMES):
        raise _refused("its host is a local name")


def _refused(why: str) -> Refusal:
    return invalid(f"Invalid URL: {why}.", param="url", code="url_invalid")
