"""A gateway that takes notifications and keeps them, answering as it is told: what the simulator's home points to."""

import asyncio
import contextlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import trustme
from aiohttp import web

from tests.simulator.running import KEY, NOTIFICATION_KEYS, RunningSimulator


@dataclass
class Taken:
    """One message as it came, and whether its signature was right."""

    path: str
    body: dict[str, Any]
    signed: bool


@dataclass
class Listening:
    """``status`` is what every message is answered with; ``taken`` has those that were answered with 200."""

    port: int
    status: int = 200
    tries: int = 0
    taken: list[Taken] = field(default_factory=list)

    def of(self, kind: str) -> list[str]:
        return [taken.body["reference"] for taken in self.taken if taken.body["kind"] == kind]

    async def until(self, count: int, *, within_s: float = 15) -> list[Taken]:
        """Wait for ``count`` messages in all."""
        async with asyncio.timeout(within_s):
            while len(self.taken) < count:
                await asyncio.sleep(0.02)
        return self.taken

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.tries += 1
        values = request.headers.getall("X-Signature", [])
        stamp, _, mac = values[0].partition(",v1=") if len(values) == 1 else ("", "", "")
        signed = stamp.removeprefix("t=").encode() + b"." + raw
        expected = hmac.digest(NOTIFICATION_KEYS[KEY].encode(), signed, "sha256").hex()
        if self.status == 200:
            with contextlib.suppress(ValueError):
                self.taken.append(Taken(request.path, json.loads(raw), hmac.compare_digest(mac, expected)))
        return web.Response(status=self.status)


@contextlib.asynccontextmanager
async def listening(simulator: RunningSimulator, *, port: int = 0) -> AsyncIterator[Listening]:
    """Listen behind TLS, and let a simulator that is not started yet know where."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    (simulator.home / "ca").mkdir(exist_ok=True)
    authority.cert_pem.write_to_path(str(simulator.home / "ca" / "ca.pem"))
    gateway = Listening(port)
    app = web.Application()
    app.router.add_post("/{rest:.*}", gateway.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
    await site.start()
    gateway.port = runner.addresses[0][1]
    file = simulator.home / "settings.json"
    settings = json.loads(file.read_text()) | {"api": {"url": f"https://127.0.0.1:{gateway.port}"}}
    file.write_text(json.dumps(settings))
    try:
        yield gateway
    finally:
        await runner.cleanup()
