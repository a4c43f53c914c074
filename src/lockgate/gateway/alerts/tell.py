"""Tells of alerts: takes what is due from the queue, and hands each to mail, to a webhook, or to a syslog collector."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag

from lockgate.gateway.alerts import find_alerts, render, store_delivery, syslog
from lockgate.gateway.alerts.core import retry
from lockgate.gateway.alerts.core.letter import letter
from lockgate.gateway.alerts.core.syslog import message
from lockgate.gateway.alerts.find_alerts import AlertView
from lockgate.gateway.alerts.ports import Telling
from lockgate.gateway.alerts.store_delivery import Due, RouteRow
from lockgate.gateway.alerts.syslog import Collector
from lockgate.gateway.alerts.target import unseal
from lockgate.gateway.audit.record import record
from lockgate.gateway.mail import send as mail
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel import log
from lockgate.kernel.principal import Principal

PLACES = 16
LEASE_MS = 60_000  # well above the longest try
TEST = "test"
USER_AGENT = "Lockgate-Alerts/1"
DELIVERED = "delivered"
_logger = log.get("alerts")


async def tell(telling: Telling) -> int:
    """Try each due delivery once, side by side; how many were tried."""
    now_ms = telling.now_ms()
    due = await store_delivery.lease(telling.ports.pool, now_ms=now_ms, until_ms=now_ms + LEASE_MS, limit=PLACES)
    await asyncio.gather(*(_try(telling, one) for one in due))
    return len(due)


def example(due: Due) -> AlertView:
    """What a test of a route tells."""
    at_ms = due.created_ms
    return AlertView(
        due.account, due.alert, TEST, "route", "low", "open", "This is a test of this route. Nothing has happened.", 1,
        at_ms, at_ms, at_ms, None, None, None, None, None, "[]",
    )  # fmt: skip


async def _try(telling: Telling, due: Due) -> None:
    pool = telling.ports.pool
    route = await store_delivery.route(pool, due.account, due.route)
    alert = example(due) if due.alert.startswith(f"{TEST}_") else await find_alerts.alert(pool, due.account, due.alert)
    if route is None or alert is None:
        async with pool.acquire() as connection:
            await store_delivery.record(connection, due, state="failed", next_try_ms=None, outcome="gone")
        return
    try:
        target = await unseal(telling.ports.box, route.account, route.id, sealed=route.sealed)
    except InvalidTag:
        await _note(telling, due, "altered")
        return
    if route.kind == "email":
        await _mail(telling, due, alert, to=target["email"])
    elif route.kind == "webhook":
        await _note(telling, due, await _post(telling, due, alert, target=target))
    else:
        await _note(telling, due, await _log(telling, route, alert, target=target))


async def _mail(telling: Telling, due: Due, alert: AlertView, *, to: str) -> None:
    """Queued and noted in one transaction: the mail room goes on from there, with tries of its own."""
    shown = render.alert(alert)
    async with telling.ports.pool.acquire() as connection, connection.transaction():
        if await store_delivery.record(connection, due, state=DELIVERED, next_try_ms=None, outcome="mailed"):
            await mail.queue(
                connection,
                telling.ports.box,
                to=to,
                subject=f"[{alert.severity}] {shown['title']}",
                text=letter(shown, host=telling.ports.host),
                kind="alert",
                now=telling.now_ms() // 1000,
            )


async def _post(telling: Telling, due: Due, alert: AlertView, *, target: Mapping[str, Any]) -> str:
    at = telling.now_ms() // 1000
    told = {
        "id": due.id,
        "object": "alert_notification",
        "type": "alert.test" if alert.rule == TEST else "alert.open",
        "created": due.created_ms // 1000,
        "data": {"object": render.alert(alert)},
    }
    body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        **telling.sign(due.id, body, timestamp=at, secrets=[target["secret"]]),
    }
    return (await telling.post(target["url"], headers=headers, body=body)).outcome


async def _log(telling: Telling, route: RouteRow, alert: AlertView, *, target: Mapping[str, Any]) -> str:
    content = message(
        alert.id,
        rule=alert.rule,
        account=alert.account,
        severity=alert.severity,
        host=telling.ports.host,
        at=alert.opened_ms // 1000,
        text=alert.summary,
    )
    return await syslog.send(Collector(**target), content)


async def _note(telling: Telling, due: Due, outcome: str) -> None:
    """Write down one try; a route that goes on failing is on record, so that the others can tell of it."""
    next_ms, tries = None, due.tries + 1
    if outcome != DELIVERED:
        next_ms = retry.next_try(now_ms=telling.now_ms(), created_ms=due.created_ms, tries=tries)
    state = DELIVERED if outcome == DELIVERED else "failed" if next_ms is None else "waiting"
    async with telling.ports.pool.acquire() as connection, connection.transaction():
        kept = await store_delivery.record(connection, due, state=state, next_try_ms=next_ms, outcome=outcome)
        if kept and tries == retry.FAILING_TRIES and outcome != DELIVERED:
            await _failing(connection, due, outcome)
    if state != DELIVERED:
        _logger.warning("an alert was not taken", delivery=due.id, route=due.route, reason=outcome, tries=tries)


async def _failing(connection: Connection, due: Due, outcome: str) -> None:
    who = Principal(due.account, False, "internal", "worker")
    detail = {"reason": outcome, "alert": due.alert}
    told = record(who, "alert_route.failing", object_=due.route, request=None, outcome="failed", detail=detail)
    await insert_audits(connection, [told])
