"""Reads of rules, their versions and the value lists that they may name: the account and mode first."""

import json
from typing import NamedTuple

from lockgate.gateway.rules.core.nodes import from_json
from lockgate.gateway.rules.core.ruleset import Named, Ruleset
from lockgate.gateway.rules.core.types import Lists
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class RuleRow(NamedTuple):
    """A rule as it is now. ``tree`` is the JSON of what ``text`` says."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    updated: int
    action: str
    state: str
    text: str
    tree: str
    description: str | None
    deleted: bool


class VersionRow(NamedTuple):
    """One version of a rule, in force from ``revision`` on. The last of a rule that is gone has the state deleted."""

    account: str
    livemode: bool
    rule: str
    version: int
    revision: int
    created: int
    author: str
    state: str
    text: str
    tree: str


async def rule(pool: Pool | Connection, principal: Principal, id_: str, *, param: str = "risk_rule") -> RuleRow:
    """The rule ``id_``; a deleted one is missing."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, updated, action, state, text, tree, description, deleted"
        " from risk_rule where account = $1 and livemode = $2 and id = $3 and not deleted",
        *(principal.account, principal.livemode, id_),
    )
    if row is None:
        raise missing("risk_rule", id_, param=param)
    return RuleRow(*row)


async def rule_page(
    pool: Pool, principal: Principal, page: Page, *, state: str | None, action: str | None
) -> list[RuleRow]:
    """One row more than the page holds, newest first."""
    cursor = page.after or page.before
    values = (principal.account, principal.livemode, page.limit + 1, cursor, state, action)
    if cursor is not None and not await pool.fetchval(
        "select exists (select from risk_rule where account = $1 and livemode = $2 and id = $3)",
        *(principal.account, principal.livemode, cursor),
    ):
        raise no_cursor("risk_rule", page)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, updated, action, state, text, tree, description, deleted"
            " from risk_rule where account = $1 and livemode = $2 and not deleted and id > $4"
            " and ($5::text is null or state = $5) and ($6::text is null or action = $6) order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, updated, action, state, text, tree, description, deleted"
            " from risk_rule where account = $1 and livemode = $2 and not deleted and ($4::text is null or id < $4)"
            " and ($5::text is null or state = $5) and ($6::text is null or action = $6) order by id desc limit $3",
            *values,
        )
    return [RuleRow(*row) for row in rows]


async def versions(pool: Pool, principal: Principal, id_: str) -> list[VersionRow]:
    """Every version of a rule, the newest first, of deleted rules too."""
    rows = await pool.fetch(
        "select account, livemode, rule, version, revision, created, author, state, text, tree"
        " from risk_rule_version where account = $1 and livemode = $2 and rule = $3 order by version desc",
        *(principal.account, principal.livemode, id_),
    )
    if not rows:
        raise missing("risk_rule", id_, param="risk_rule")
    return [VersionRow(*row) for row in rows]


async def lists(pool: Pool | Connection, principal: Principal) -> Lists:
    """The aliases of the value lists that there are, and what they hold."""
    rows = await pool.fetch(
        "select alias, item_type from value_list where account = $1 and livemode = $2 and not deleted",
        *(principal.account, principal.livemode),
    )
    return dict(map(tuple, rows))


async def ruleset(pool: Pool, account: str, livemode: bool, *, held: Ruleset | None) -> Ruleset:
    """The rules that are asked now; ``held`` itself when nothing was changed since."""
    rows = await pool.fetch(
        "select s.revision, r.id, r.version, r.state, r.tree from risk_ruleset s left join risk_rule r"
        " on r.account = s.account and r.livemode = s.livemode and not r.deleted and r.state <> 'disabled'"
        " where s.account = $1 and s.livemode = $2 and s.revision <> $3 order by r.id",
        *(account, livemode, 0 if held is None else held.revision),
    )
    if not rows:
        return held or Ruleset([])
    return _built([tuple(row)[1:] for row in rows if row["id"] is not None], revision=rows[0]["revision"])


async def ruleset_at(pool: Pool, account: str, livemode: bool, *, revision: int) -> Ruleset:
    """The rules that were asked at ``revision``, which a decision names."""
    rows = await pool.fetch(
        "select distinct on (rule) rule, version, state, tree from risk_rule_version"
        " where account = $1 and livemode = $2 and revision <= $3 order by rule, version desc",
        *(account, livemode, revision),
    )
    return _built([tuple(row) for row in rows if row["state"] in ("enabled", "shadow")], revision=revision)


def _built(rows: list[tuple[str, int, str, str]], *, revision: int) -> Ruleset:
    named = [
        Named(id_, version, from_json(json.loads(tree)), state == "shadow") for id_, version, state, tree in rows
    ]
    return Ruleset(named, revision=revision)
