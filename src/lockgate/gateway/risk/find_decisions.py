"""Reads of decisions on payments: the principal first."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, bounds, no_cursor
from lockgate.gateway.storage.records import RiskDecisionRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class Wanted(NamedTuple):
    """Which decisions are asked for; None is any."""

    charge: str | None
    intent: str | None
    verdict: str | None
    created: Mapping[str, int]


async def decision(pool: Pool, principal: Principal, id_: str, *, param: str = "decision") -> RiskDecisionRow:
    """The decision ``id_``."""
    row = await pool.fetchrow(
        "select account, livemode, id, created, at_ms, attempt, intent, charge, verdict, challenge, flagged, score,"
        " model, ruleset, rule, data, attributes, others from risk_decision"
        " where account = $1 and livemode = $2 and id = $3",
        principal.account,
        principal.livemode,
        id_,
    )
    if row is None:
        raise missing("risk_decision", id_, param=param)
    return RiskDecisionRow(*row)


async def decision_page(pool: Pool, principal: Principal, page: Page, wanted: Wanted) -> list[RiskDecisionRow]:
    """One row more than the page holds."""
    cursor = page.after or page.before
    if cursor is not None and not await _is_known(pool, principal, cursor):
        raise no_cursor("risk_decision", page)
    values = (
        principal.account, principal.livemode, page.limit + 1, cursor, *bounds(wanted.created),
        wanted.charge, wanted.intent, wanted.verdict,
    )  # fmt: skip
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, created, at_ms, attempt, intent, charge, verdict, challenge, flagged, score,"
            " model, ruleset, rule, data, attributes, others from risk_decision"
            " where account = $1 and livemode = $2 and id > $4 and created between $5 and $6"
            " and ($7::text is null or charge = $7) and ($8::text is null or intent = $8)"
            " and ($9::text is null or verdict = $9) order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, created, at_ms, attempt, intent, charge, verdict, challenge, flagged, score,"
            " model, ruleset, rule, data, attributes, others from risk_decision"
            " where account = $1 and livemode = $2 and ($4::text is null or id < $4) and created between $5 and $6"
            " and ($7::text is null or charge = $7) and ($8::text is null or intent = $8)"
            " and ($9::text is null or verdict = $9) order by id desc limit $3",
            *values,
        )
    return [RiskDecisionRow(*row) for row in rows]


async def _is_known(pool: Pool, principal: Principal, id_: str) -> bool:
    return await pool.fetchval(
        "select exists (select from risk_decision where account = $1 and livemode = $2 and id = $3)",
        principal.account,
        principal.livemode,
        id_,
    )


def data_of(row: RiskDecisionRow) -> dict[str, Any]:
    """What stands in the row beside its columns."""
    return json.loads(row.data)
