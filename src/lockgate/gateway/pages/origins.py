"""What browsers call us. On a machine of one's own that is localhost: no browser takes a passkey for a bare number."""

from functools import cache
from urllib.parse import urlsplit

from lockgate.kernel.source import is_loopback

LOCAL = "localhost"


@cache
def host_of(url: str) -> str:
    """The host of ``url`` as browsers should open it, without its port."""
    host = urlsplit(url).hostname or ""
    return LOCAL if is_loopback(host) else host


@cache
def origin_of(url: str) -> str:
    """The origin of ``url`` as browsers should open it."""
    parts = urlsplit(url)
    if not is_loopback(parts.hostname or ""):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}://{LOCAL}" + (f":{parts.port}" if parts.port else "")


@cache
def accepted(url: str) -> frozenset[str]:
    """The origins that a form of ours may come from: the one of ``url``, and the one that browsers should open."""
    parts = urlsplit(url)
    return frozenset({f"{parts.scheme}://{parts.netloc}", origin_of(url)})
