"""Makes, changes, tests and removes the routes that alerts are told by."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.alerts import find_alerts, render, store_delivery, store_edit
from lockgate.gateway.alerts.find_alerts import DeliveryRow
from lockgate.gateway.alerts.ports import Ports
from lockgate.gateway.alerts.store_delivery import RouteRow
from lockgate.gateway.alerts.syslog import Collector
from lockgate.gateway.alerts.target import seal, unseal
from lockgate.gateway.alerts.tell import TEST
from lockgate.gateway.audit.record import record
from lockgate.gateway.mail.core.address import is_address
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.rows import AuditRow
from lockgate.gateway.storage.write import settled, transact
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal
from lockgate.kernel.source import is_loopback

MOST_ROUTES = 20


async def create_route(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/alert_routes: of a webhook it shows the signing secret, this once."""
    who, given = call.principal, call.params
    kind, target = read_target(ports, given)
    row = await made(ports, who, kind=kind, target=target, min_severity=given.get("min_severity", "low"), now=call.now)
    shown = render.route(row, target, secret=target.get("secret"))

    async def work(connection: Connection) -> None:
        await create_within(connection, who, row, request=call.request_id)

    return await transact(ports.pool, call, rendered=shown, work=work)


async def update_route(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/alert_routes/{route}."""

    async def decide() -> Answer:
        row = await found(ports, call.principal, call.path["route"])
        target = await unseal(ports.box, row.account, row.id, sealed=row.sealed)
        changed = row._replace(
            version=row.version + 1,
            min_severity=call.params.get("min_severity", row.min_severity),
            enabled=call.params.get("enabled", row.enabled),
        )
        before = {"min_severity": row.min_severity, "enabled": row.enabled}
        after = {"min_severity": changed.min_severity, "enabled": changed.enabled}
        if before == after:
            return await transact(ports.pool, call, rendered=render.route(row, target), work=_nothing)

        async def work(connection: Connection) -> None:
            detail = {"before": before, "after": after}
            told = record(call.principal, "alert_route.update", object_=row.id, request=call.request_id, detail=detail)
            await _move(connection, changed, told)

        return await transact(ports.pool, call, rendered=render.route(changed, target), work=work)

    return await settled(decide)


async def delete_route(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/alert_routes/{route}."""

    async def decide() -> Answer:
        row = await found(ports, call.principal, call.path["route"])
        shown = {"id": row.id, "object": "alert_route", "deleted": True}

        async def work(connection: Connection) -> None:
            await delete_within(connection, call.principal, row, request=call.request_id)

        return await transact(ports.pool, call, rendered=shown, work=work)

    return await settled(decide)


async def test_route(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/alert_routes/{route}/test: the delivery, whose list tells what came of it."""
    row = await found(ports, call.principal, call.path["route"])
    queued = DeliveryRow(
        row.account, new_id("alrd"), new_id(TEST), row.id, call.now * 1000, "waiting", 0, call.now * 1000, None
    )

    async def work(connection: Connection) -> None:
        await test_within(connection, call.principal, queued, request=call.request_id)

    answer = await transact(ports.pool, call, rendered=render.delivery(queued), work=work)
    ports.poke()
    return answer


def read_target(ports: Ports, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Kind and target of a new route: exactly one of email and url."""
    if ("email" in given) == ("url" in given):
        raise invalid("Name exactly one of email and url.", param="url" if "url" in given else "email")
    if "email" in given:
        if not is_address(given["email"]):
            raise invalid("This is no e-mail address that mail can be sent to.", param="email")
        return "email", {"email": given["email"]}
    ports.check_url(given["url"], allow_private=ports.allow_private)
    return "webhook", {"url": given["url"], "secret": ports.new_secret()}


def read_collector(collector: Collector) -> dict[str, Any]:
    """The target of a syslog route, which only the operator makes: plain transports never leave this machine."""
    if collector.transport not in ("tls", "tcp", "udp") or not 0 < collector.port < 65536:
        raise invalid("A collector is tls://host:port, or on this machine tcp://host:port or udp://host:port.")
    if collector.transport != "tls" and not is_loopback(collector.host):
        raise invalid("Syslog leaves this machine over TLS only: use tls://host:port.")
    return dict(collector._asdict())


async def made(
    ports: Ports, who: Principal, *, kind: str, target: Mapping[str, Any], min_severity: str, now: int
) -> RouteRow:
    """A new route's row, its target sealed."""
    if len(await find_alerts.routes(ports.pool, who.account)) >= MOST_ROUTES:
        raise invalid(f"An account has at most {MOST_ROUTES} alert routes.", code="alert_routes_limit_exceeded")
    id_ = new_id("alrr")
    sealed = await seal(ports.box, who.account, id_, target=target)
    return RouteRow(who.account, id_, 1, now, kind, min_severity, enabled=True, deleted=False, sealed=sealed)


async def found(ports: Ports, who: Principal, id_: str) -> RouteRow:
    row = await store_delivery.route(ports.pool, who.account, id_)
    if row is None:
        raise missing("alert route", id_, param="route")
    return row


async def create_within(connection: Connection, who: Principal, row: RouteRow, *, request: str | None) -> None:
    await store_edit.insert_route(connection, row)
    detail = {"kind": row.kind, "min_severity": row.min_severity}
    await insert_audits(connection, [record(who, "alert_route.create", object_=row.id, request=request, detail=detail)])


async def delete_within(connection: Connection, who: Principal, row: RouteRow, *, request: str | None) -> None:
    gone = row._replace(version=row.version + 1, enabled=False, deleted=True, sealed=b"")
    told = record(who, "alert_route.delete", object_=row.id, request=request, detail={"kind": row.kind})
    await _move(connection, gone, told)


async def test_within(connection: Connection, who: Principal, queued: DeliveryRow, *, request: str | None) -> None:
    await store_delivery.put(
        connection, queued.account, id_=queued.id, alert=queued.alert, route=queued.route, now_ms=queued.created_ms
    )
    await insert_audits(connection, [record(who, "alert_route.test", object_=queued.route, request=request)])


async def _move(connection: Connection, row: RouteRow, told: AuditRow) -> None:
    if not await store_edit.update_route(connection, row):
        raise Moved
    await insert_audits(connection, [told])


async def _nothing(_connection: Connection) -> None:
    """What changes nothing writes nothing."""
