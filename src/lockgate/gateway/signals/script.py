"""The collector script as it is served: our own file, read once, under a name that changes with its content."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import NamedTuple

STABLE = "/collector/v1.js"
"""Where merchants' pages load it from: kept for an hour, then asked for anew."""


class Script(NamedTuple):
    """``path`` holds a hash of the content; ``integrity`` is what a script tag says of it (Subresource Integrity)."""

    body: bytes
    path: str
    etag: str
    integrity: str


@cache
def script() -> Script:
    """The collector."""
    body = resources.files("lockgate.gateway.signals").joinpath("static", "collector.js").read_bytes()
    digest = sha256(body)
    name = digest.hexdigest()[:20]
    return Script(body, f"/collector/{name}.js", f'"{name}"', f"sha256-{b64encode(digest.digest()).decode()}")
