"""Sets and removes limits: one transaction with its record; what the operator set only the operator changes."""

from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.web import find_limits, store_limits
from lockgate.gateway.web.find_limits import LimitRow
from lockgate.gateway.web.limits_rules import OPEN_CLASSES, PLATFORM, Rule
from lockgate.kernel.errors import Kind, Refusal, invalid, missing
from lockgate.kernel.principal import Principal

MOST_RULES = 200


def check(rule: Rule) -> None:
    """Refuse a rule that says nothing."""
    if rule.subject and rule.scope not in ("key", "person", "app"):
        raise invalid("Only a limit of keys, persons or apps can name one of them.", param="subject")
    if rule.cls in OPEN_CLASSES and rule.scope != "address":
        raise invalid("What comes without a key is limited by its address alone.", param="scope")
    if rule.at_once is not None and (rule.cls or rule.scope == "address"):
        raise invalid("Requests under way are limited per key, person, app or account, of all classes together.",
                      param="at_once")  # fmt: skip


async def put(
    connection: Connection, by: Principal, rule: Rule, *, now: int, request: str | None = None
) -> LimitRow:
    """Write a rule, in the place of one about the same, in the caller's transaction."""
    check(rule)
    await store_limits.lock_limits(connection, by.account)
    rows = [row for row in await find_limits.limit_rows(connection, by.account, by.livemode)
            if row.account == by.account]  # fmt: skip
    same = next((row for row in rows if _about(row.rule) == _about(rule)), None)
    operator = by.kind == "internal"
    if same is not None and same.by_operator and not operator:
        raise _operators()
    if same is None and len(rows) >= MOST_RULES:
        raise invalid(f"An account can have at most {MOST_RULES} limits of its own.", code="limits_limit_exceeded")
    id_ = await store_limits.put_limit(
        connection, account=by.account, livemode=by.livemode, created=now, by_operator=operator, rule=rule
    )
    kept = rule._replace(id=id_)
    detail = {"before": None if same is None else _shown(same.rule), "after": _shown(kept)}
    await insert_audits(connection, [record(by, "limit.set", object_=id_, request=request, detail=detail)])
    return LimitRow(kept, by.account, now if same is None else same.created, operator, 0, 0)


async def remove(connection: Connection, by: Principal, id_: str, *, request: str | None = None) -> None:
    """Remove a rule: what it replaced holds again."""
    row = await find_limits.limit_row(connection, by, id_)
    if row is None:
        raise missing("rate_limit", id_, param="rate_limit")
    if row.by_operator and by.kind != "internal":
        raise _operators()
    await store_limits.delete_limit(connection, account=by.account, livemode=by.livemode, id_=id_)
    detail = {"before": _shown(row.rule)}
    await insert_audits(connection, [record(by, "limit.delete", object_=id_, request=request, detail=detail)])


def platform(by: Principal) -> Principal:
    """The operator, for all accounts."""
    return Principal(PLATFORM, False, by.kind, by.id)


def _about(rule: Rule) -> tuple[str, str, str, str]:
    return rule.scope, rule.subject, rule.cls, rule.mode


def _shown(rule: Rule) -> dict[str, Any]:
    return rule._asdict()


def _operators() -> Refusal:
    return Refusal(
        Kind.FORBIDDEN, "The operator of this installation set this limit.", code="limit_set_by_operator"
    )
