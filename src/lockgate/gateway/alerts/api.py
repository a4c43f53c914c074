"""The operations on alerts and on how they are told: the account's own, never another's."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lockgate.gateway.alerts import edit_alert, edit_route, edit_rule, edit_silence, find_alerts, render
from lockgate.gateway.alerts.core.rule import SEVERITIES
from lockgate.gateway.alerts.core.shapes import ALERT, ALERT_DELIVERY, ALERT_ROUTE, ALERT_RULE, ALERT_SILENCE, STATES
from lockgate.gateway.alerts.ports import Ports
from lockgate.gateway.alerts.target import unseal
from lockgate.gateway.storage.paging import cut, listing, no_cursor, page_of
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call, Handler, Operation
from lockgate.kernel.params import (
    Boolean,
    Choice,
    Integer,
    Listing,
    Object,
    Text,
    Timestamp,
    clearable,
    optional,
    required,
)

_KEPT_S = 30 * 24 * 3600
_ALERTS, _RULES, _ROUTES, _SILENCES = "/v1/alerts", "/v1/alert_rules", "/v1/alert_routes", "/v1/alert_silences"
_NONE = Object({})
_ROUTE = Object(
    {
        "email": optional(Text(254), "Where to mail; the person need not have an account here."),
        "url": optional(Text(2048), "Where to post: signed as our webhooks are, and to public addresses only."),
        "min_severity": optional(Choice(*SEVERITIES), "The least severity that is told here; by default all."),
    }
)
_ROUTE_CHANGE = Object({"min_severity": optional(Choice(*SEVERITIES)), "enabled": optional(Boolean())})
_RULE_CHANGE = Object(
    {
        "threshold": clearable(Integer(1, 10_000), "How many within the rule's window; empty for the built-in number."),
        "enabled": optional(Boolean(), "Whether the rule opens alerts for this account."),
    }
)
_SILENCE = Object(
    {
        "rule": required(Text(100), "The rule that is not told."),
        "subject": optional(Text(200), "Only for this subject, as its alerts name it."),
        "until": required(Timestamp(), "When it ends by itself: within 30 days."),
        "reason": required(Text(500), "Why, for whoever reads the audit log."),
    }
)


def operations(ports: Ports) -> list[Operation]:
    """/v1/alerts, /v1/alert_rules, /v1/alert_routes, /v1/alert_silences."""

    def flow(verb: Callable[[Ports, Call], Awaitable[Answer]]) -> Handler:
        async def handle(call: Call) -> Answer:
            return await verb(ports, call)

        return handle

    return [*_alerts(ports, flow), *_rules(ports, flow), *_routes(ports, flow), *_silences(ports, flow)]


Flow = Callable[[Callable[[Ports, Call], Awaitable[Answer]]], Handler]


def _alerts(ports: Ports, flow: Flow) -> list[Operation]:
    async def page(call: Call) -> Mapping[str, Any]:
        params = dict(call.params)
        asked = page_of(params)
        account = call.principal.account
        cursor = asked.before or asked.after
        if cursor is not None and await find_alerts.alert(ports.pool, account, cursor) is None:
            raise no_cursor("alert", asked)
        rows, more = cut(
            await find_alerts.alerts(ports.pool, account, asked, state=params.get("state"), rule=params.get("rule")),
            asked,
        )
        return listing(_ALERTS, [render.alert(row) for row in rows], has_more=more)

    async def one(call: Call) -> Mapping[str, Any]:
        row = await find_alerts.alert(ports.pool, call.principal.account, call.path["alert"])
        if row is None:
            raise missing("alert", call.path["alert"], param="alert")
        return render.alert(row)

    filters = {"state": optional(Choice(*STATES)), "rule": optional(Text(100))}
    return [
        Operation(
            name="alert.list", method="GET", path=_ALERTS, resource="alerts", access="read", handler=page,
            params=Listing(filters).object(), returns=ALERT, form="list", summary="The account's alerts, newest first.",
        ),
        Operation(
            name="alert.get", method="GET", path=f"{_ALERTS}/{{alert}}", resource="alerts", access="read", handler=one,
            params=_NONE, returns=ALERT, summary="One alert, with its evidence and what to do.",
        ),
        Operation(
            name="alert.acknowledge", method="POST", path=f"{_ALERTS}/{{alert}}/acknowledge", resource="alerts",
            access="write", handler=flow(edit_alert.acknowledge), params=_NONE, returns=ALERT,
            audit="alert.acknowledge", summary="Say that somebody looks after an alert; it goes on counting.",
        ),
        Operation(
            name="alert.resolve", method="POST", path=f"{_ALERTS}/{{alert}}/resolve", resource="alerts",
            access="write", handler=flow(edit_alert.resolve), params=_NONE, returns=ALERT, audit="alert.resolve",
            summary="End an alert; what happens from now on opens another.",
        ),
    ]  # fmt: skip


def _rules(ports: Ports, flow: Flow) -> list[Operation]:
    async def every(call: Call) -> Mapping[str, Any]:
        account = call.principal.account
        settings = await find_alerts.settings(ports.pool, account)
        shown = [render.rule(rule, settings.get(rule.name, (None, True))) for rule in edit_rule.visible(account)]
        return _paged(_RULES, shown, call, kind="alert rule")

    async def one(call: Call) -> Mapping[str, Any]:
        rule = edit_rule.found(call.principal.account, call.path["rule"])
        settings = await find_alerts.settings(ports.pool, call.principal.account)
        return render.rule(rule, settings.get(rule.name, (None, True)))

    return [
        Operation(
            name="alert_rule.list", method="GET", path=_RULES, resource="alerts", access="read", handler=every,
            params=Listing({}).object(), returns=ALERT_RULE, form="list",
            summary="The built-in rules, what each is about and what to do.",
        ),
        Operation(
            name="alert_rule.get", method="GET", path=f"{_RULES}/{{rule}}", resource="alerts", access="read",
            handler=one, params=_NONE, returns=ALERT_RULE, summary="One rule as it works for this account.",
        ),
        Operation(
            name="alert_rule.update", method="POST", path=f"{_RULES}/{{rule}}", resource="alerts", access="write",
            handler=flow(edit_rule.update_rule), params=_RULE_CHANGE, returns=ALERT_RULE, audit="alert_rule.update",
            privilege="alerts", summary="Give a rule another threshold, or switch it off, for this account.",
        ),
    ]  # fmt: skip


def _routes(ports: Ports, flow: Flow) -> list[Operation]:
    async def every(call: Call) -> Mapping[str, Any]:
        rows = await find_alerts.routes(ports.pool, call.principal.account)
        shown = [render.route(row, await unseal(ports.box, row.account, row.id, sealed=row.sealed)) for row in rows]
        return _paged(_ROUTES, shown, call, kind="alert route")

    async def one(call: Call) -> Mapping[str, Any]:
        row = await edit_route.found(ports, call.principal, call.path["route"])
        return render.route(row, await unseal(ports.box, row.account, row.id, sealed=row.sealed))

    async def deliveries(call: Call) -> Mapping[str, Any]:
        row = await edit_route.found(ports, call.principal, call.path["route"])
        rows = await find_alerts.deliveries(ports.pool, row.account, row.id, most=1000)
        return _paged(f"{_ROUTES}/{row.id}/deliveries", list(map(render.delivery, rows)), call, kind="alert delivery")

    one_path = f"{_ROUTES}/{{route}}"
    return [
        Operation(
            name="alert_route.list", method="GET", path=_ROUTES, resource="alerts", access="read", handler=every,
            params=Listing({}).object(), returns=ALERT_ROUTE, form="list", summary="Where alerts are told.",
        ),
        Operation(
            name="alert_route.get", method="GET", path=one_path, resource="alerts", access="read", handler=one,
            params=_NONE, returns=ALERT_ROUTE, summary="One route.",
        ),
        Operation(
            name="alert_route.create", method="POST", path=_ROUTES, resource="alerts", access="write",
            handler=flow(edit_route.create_route), params=_ROUTE, returns=ALERT_ROUTE, audit="alert_route.create",
            privilege="alerts", summary="Have alerts told by e-mail or to a webhook, whose secret is shown this once.",
        ),
        Operation(
            name="alert_route.update", method="POST", path=one_path, resource="alerts", access="write",
            handler=flow(edit_route.update_route), params=_ROUTE_CHANGE, returns=ALERT_ROUTE,
            audit="alert_route.update", privilege="alerts",
            summary="Change a route's least severity, or switch it off.",
        ),
        Operation(
            name="alert_route.delete", method="DELETE", path=one_path, resource="alerts", access="write",
            handler=flow(edit_route.delete_route), params=_NONE, returns=ALERT_ROUTE, form="deleted",
            audit="alert_route.delete", privilege="alerts", summary="Remove a route.",
        ),
        Operation(
            name="alert_route.test", method="POST", path=f"{one_path}/test", resource="alerts", access="write",
            handler=flow(edit_route.test_route), params=_NONE, returns=ALERT_DELIVERY, audit="alert_route.test",
            summary="Send a test by a route.",
        ),
        Operation(
            name="alert_route.list_deliveries", method="GET", path=f"{one_path}/deliveries", resource="alerts",
            access="read", handler=deliveries, params=Listing({}).object(), returns=ALERT_DELIVERY, form="list",
            summary="What came of the alerts that went by a route.",
        ),
    ]  # fmt: skip


def _silences(ports: Ports, flow: Flow) -> list[Operation]:
    async def every(call: Call) -> Mapping[str, Any]:
        rows = await find_alerts.silences(ports.pool, call.principal.account, since=call.now - _KEPT_S)
        return _paged(_SILENCES, list(map(render.silence, rows)), call, kind="alert silence")

    return [
        Operation(
            name="alert_silence.list", method="GET", path=_SILENCES, resource="alerts", access="read", handler=every,
            params=Listing({}).object(), returns=ALERT_SILENCE, form="list",
            summary="What is not told, and what was not in the last 30 days.",
        ),
        Operation(
            name="alert_silence.create", method="POST", path=_SILENCES, resource="alerts", access="write",
            handler=flow(edit_silence.create_silence), params=_SILENCE, returns=ALERT_SILENCE,
            audit="alert_silence.create", privilege="alerts",
            summary="Have a rule's alerts not told for a while; they are still opened and counted.",
        ),
        Operation(
            name="alert_silence.delete", method="DELETE", path=f"{_SILENCES}/{{silence}}", resource="alerts",
            access="write", handler=flow(edit_silence.end_silence), params=_NONE, returns=ALERT_SILENCE, form="deleted",
            audit="alert_silence.end", privilege="alerts", summary="End a silence now.",
        ),
    ]  # fmt: skip


def _paged(url: str, shown: Sequence[Mapping[str, Any]], call: Call, *, kind: str) -> Mapping[str, Any]:
    """A page of a list that is short enough to be read whole."""
    asked = page_of(dict(call.params))
    places = {one["id"]: place for place, one in enumerate(shown)}
    cursor = asked.before or asked.after
    if cursor is not None:
        if cursor not in places:
            raise no_cursor(kind, asked)
        place = places[cursor]
        shown = shown[:place][::-1] if asked.backwards else shown[place + 1 :]
    kept, more = cut(shown, asked)
    return listing(url, kept, has_more=more)
