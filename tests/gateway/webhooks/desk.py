"""A webhooks room with real receivers and a worker's fan-out and sending, on a clock that can be moved."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.events import Happening, Origin, announce
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.webhooks import api
from lockgate.gateway.webhooks.deliver import Sender
from lockgate.gateway.webhooks.dispatch import Dispatcher
from lockgate.gateway.webhooks.fanout import fan_out
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.shapes import INTEGER, STRING, Field, Shape
from tests.gateway.customers.desk import ACCOUNT, Desk, MemoryBox, ScriptedVault, pool_as

THING = Shape(
    "customer", {"id": Field(STRING), "name": Field(STRING, nullable=True, personal=True), "amount": Field(INTEGER)}
)


@dataclass
class Receiver:
    """A real HTTP server. ``answer`` decides what each request gets; ``got`` is what arrived."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[int], Any] = lambda number: web.Response(status=200)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.got.append((dict(request.headers), await request.read()))
        answer = self.answer(len(self.got))
        return await answer if asyncio.iscoroutine(answer) else answer


@asynccontextmanager
async def receiving(answer: Callable[[int], Any] | None = None, tls: ssl.SSLContext | None = None):
    """A receiver on a free loopback port."""
    receiver = Receiver()
    if answer is not None:
        receiver.answer = answer
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class Room:
    """The merchant's desk and one worker, on one moved clock."""

    desk: Desk
    ports: Ports
    worker: Ports
    dispatcher: Dispatcher
    moved_ms: int = 0

    def now_ms(self) -> int:
        return clock.now_ms() + self.moved_ms

    def pass_time(self, seconds: float) -> None:
        self.moved_ms += round(seconds * 1000)
        self.desk.now = self.now_ms() // 1000

    async def endpoint(self, url: str, *wanted: str) -> dict[str, Any]:
        form = {f"enabled_events[{n}]": name for n, name in enumerate(wanted or ("*",))}
        return await self.desk.do("webhook_endpoint.create", form={"url": url, **form})

    async def happen(self, type_: str = "charge.succeeded", *, name: str | None = None) -> str:
        """Commit one event as a business transaction does; returns its id."""
        commit, id_ = Commit(), new_id("cus")
        origin = Origin(ACCOUNT, False, "2026-08-26.dahlia", self.desk.now, "req_1", "key-1")
        rendered = THING.render({"id": id_, "name": name, "amount": 7})
        await announce(commit, origin, [Happening(type_, THING, rendered, id_)], self.desk.box)
        await self.ports.committer.commit(commit)
        await asyncio.sleep(0.002)  # ids sort by millisecond
        return commit.events[0].id

    async def work(self) -> None:
        """What the worker does in one round: fan out, send what is due, wait for it."""
        while await fan_out(self.worker.pool, now_ms=self.now_ms()):
            pass
        await self.dispatcher.run()
        await self.dispatcher.settle()

    async def deliveries(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        page = await self.desk.do("webhook_endpoint.list_deliveries", webhook_endpoint=endpoint["id"], limit=100)
        return page["data"]


@asynccontextmanager
async def open_room(database, *, allow_private: bool = True, **sender: Any):
    """A room on a fresh database, gateway and worker under their own roles."""
    async with pool_as(database, "gateway") as pool, pool_as(database, "worker") as worker_pool:
        box = MemoryBox()
        ports = Ports(pool, Committer(pool), box, lambda: None, allow_private)
        worker = Ports(worker_pool, Committer(worker_pool), box, lambda: None, allow_private)
        desk = Desk(pool, ports.committer, {op.name: op for op in api.operations(ports)}, box, ScriptedVault())
        room = Room(desk, ports, worker, None)  # type: ignore[arg-type]
        room.dispatcher = Dispatcher(worker, Sender(allow_private=allow_private, **sender), now_ms=room.now_ms)
        yield room
        await room.dispatcher.close()
        await ports.committer.close()
        await worker.committer.close()
