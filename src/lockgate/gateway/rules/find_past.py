"""The back-test: one read over an account's stored decisions, which asks a rule of each of them."""

from typing import Any, NamedTuple

from lockgate.gateway.rules.core.fragments import Condition
from lockgate.gateway.rules.core.nodes import Rule
from lockgate.gateway.rules.core.tally import Group
from lockgate.gateway.storage.database import CANCELED, Pool
from lockgate.kernel.principal import Principal

LONGEST_S = 10

_READ = (
    "select verdict, challenge, flagged, matched, known, count(*), coalesce(sum(amount), 0)::bigint from ("
    "  select d.verdict, d.challenge, d.flagged, coalesce(({condition}), false) as matched,"
    "  case when f.attempt is not null then 'fraud' when g.attempt is not null then 'good' else 'unknown' end as known,"
    "  {amount} as amount from risk_decision d"
    "  left join risk_fraud f on f.account = $1 and f.livemode = $2 and f.attempt = d.attempt"
    "  left join (select distinct l.attempt from risk_label l where l.account = $1 and l.livemode = $2 and not l.fraud"
    "   and l.attempt is not null) g on g.attempt = d.attempt"
    "  where d.account = $1 and d.livemode = $2 and d.at_ms >= $3 and d.at_ms < $4 offset 0"
    " ) alike group by 1, 2, 3, 4, 5"
)
"""``{condition}`` and ``{amount}`` are the places for fixed fragments, whose values are parameters. ``offset 0``
has it asked where a decision is read, so that what is passed on and grouped is small."""

_MATCHES = (
    "select d.id from risk_decision d where d.account = $1 and d.livemode = $2 and d.id = any($3::text[])"
    " and ({condition})"
)


_LISTED_NOW = (
    "(case when {known} then exists (select from value_list l join value_list_item i"
    "  on i.account = l.account and i.livemode = l.livemode and i.value_list = l.id and not i.deleted"
    "  where l.account = $1 and l.livemode = $2 and l.alias = {alias} and not l.deleted and i.value_index in ("
    "   select decode(h.hash, 'hex') from jsonb_array_elements_text(d.data -> 'hashes' -> {name}) h (hash))) end)"
)


def _listed_now(known: str, name: str, alias: str) -> str:
    return _LISTED_NOW.replace("{known}", known).replace("{name}", name).replace("{alias}", alias)


_PLAN = (
    "set local enable_nestloop = off; set local enable_sort = off;"
    " set local parallel_setup_cost = 0; set local parallel_tuple_cost = 0; set local min_parallel_table_scan_size = 0;"
    " set local min_parallel_index_scan_size = 0"
)
"""One pass that hashes and never sorts whole decisions, on all cores it may have, however old the statistics are."""


class Past(NamedTuple):
    """What was decided of one payment, as it is stored. ``ruleset`` is the revision of the account's rules."""

    id: str
    ruleset: str
    data: str
    attributes: bytes
    others: str


class TooLong(Exception):
    """The time was over before the read was."""


async def groups(
    pool: Pool, principal: Principal, rule: Rule, *, from_ms: int, to_ms: int, lists_now: bool
) -> list[Group]:
    """What ``rule`` matches from ``from_ms`` until before ``to_ms``, read only and for at most ``LONGEST_S``.

    ``lists_now`` asks the value lists as they are today, by the hashes that were stored; else the memberships that were
    stored count. Of a list whose type of value nobody had a list of then, no hash was stored: nothing stands in it.
    """
    condition = Condition(rule.when, first=5, listed=_listed_now if lists_now else None)
    statement = _READ.replace("{condition}", condition.text).replace("{amount}", condition.amount())
    values = (principal.account, principal.livemode, from_ms, to_ms, *condition.parameters)
    rows = await _bounded(pool, statement, values)
    return [Group(*row) for row in rows]


async def matches(pool: Pool, account: str, livemode: bool, *, rule: Rule, decisions: list[str]) -> set[str]:
    """Which of ``decisions`` a rule matches by the back-test's lights."""
    condition = Condition(rule.when, first=4)
    values = (account, livemode, decisions, *condition.parameters)
    return {row["id"] for row in await _bounded(pool, _MATCHES.replace("{condition}", condition.text), values)}


async def decisions(pool: Pool, account: str, livemode: bool, *, after: str, most: int) -> list[Past]:
    """The next ``most`` decisions behind the id ``after``."""
    rows = await pool.fetch(
        "select id, ruleset, data, attributes, others from risk_decision"
        " where account = $1 and livemode = $2 and id > $3 order by id limit $4",
        *(account, livemode, after, most),
    )
    return [Past(*row) for row in rows]


async def _bounded(pool: Pool, statement: str, values: tuple[Any, ...]) -> list[Any]:
    """Read in a transaction that cannot write and cannot last."""
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        await connection.execute("select set_config('statement_timeout', $1, true)", f"{LONGEST_S}s")
        await connection.execute(_PLAN)
        try:
            return await connection.fetch(statement, *values)
        except CANCELED as error:
            raise TooLong from error
