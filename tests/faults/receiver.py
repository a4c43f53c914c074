"""A merchant's webhook receiver: a plain HTTP server on loopback that keeps every delivery, and now and then fails."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class Delivery:
    """One request as it came in; header names in small letters."""

    body: bytes
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """``slow`` makes each answer wait up to that long, so that a dying worker leaves some half done."""

    slow_s: float = 0.0
    deliveries: list[Delivery] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.deliveries.append(Delivery(body, {name.lower(): value for name, value in request.headers.items()}))
        if self.slow_s:
            await asyncio.sleep(random.uniform(0, self.slow_s))
        return web.Response(status=204)

    def ids(self) -> set[str]:
        return {one.id for one in self.deliveries}


@asynccontextmanager
async def receiving(*, slow_s: float = 0.0) -> AsyncIterator[Receiver]:
    receiver = Receiver(slow_s)
    app = web.Application()
    app.router.add_post("/hooks", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/hooks"
    try:
        yield receiver
    finally:
        await runner.cleanup()
