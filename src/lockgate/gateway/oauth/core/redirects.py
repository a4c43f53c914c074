"""Redirect URIs: what may be registered, when one is the same, and how an answer is put on one."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, quote, urlsplit

from lockgate.kernel.errors import Refusal, invalid

MAX_LENGTH = 512
MAX_URIS = 20
_CHARACTERS = re.compile(r"[!-~]+")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOOPBACK_PORT = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?((?:/[^?#]*)?(?:\?[^#]*)?)")
_OURS = frozenset({"code", "state", "iss", "error", "error_description"})


def check(uri: str) -> str:
    """``uri`` as it may be registered: https, or http on a loopback address (RFC 8252)."""
    parts = _split(uri)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refused("it must not contain a user name or password")
    if "#" in uri:
        raise _refused("it must not contain a fragment")
    if "*" in uri:
        raise _refused("it must not contain a wildcard")
    if any(part in (".", "..") for part in parts.path.lower().replace("%2e", ".").split("/")):
        raise _refused("its path must not lead upwards")
    if {pair.partition("=")[0] for pair in parts.query.split("&")} & _OURS:
        raise _refused("its query holds a parameter that answers are given in")
    if parts.scheme == "http":
        if not _LOOPBACK_PORT.fullmatch(uri):
            raise _refused("http is for the loopback addresses 127.0.0.1 and [::1] only")
    elif parts.scheme != "https":
        raise _refused("it must begin with https://")
    elif not _is_host(parts):
        raise _refused("its host cannot be read")
    return uri


def same(registered: str, given: str) -> bool:
    """Exactly the same text; on a loopback address the port may differ, for it is free by chance (RFC 8252 7.3)."""
    if registered == given:
        return True
    ours, theirs = _LOOPBACK_PORT.fullmatch(registered), _LOOPBACK_PORT.fullmatch(given)
    if ours is None or theirs is None or _CHARACTERS.fullmatch(given) is None:
        return False
    port = theirs[2]
    in_range = port is None or (0 < int(port) <= 65535 and str(int(port)) == port)
    return in_range and (ours[1], ours[3]) == (theirs[1], theirs[3])


def pick(registered: Sequence[str], given: str | None) -> str | None:
    """The redirect URI of one request: the one given if it is registered, the only one if none was given."""
    if given is None:
        return registered[0] if len(registered) == 1 else None
    return given if any(same(one, given) for one in registered) else None


def onward(uri: str, fields: Mapping[str, str]) -> str:
    """``uri`` with ``fields`` added to its query."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def origin(uri: str) -> str:
    """The scheme, host and port of ``uri``, as a content policy names them."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _split(uri: str) -> SplitResult:
    # Other parsers read a backslash as a slash: a URI that two parsers read differently leads nowhere.
    if len(uri) > MAX_LENGTH or not _CHARACTERS.fullmatch(uri) or "\\" in uri:
        raise _refused(f"it has characters that a URI cannot have, or more than {MAX_LENGTH}")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise _refused("it cannot be read") from error
    if port == 0 or not parts.hostname or uri.partition(":")[0] != parts.scheme:
        raise _refused("it cannot be read")
    return parts


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        try:
            return "%" not in host and bool(ipaddress.IPv6Address(host))
        except ValueError:
            return False
    if host.rpartition(".")[2].isdigit():
        try:
            return bool(ipaddress.IPv4Address(host))
        except ValueError:
            return False
    return _HOST.fullmatch(host) is not None and len(host) <= 253


def _refused(why: str) -> Refusal:
    return invalid(f"Invalid redirect URI: {why}.", param="redirect_uris", code="url_invalid")
