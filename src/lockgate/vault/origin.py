"""The vault's own web origin: the sealing keys and the script that uses them, so that no gateway can swap either."""

import base64
import hashlib
import json
import ssl
from importlib.resources import files
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from lockgate.kernel import clock, log
from lockgate.vault.hierarchy import PLATFORM
from lockgate.vault.keys import Keyring
from lockgate.vault.policy import MANIFEST_KEY

_LABEL = "lockgate-static-manifest-v1"
_SCRIPT = "seal.js"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Permissions-Policy": "interest-cohort=()",
    "Server": "lockgate",
}


class Origin:
    """A small HTTPS listener: three files, GET only, no cookies, TLS 1.3 only."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._script = files("lockgate.vault").joinpath("static", _SCRIPT).read_bytes()
        self._runner: web.AppRunner | None = None
        self._manifest = b""
        self._leaf: tuple[ssl.SSLContext, Path, Path] | None = None

    async def open(self, *, host: str, port: int, certificate: Path, key: Path) -> int:
        """Listen; returns the port, which differs from the one asked for only if that was 0."""
        self._manifest = await self._sign_manifest()
        app = web.Application(middlewares=[_guard], client_max_size=1)
        app.router.add_get("/keys", self._keys)
        app.router.add_get(f"/{_SCRIPT}", self._serve_script)
        app.router.add_get("/manifest.json", self._serve_manifest)
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=15)
        await self._runner.setup()
        tls = _tls(certificate, key)
        self._leaf = (tls, certificate, key)
        await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        return self._runner.addresses[0][1]

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
        if self._runner is not None:
            await self._runner.cleanup()

    async def _keys(self, _request: web.Request) -> web.Response:
        body = {"keys": self._keyring.sealing_keys(), "verify_key": self._keyring.verify_key}
        return _answer(json.dumps(body).encode(), "application/json", cache="no-store")

    async def _serve_script(self, _request: web.Request) -> web.Response:
        return _answer(self._script, "text/javascript", cache="public, max-age=300")

    async def _serve_manifest(self, _request: web.Request) -> web.Response:
        return _answer(self._manifest, "application/json", cache="no-cache")

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


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        body = json.dumps({"error": {"message": refusal.reason}}).encode()
        answer = _answer(body, "application/json", cache="no-store", status=refusal.status)
        if "Allow" in refusal.headers:
            answer.headers["Allow"] = refusal.headers["Allow"]
        return answer


def _answer(body: bytes, content_type: str, *, cache: str, status: int = 200) -> web.Response:
    headers = _HEADERS | {"Cache-Control": cache}
    return web.Response(body=body, status=status, content_type=content_type, charset="utf-8", headers=headers)


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    return context


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
