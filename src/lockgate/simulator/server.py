"""The simulator program: a card acquirer and a bank behind HTTPS, with orderable faults and a journal of its deeds."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from aiohttp import web

from lockgate.kernel import log, process, ready
from lockgate.kernel.config import ConfigError, Home
from lockgate.simulator import access, notify
from lockgate.simulator.acs import Acs
from lockgate.simulator.admin import Admin
from lockgate.simulator.api import Api
from lockgate.simulator.books import Books
from lockgate.simulator.clerk import Clerk
from lockgate.simulator.faults import Faults
from lockgate.simulator.journal import JournalDamaged, JournalFailed, open_journal
from lockgate.simulator.notify import Notifier
from lockgate.simulator.verbs import Refused, Verbs

MAX_BODY_BYTES = 256 * 1024
KEEP_ALIVE_S = 600
REBIND_TRIES = 50
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Server": "simulator",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def run(home: Home) -> None:
    """Serve until SIGTERM or SIGINT. Exits 1 with one line on standard error when it cannot start or the disk fails."""
    log.start("simulator")
    try:
        process.harden()
        uvloop.run(_serve(home))
    except (ConfigError, JournalDamaged, JournalFailed, OSError) as error:
        raise SystemExit(f"simulator: {error}") from error


class Listener:
    """The one listening socket, which can be closed for a while so that connections are truly refused."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, *, tls: ssl.SSLContext) -> None:
        self._runner, self._host, self._port, self._tls = runner, host, port, tls
        self._site: web.TCPSite | None = None
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls, backlog=1024)
        await site.start()
        self._site = site

    def close_for(self, delay_ms: int) -> None:
        """Refuse connections for ``delay_ms``; nobody can order it again meanwhile."""
        if self._closing is None or self._closing.done():
            self._closing = asyncio.get_running_loop().create_task(self._close_and_reopen(delay_ms / 1000))

    async def stop(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            await asyncio.gather(self._closing, return_exceptions=True)

    async def _close_and_reopen(self, delay_s: float) -> None:
        await asyncio.sleep(0.05)  # let the order's own answer leave
        if self._site is not None:
            await self._site.stop()
        for connection in self._runner.server.connections if self._runner.server else []:
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(delay_s)
        for attempt in range(REBIND_TRIES):
            try:
                return await self.open()
            except OSError:
                if attempt == REBIND_TRIES - 1:
                    log.get("simulator").critical("the port was taken while the listener was closed")
                    signal.raise_signal(signal.SIGTERM)
                await asyncio.sleep(0.1)


async def _serve(home: Home) -> None:
    settings, secrets = home.settings(), home.secrets("simulator")
    host, port, origin = _address(settings)
    rules = access.from_secrets(secrets, added=home.path / "simulator" / "keys.json")
    tls = _tls(home)
    books, faults = Books(), Faults()
    journal = open_journal(home.path / "simulator" / "journal.jsonl", books.apply)
    clerk = Clerk(books, journal)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_answer_in_json])
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEP_ALIVE_S, shutdown_timeout=2.0)
    listener = Listener(runner, host, port, tls=tls)
    target = notify.target(settings, home.path / "ca" / "ca.pem")
    notifier = Notifier(target, rules, clerk, faults) if target is not None else None
    app.add_routes(Api(rules, clerk, Verbs(clerk, origin), faults).routes())
    app.add_routes(Admin(rules, clerk, faults, notifier, listener.close_for).routes())
    app.add_routes(Acs(clerk).routes())
    app.on_response_prepare.append(_add_headers)
    await runner.setup()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    broken = asyncio.create_task(journal.failed())
    asked = asyncio.create_task(stopping.wait())
    by_the_clock = asyncio.create_task(clerk.keep_time())
    try:
        async with _telling(notifier):
            await listener.open()
            log.get("simulator").info("listening", url=origin, entries=journal.last_seq)
            ready.announce()
            await asyncio.wait([broken, asked, by_the_clock], return_when=asyncio.FIRST_COMPLETED)
            if by_the_clock.done():
                by_the_clock.result()  # it never ends but by a fault, which must not pass unseen
            if broken.done():
                raise JournalFailed("the journal cannot be written; stopping, because nothing more may be promised")
    finally:
        await listener.stop()
        await runner.cleanup()
        for task in (broken, asked, by_the_clock):
            task.cancel()
        await asyncio.gather(broken, asked, by_the_clock, return_exceptions=True)
        await journal.close()


@asynccontextmanager
async def _telling(notifier: Notifier | None) -> AsyncIterator[None]:
    """Deliver notifications while inside, if there is anybody to tell."""
    if notifier is None:
        yield
        return
    async with notifier.running():
        yield


def _address(settings: dict[str, Any]) -> tuple[str, int, str]:
    if settings.get("profile") != "sandbox":
        raise ConfigError("the simulator runs in the sandbox profile only")
    place = settings.get("simulator")
    if not isinstance(place, dict) or not isinstance(place.get("port"), int) or not place.get("host"):
        raise ConfigError("settings.json must hold simulator.host, simulator.port and simulator.url")
    if not str(place.get("url", "")).startswith("https://"):
        raise ConfigError("simulator.url must begin with https://")
    return place["host"], place["port"], place["url"].rstrip("/")


def _tls(home: Home) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    certificate = home.path / "tls" / "simulator.pem"
    try:
        context.load_cert_chain(certificate, home.path / "tls" / "simulator.key")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot read {certificate} and its key: run 'lockgate init'") from error
    return context


@web.middleware
async def _answer_in_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Every failure is an error object; a fault of our own is a 500 that says nothing of what was held."""
    try:
        return await handler(request)
    except Refused as refused:
        return web.json_response(refused.body, status=refused.status)
    except web.HTTPException as error:
        body = {"error": {"code": "http", "message": error.reason, "field": None}}
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return web.json_response(body, status=error.status, headers=allowed)
    except Exception:
        log.get("simulator").exception("request failed", path=request.path)
        return web.json_response({"error": {"code": "internal", "message": "Internal error."}}, status=500)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers.setdefault("Content-Security-Policy", _API_POLICY)
