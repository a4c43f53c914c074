"""The vault's own web origin: the sealing keys and the script that uses them, so that no gateway can swap either."""

import base64
import hashlib
import json
import ssl
from importlib.resources import files
from pathlib import Path

from lockgate.kernel import clock, log
from lockgate.vault.hierarchy import PLATFORM
from lockgate.vault.keys import Keyring
from lockgate.vault.listener import Listener, Page
from lockgate.vault.policy import MANIFEST_KEY

_LABEL = "lockgate-static-manifest-v1"
_SCRIPT = "seal.js"
_JSON = "application/json; charset=utf-8"
_JAVASCRIPT = "text/javascript; charset=utf-8"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Permissions-Policy": "interest-cohort=()",
}


class Origin:
    """Three pages over TLS 1.3, for anyone to read: no cookies, no logs of who asked."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._script = files("lockgate.vault").joinpath("static", _SCRIPT).read_bytes()
        self._listener: Listener | None = None
        self._leaf: tuple[ssl.SSLContext, Path, Path] | None = None

    async def open(self, *, host: str, port: int, certificate: Path, key: Path) -> int:
        """Listen; returns the port, which differs from the one asked for only if that was 0."""
        pages = {
            "/keys": Page(_JSON, self._keys, cache="no-store"),
            f"/{_SCRIPT}": Page(_JAVASCRIPT, self._script, cache="public, max-age=300"),
            "/manifest.json": Page(_JSON, await self._sign_manifest(), cache="no-cache"),
        }
        tls = _tls(certificate, key)
        self._leaf = (tls, certificate, key)
        self._listener = Listener(pages, headers=_HEADERS)
        return await self._listener.open(host=host, port=port, tls=tls)

    def reload(self) -> None:
        """Show the leaf that stands in the files now; one that cannot be used changes nothing."""
        if self._leaf is None:
            return
        tls, certificate, key = self._leaf
        try:
            _tls(certificate, key)
            tls.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError):
            log.get("vault").exception("the new certificate is not used, the old one stays")

    async def close(self) -> None:
        if self._listener is not None:
            await self._listener.close()

    def _keys(self) -> bytes:
        return json.dumps({"keys": self._keyring.sealing_keys(), "verify_key": self._keyring.verify_key}).encode()

    async def _sign_manifest(self) -> bytes:
        """Each file with its SHA-384 as browsers check it (`integrity`), signed once at start."""
        integrity = "sha384-" + base64.b64encode(hashlib.sha384(self._script).digest()).decode()
        made = clock.now()
        signed = "\n".join((_LABEL, str(made), f"/{_SCRIPT} {integrity}"))
        document = {
            "made": made,
            "files": {f"/{_SCRIPT}": integrity},
            "key": _base64url(await self._keyring.public_key(PLATFORM, MANIFEST_KEY)),
            "signature": _base64url(await self._keyring.sign(PLATFORM, MANIFEST_KEY, signed.encode())),
        }
        return json.dumps(document).encode()


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    return context


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
