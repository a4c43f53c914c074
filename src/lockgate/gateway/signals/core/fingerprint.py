"""About twenty signals of a device as one text, for a keyed hash of this merchant's: no other merchant has the key."""

from collections.abc import Mapping
from typing import Any

SIGNALS = (
    "timezone", "languages", "platform", "vendor", "hint_platform", "hint_mobile", "cores", "memory", "screen",
    "ratio", "touch", "pointer", "hover", "gamut", "plugins", "pdf", "cookies", "storage", "math",
)  # fmt: skip
"""What stays the same from visit to visit: no window's size, no summer time, no version of a browser."""

_BROWSERS = (
    "Edg/", "OPR/", "SamsungBrowser/", "Firefox/", "FxiOS/", "CriOS/", "HeadlessChrome/", "Chrome/", "Safari/",
)  # fmt: skip


def text(device: Mapping[str, Any], *, family: str) -> str:
    """``device`` as reported, and the ``family`` of browser that the request's own header names."""
    return "\n".join([family, *(f"{name}={device.get(name, '')}" for name in SIGNALS)])


def family(user_agent: str) -> str:
    """Which browser on which system a User-Agent header claims, without versions."""
    browser = next((name.rstrip("/") for name in _BROWSERS if name in user_agent), "other")
    return f"{browser} on {system(user_agent)}"


def system(user_agent: str) -> str:
    """The operating system that a User-Agent header claims; ``other`` where it claims none that we know."""
    systems = (
        ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"), ("CrOS", "Chrome OS"),
        ("Mac OS X", "macOS"), ("Linux", "Linux"),
    )  # fmt: skip
    return next((name for sign, name in systems if sign in user_agent), "other")


def agent_hash(user_agent: str) -> str:
    """FNV-1a, 32 bits, over UTF-16 units as the collector takes it: to see whether two names are one, no secret."""
    sum_ = 0x811C9DC5
    units = user_agent.encode("utf-16-le", "surrogatepass")
    for place in range(0, len(units), 2):
        sum_ = ((sum_ ^ int.from_bytes(units[place : place + 2], "little")) * 0x01000193) & 0xFFFFFFFF
    return f"{sum_:08x}"
