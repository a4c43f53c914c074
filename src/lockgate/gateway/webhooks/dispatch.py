"""Works through the queue of deliveries: leases what is due, renders, signs, sends, and writes down what came of it.

A delivery is at least once: a worker that dies holding a lease lets it run out, and another sends again. Each endpoint
has its own few places, so that a slow or failing one never stands before the others.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

from lockgate.gateway.storage.rows import EventRow
from lockgate.gateway.webhooks import find, render, secrets, store
from lockgate.gateway.webhooks.core import retry, sign, versions
from lockgate.gateway.webhooks.deliver import Sender, Sent
from lockgate.gateway.webhooks.disable import disable
from lockgate.gateway.webhooks.ports import Ports
from lockgate.gateway.webhooks.store import Due, Tried
from lockgate.kernel import clock, log
from lockgate.kernel.principal import Principal

PLACES_PER_ENDPOINT = 8
PLACES = 64
LEASE_MS = 60_000  # well above the longest try
USER_AGENT = "Lockgate-Webhooks/1"
_GONE = 410
_FULL_WAIT_S = 0.2
_logger = log.get("webhooks")


class Dispatcher:
    """One worker's share of the sending. ``now_ms`` is the clock, given so that tests can move it."""

    def __init__(self, ports: Ports, sender: Sender, *, now_ms: Callable[[], int] = clock.now_ms) -> None:
        self._ports = ports
        self._sender = sender
        self._now_ms = now_ms
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: Counter[str] = Counter()
        self._leasing = asyncio.Lock()

    async def run(self) -> int:
        """Start what is due and has a place; returns how many were started, or 1 to be called again when full."""
        async with self._leasing:  # fan-out and the clock may both call: places are given away once
            leased = await self._lease()
        if leased or not self._full():
            return leased
        await asyncio.wait(self._tasks, timeout=_FULL_WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        return 1

    async def settle(self) -> None:
        """Wait until everything that was started has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """End what is being sent; it is sent again when its lease has run out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _lease(self) -> int:
        now_ms = self._now_ms()
        leased = await store.lease(
            self._ports.pool,
            now_ms=now_ms,
            until_ms=now_ms + LEASE_MS,
            per_endpoint=PLACES_PER_ENDPOINT,
            running=+self._running,
            limit=PLACES - len(self._tasks),
        )
        for principal, group in _by_account(leased):
            ids = [due.event for due in group]
            rows = {row.id: row for row in await find.events(self._ports.pool, principal, ids)}
            pending = await find.pending(self._ports.pool, principal, ids)
            for due in group:
                self._start(principal, due, event=rows[due.event], pending=pending.get(due.event, 0))
        return len(leased)

    def _full(self) -> bool:
        return len(self._tasks) >= PLACES or any(number >= PLACES_PER_ENDPOINT for number in self._running.values())

    def _start(self, principal: Principal, due: Due, *, event: EventRow, pending: int) -> None:
        self._running[due.endpoint] += 1
        task = asyncio.create_task(self._deliver(principal, due, event=event, pending=pending))
        self._tasks.add(task)

        def done(ended: "asyncio.Task[None]") -> None:
            self._tasks.discard(ended)
            self._running[due.endpoint] -= 1
            if not ended.cancelled() and ended.exception() is not None:
                _logger.error("delivery failed inside", delivery=due.id, exc_info=ended.exception())

        task.add_done_callback(done)

    async def _deliver(self, principal: Principal, due: Due, *, event: EventRow, pending: int) -> None:
        box = self._ports.box
        told = await render.event(event, box, pending=pending)
        if due.api_version is not None:
            told = versions.shown(told, due.api_version)
        body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
        keys = await secrets.unseal(box, due.account, due.endpoint, sealed=due.secrets)
        at_ms = self._now_ms()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": USER_AGENT,
            **sign.headers(event.id, body, timestamp=at_ms // 1000, secrets=keys.signing(at_ms // 1000)),
        }
        sent = await self._sender.send(due.url, headers=headers, body=body)
        tried = self._judge(due, sent, at_ms=at_ms)
        await store.record(self._ports.pool, due, tried)
        if tried.state == "failed":
            await self._consider_disabling(principal, due, gone=sent.status == _GONE)

    def _judge(self, due: Due, sent: Sent, *, at_ms: int) -> Tried:
        now_ms = self._now_ms()
        state, next_ms = "delivered", None
        if sent.outcome != "delivered":
            state = "failed"
            if sent.status != _GONE:
                next_ms = retry.next_try(
                    now_ms=now_ms,
                    created_ms=due.created * 1000,
                    tries=due.tries + 1,
                    jitter=random.random(),  # noqa: S311 - spreads load, protects nothing
                    retry_after_s=retry.retry_after(sent.retry_after, now=now_ms // 1000),
                )
                state = "waiting" if next_ms is not None else "failed"
        return Tried(state, next_ms, at_ms, sent.status, sent.outcome, sent.duration_ms)

    async def _consider_disabling(self, principal: Principal, due: Due, *, gone: bool) -> None:
        since_ms = due.created * 1000
        if not gone and await store.delivered_since(
            self._ports.pool, due.account, due.livemode, endpoint=due.endpoint, since_ms=since_ms
        ):
            return
        await disable(
            self._ports, principal, due.endpoint, reason="gone" if gone else "failing", now=self._now_ms() // 1000
        )


def _by_account(leased: Sequence[Due]) -> list[tuple[Principal, list[Due]]]:
    ordered = sorted(leased, key=lambda due: (due.account, due.livemode))
    return [
        (Principal(account, livemode, "internal", "worker"), list(group))
        for (account, livemode), group in groupby(ordered, key=lambda due: (due.account, due.livemode))
    ]
