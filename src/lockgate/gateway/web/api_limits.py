"""The operations on limits: which hold for an account, and what it sets itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.identity.create import DEFAULT_RATES
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import listing, page_of, part
from lockgate.gateway.storage.write import transact
from lockgate.gateway.web import find_limits, set_limit
from lockgate.gateway.web.find_limits import LimitRow
from lockgate.gateway.web.limits_rules import CLASSES, MODES, OPERATION_CLASSES, SCOPES, Rule, Rules, effective
from lockgate.kernel.errors import missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Choice, Integer, Listing, Object, Text, optional, required
from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const, one_of

_URL = "/v1/rate_limits"
_ONE = f"{_URL}/{{rate_limit}}"
MOST = 100_000
LONGEST_S = 86_400
_SET = Object(
    {
        "scope": required(Choice(*SCOPES), "Whose requests are counted together."),
        "subject": optional(
            Text(100, pattern=r"[A-Za-z0-9_.\-]+"), "The id of one key, person or app; without it, each of them."
        ),
        "class": optional(Choice(*OPERATION_CLASSES), "Which operations; without it, all of them together."),
        "rate": required(Integer(1, MOST), "How many requests in per_seconds."),
        "per_seconds": optional(Integer(1, LONGEST_S), "In how many seconds; 1 if left out."),
        "burst": required(Integer(1, MOST), "How many of them at once."),
        "at_once": optional(Integer(1, MOST), "How many requests may be under way."),
        "mode": optional(Choice(*MODES), "enforce refuses; observe only counts what it would refuse."),
    }
)
RATE_LIMIT = Shape(
    "rate_limit",
    {
        "id": Field(STRING),
        "object": Field(const("rate_limit"), default="rate_limit"),
        "at_once": Field(INTEGER, nullable=True),
        "burst": Field(INTEGER),
        "class": Field(one_of(*CLASSES), nullable=True),
        "created": Field(INTEGER, nullable=True),
        "livemode": Field(BOOLEAN),
        "mode": Field(one_of(*MODES)),
        "observed": Field(OBJECT, nullable=True),
        "per_seconds": Field(INTEGER),
        "rate": Field(INTEGER),
        "scope": Field(one_of(*SCOPES)),
        "set_by": Field(one_of("account", "default", "operator")),
        "subject": Field(STRING, nullable=True),
    },
)


def shown(rule: Rule, *, set_by: str, livemode: bool, row: LimitRow | None = None) -> dict[str, Any]:
    """A limit as an account sees it."""
    observed = None
    if row is not None and rule.mode == "observe":
        observed = {"asked": row.asked, "would_refuse": row.would_refuse}
    return RATE_LIMIT.render(
        {
            "id": rule.id,
            "at_once": rule.at_once,
            "burst": rule.burst,
            "class": rule.cls or None,
            "created": None if row is None else row.created,
            "livemode": livemode,
            "mode": rule.mode,
            "observed": observed,
            "per_seconds": rule.per_s,
            "rate": rule.rate,
            "scope": rule.scope,
            "set_by": set_by,
            "subject": rule.subject or None,
        }
    )


async def all_of(pool: Pool | Connection, account: str, livemode: bool) -> Sequence[dict[str, Any]]:
    """Every limit that holds for an account: what was set, by whom, and the defaults where nobody said anything."""
    rows = await find_limits.limit_rows(pool, account, livemode)
    by_id = {row.rule.id: row for row in rows}
    rules = Rules(
        own=[row.rule for row in rows if not row.by_operator], operator=[row.rule for row in rows if row.by_operator]
    )
    rate, burst = DEFAULT_RATES["secret"]
    return [
        shown(rule, set_by=by, livemode=livemode, row=by_id.get(rule.id))
        for rule, by in effective(rules, rate=rate, burst=burst)
    ]


def operations(pool: Pool) -> list[Operation]:
    """GET and POST /v1/rate_limits; GET and DELETE /v1/rate_limits/{rate_limit}."""

    async def page(call: Call) -> Mapping[str, Any]:
        who = call.principal
        limits = await all_of(pool, who.account, who.livemode)
        kept, more = part(limits, page_of(dict(call.params)), "rate_limit", id_of=lambda one: one["id"])
        return listing(_URL, kept, has_more=more)

    async def one(call: Call) -> Mapping[str, Any]:
        who, id_ = call.principal, call.path["rate_limit"]
        for limit in await all_of(pool, who.account, who.livemode):
            if limit["id"] == id_:
                return limit
        raise missing("rate_limit", id_, param="rate_limit")

    async def put(call: Call) -> Answer:
        who, given = call.principal, call.params
        rule = Rule(
            new_id("rl"), given["scope"], given.get("subject", ""), given.get("class", ""), given["rate"],
            given.get("per_seconds", 1), given["burst"], given.get("at_once"), given.get("mode", "enforce"),
        )  # fmt: skip
        set_limit.check(rule)
        same = await find_limits.same_limit(pool, who, rule)
        if same is not None:
            rule = rule._replace(id=same.rule.id)
        row = LimitRow(rule, who.account, call.now if same is None else same.created, False, 0, 0)

        async def work(connection: Connection) -> None:
            await set_limit.put(connection, who, rule, now=call.now, request=call.request_id)

        rendered = shown(rule, set_by="account", livemode=who.livemode, row=row)
        return await transact(pool, call, rendered=rendered, work=work)

    async def remove(call: Call) -> Answer:
        who, id_ = call.principal, call.path["rate_limit"]

        async def work(connection: Connection) -> None:
            await set_limit.remove(connection, who, id_, request=call.request_id)

        rendered = {"id": id_, "object": "rate_limit", "deleted": True}
        return await transact(pool, call, rendered=rendered, work=work)

    return [
        Operation(
            name="rate_limit.list", method="GET", path=_URL, resource="limits", access="read", handler=page,
            params=Listing({}).object(), returns=RATE_LIMIT, form="list",
            summary="Every limit that holds for this account in this mode: defaults, the operator's, its own.",
        ),
        Operation(
            name="rate_limit.get", method="GET", path=_ONE, resource="limits", access="read", handler=one,
            params=Object({}), returns=RATE_LIMIT, summary="One limit; of one that only watches, what it has seen.",
        ),
        Operation(
            name="rate_limit.set", method="POST", path=_URL, resource="limits", access="write", handler=put,
            params=_SET, returns=RATE_LIMIT, audit="limit.set", privilege="limits",
            summary="Set a limit, in the place of one about the same. It is felt within a second.",
        ),
        Operation(
            name="rate_limit.delete", method="DELETE", path=_ONE, resource="limits", access="write", handler=remove,
            params=Object({}), returns=RATE_LIMIT, form="deleted", audit="limit.delete", privilege="limits",
            summary="Remove a limit that this account set: what it replaced holds again.",
        ),
    ]  # fmt: skip
