"""The operations on rules that merchants write: their texts, their versions, checks and back-tests."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.rules import backtest, check_rule, edit_rule, find, render
from lockgate.gateway.rules.core.lexer import LONGEST
from lockgate.gateway.rules.core.nodes import ACTIONS
from lockgate.gateway.rules.core.ruleset import STATES
from lockgate.gateway.rules.core.shapes import RISK_BACKTEST, RISK_RULE, RISK_RULE_CHECK, RISK_RULE_VERSION
from lockgate.gateway.rules.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of, part
from lockgate.kernel.operations import Answer, Call, Handler, Operation
from lockgate.kernel.params import Choice, Listing, Object, Text, Timestamp, clearable, optional, required

_RULES = "/v1/risk/rules"
_RULE = f"{_RULES}/{{risk_rule}}"
_NOTHING = Object({})
_TEXT = Text(LONGEST)
_STATE = optional(Choice(*STATES), "enabled; or shadow: asked and recorded, deciding nothing; or disabled.")
_CREATE = Object(
    {
        "rule": required(_TEXT, "The rule, such as: block if :ip_country: != :card_country:"),
        "state": _STATE,
        "description": optional(Text(500), "What it is for; the merchant's own words."),
    }
)
_UPDATE = Object({"rule": optional(_TEXT), "state": _STATE, "description": clearable(Text(500))})
_LIST = Listing({"state": optional(Choice(*STATES)), "action": optional(Choice(*ACTIONS))}).object()
_BACKTEST = Object(
    {
        "rule": optional(_TEXT, "The text of a rule; or else risk_rule."),
        "risk_rule": optional(Text(255), "The id of a rule."),
        "from": optional(Timestamp(), "The first second; by default 30 days before to."),
        "to": optional(Timestamp(), "The second after the last; by default now."),
        "lists": optional(Choice("then", "now"), "Value lists as they were then (by default), or as they are now."),
    }
)


def operations(ports: Ports) -> list[Operation]:
    """/v1/risk/rules and /v1/risk/backtests."""

    def flow(verb: Callable[[Ports, Call], Awaitable[Answer | Mapping[str, Any]]]) -> Handler:
        async def handle(call: Call) -> Answer | Mapping[str, Any]:
            return await verb(ports, call)

        return handle

    return [
        Operation(
            name="risk_rule.create", method="POST", path=_RULES, resource="risk_rules", access="write",
            handler=flow(edit_rule.create), params=_CREATE, returns=RISK_RULE, audit="risk_rule.create",
            privilege="risk", limit="admin", summary="Write a rule about payments.",
        ),
        Operation(
            name="risk_rule.list", method="GET", path=_RULES, resource="risk_rules", access="read",
            handler=flow(_list), params=_LIST, returns=RISK_RULE, form="list", summary="Rules, newest first.",
        ),
        Operation(
            name="risk_rule.check", method="POST", path=f"{_RULES}/check", resource="risk_rules", access="write",
            handler=flow(check_rule.check), params=Object({"rule": required(_TEXT)}), returns=RISK_RULE_CHECK,
            audit="risk_rule.check", summary="Say whether a text is a rule, and what is wrong with it.",
        ),
        Operation(
            name="risk_rule.get", method="GET", path=_RULE, resource="risk_rules", access="read",
            handler=flow(_get), params=_NOTHING, returns=RISK_RULE, summary="One rule.",
        ),
        Operation(
            name="risk_rule.update", method="POST", path=_RULE, resource="risk_rules", access="write",
            handler=flow(edit_rule.update), params=_UPDATE, returns=RISK_RULE, audit="risk_rule.update",
            privilege="risk", limit="admin", summary="Change a rule, or put it in shadow, or switch it off.",
        ),
        Operation(
            name="risk_rule.delete", method="DELETE", path=_RULE, resource="risk_rules", access="write",
            handler=flow(edit_rule.delete), params=_NOTHING, returns=RISK_RULE, form="deleted",
            audit="risk_rule.delete", privilege="risk", limit="admin", summary="Delete a rule; its versions remain.",
        ),
        Operation(
            name="risk_rule.versions", method="GET", path=f"{_RULE}/versions", resource="risk_rules", access="read",
            handler=flow(_versions), params=Listing({}).object(), returns=RISK_RULE_VERSION, form="list",
            summary="Every version of a rule, who wrote it and when.",
        ),
        Operation(
            name="risk_backtest.run", method="POST", path="/v1/risk/backtests", resource="risk_rules", access="write",
            handler=flow(backtest.run), params=_BACKTEST, returns=RISK_BACKTEST, audit="risk_backtest.run",
            limit="search", summary="Ask a rule of stored decisions: what it would have stopped, caught and missed.",
        ),
    ]  # fmt: skip


async def _get(ports: Ports, call: Call) -> Mapping[str, Any]:
    return render.rule(await find.rule(ports.pool, call.principal, call.path["risk_rule"]))


async def _list(ports: Ports, call: Call) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    rows, more = cut(
        await find.rule_page(
            ports.pool, call.principal, page, state=given.get("state"), action=given.get("action")
        ),
        page,
    )
    return listing(_RULES, [render.rule(row) for row in rows], has_more=more)


async def _versions(ports: Ports, call: Call) -> Mapping[str, Any]:
    page = page_of(dict(call.params))
    rows = await find.versions(ports.pool, call.principal, call.path["risk_rule"])
    shown, more = part(
        [render.version(row) for row in rows], page, "risk_rule_version", id_of=lambda one: one["id"]
    )
    return listing(f"{_RULES}/{call.path['risk_rule']}/versions", shown, has_more=more)
