"""Tells merchants what has changed: signed messages to their gateway, at least once each, until they are taken.

This is the outside calling in, so it is the only file here that opens connections. What is to be told stands in the
journal; a start takes up what was not taken before.
"""

import asyncio
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from lockgate.kernel import clock, ids, log
from lockgate.simulator.access import Access
from lockgate.simulator.books import Notice
from lockgate.simulator.clerk import Clerk
from lockgate.simulator.faults import NOTIFICATIONS, Fault, Faults

AT_ONCE = 8
TIMEOUT_S = 10
GIVEN_UP_AFTER_MS = 3 * 24 * 3_600_000
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 30.0
FORGERIES = ("unsigned", "wrong_key", "altered", "stale", "early", "twice_signed", "garbage")
"""Messages that must not be believed: no signature; another's; another body; 301 s old; 120 s ahead; two; no JSON."""


@dataclass(frozen=True, slots=True)
class Target:
    """The gateway's public address, and the authority that its certificate comes from."""

    url: str
    ca_file: Path | None

    def session(self) -> aiohttp.ClientSession:
        tls = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=AT_ONCE),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )


class Notifier:
    """One task for each notice that is not taken yet; at most AT_ONCE of them are on the line together."""

    def __init__(self, target: Target, access: Access, clerk: Clerk, faults: Faults) -> None:
        self._target = target
        self._access = access
        self._clerk = clerk
        self._faults = faults
        self._line = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held_back: dict[str, list[asyncio.Event]] = {}
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Notifier"]:
        """Deliver while inside; what is then left is delivered after the next start."""
        for notice in self._clerk.books.untold.values():
            self._clerk.news.put_nowait(notice)
        reader = asyncio.create_task(self._read_news())
        try:
            async with self._target.session() as self._session:
                try:
                    yield self
                finally:
                    tasks = (reader, *self._tasks)
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._session = None

    async def forge(self, account: str, kind: str, reference: str, *, how: str) -> int:
        """Send one message that must not be believed; the status that it was answered with, 0 for none."""
        body = _body(Notice(ids.new_id("ntf"), account, kind, reference, 0, clock.now_ms()))
        key = self._access.notification_key(account) or "a key of nobody's"
        signed = body
        match how:
            case "wrong_key":
                key = "a key of nobody's"
            case "altered":
                signed = body.replace(b'"kind"', b'"kinds"')
            case "garbage":
                signed = body = b"\x00\xff{"
        at = clock.now() + {"stale": -301, "early": 120}.get(how, 0)
        headers = [("X-Signature", signature(signed, key=key, at=at))] * (2 if how == "twice_signed" else 1)
        return await self._post(account, body, headers if how != "unsigned" else [])

    async def _read_news(self) -> None:
        while True:
            task = asyncio.create_task(self._deliver(await self._clerk.news.get()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, notice: Notice) -> None:
        await self._clerk.journal.durable(notice.seq)
        facts = {"account": notice.account, "reference": notice.reference, "kind": notice.kind}
        fault = self._faults.take(facts, among=NOTIFICATIONS)
        if fault is not None:
            log.get("simulator").info("fault", fault=fault.fault, kind=notice.kind)
        if fault is not None and fault.fault == "drop_notification":
            return self._note(notice, "dropped")
        await self._wait(notice, fault)
        times = 2 if fault is not None and fault.fault == "duplicate_notification" else 1
        for _ in range(times):
            if not await self._until_taken(notice):
                return self._note(notice, "given_up")
        self._note(notice, "delivered")
        for event in self._held_back.pop(notice.account, []):
            event.set()

    async def _wait(self, notice: Notice, fault: Fault | None) -> None:
        """Late: for the ordered time. Reordered: until a later notice of the account has gone ahead, or that time."""
        if fault is None or fault.fault not in ("late_notification", "reorder_notifications"):
            return
        overtaken = asyncio.Event()
        if fault.fault == "reorder_notifications":
            self._held_back.setdefault(notice.account, []).append(overtaken)
        try:
            async with asyncio.timeout(fault.delay_ms / 1000):
                await overtaken.wait()
        except TimeoutError:
            return

    async def _until_taken(self, notice: Notice) -> bool:
        pause_s = _FIRST_PAUSE_S
        while True:
            body, key = _body(notice), self._access.notification_key(notice.account)
            if key is not None:
                signed = [("X-Signature", signature(body, key=key, at=clock.now()))]
                if await self._post(notice.account, body, signed) == 200:
                    return True
            if clock.now_ms() - notice.time_ms > GIVEN_UP_AFTER_MS:
                return False
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _post(self, label: str, body: bytes, headers: list[tuple[str, str]]) -> int:
        assert self._session is not None, "only while running"
        account, _, mode = label.partition(":")
        url = f"{self._target.url}/processors/simulator/{account}/{mode}/notify"
        sent = [("Content-Type", "application/json"), *headers]
        try:
            async with (
                self._line,
                self._session.post(url, data=body, headers=sent, allow_redirects=False) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    def _note(self, notice: Notice, status: str) -> None:
        self._clerk.record(
            {
                "account": notice.account,
                "kind": "notified",
                "reference": notice.reference,
                "id": notice.id,
                "amount": 0,
                "currency": "",
                "status": status,
            }
        )


def signature(body: bytes, *, key: str, at: int) -> str:
    """The X-Signature of ``body``, made under ``key`` in the second ``at``."""
    mac = hmac.digest(key.encode(), str(at).encode() + b"." + body, "sha256").hex()
    return f"t={at},v1={mac}"


def target(settings: Mapping[str, Any], ca_file: Path) -> Target | None:
    """Where the gateway listens, as ``settings.json`` says; None for a home without one."""
    url = str(settings.get("api", {}).get("url", "")).rstrip("/")
    return Target(url, ca_file if ca_file.exists() else None) if url else None


def _body(notice: Notice) -> bytes:
    said = {
        "id": notice.id, "kind": notice.kind, "reference": notice.reference, "created": notice.time_ms // 1000,
    }  # fmt: skip
    return json.dumps(said, separators=(",", ":")).encode()
