"""Reads of the door's own tables: rules about how fast, recorded traffic, and buckets from before a restart."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.web.limits_rules import PLATFORM, Rule, Rules
from lockgate.kernel.principal import Principal


class LimitRow(NamedTuple):
    """A rule as it is kept, with what was counted by it if it only watches."""

    rule: Rule
    account: str
    created: int
    by_operator: bool
    asked: int
    would_refuse: int


class TrafficRow(NamedTuple):
    """One hour of one kind of request: ``seconds`` holds pairs of a second in the hour and how many came in it."""

    hour: int
    subject: str
    cls: str
    sender: str
    asked: int
    refused: int
    seconds: bytes


async def rules(pool: Pool, account: str, livemode: bool) -> Rules:
    """All rules that hold for an account and mode."""
    found = await limit_rows(pool, account, livemode)
    ordered = sorted(found, key=lambda row: row.account != PLATFORM)  # what is about the account comes over the rest
    return Rules(
        own=[row.rule for row in ordered if not row.by_operator],
        operator=[row.rule for row in ordered if row.by_operator],
    )


async def limit_rows(pool: Pool | Connection, account: str, livemode: bool) -> list[LimitRow]:
    """The rules of an account and mode, and the operator's for all accounts; oldest first."""
    rows = await pool.fetch(
        "select id, scope, subject, class, rate, per_s, burst, at_once, mode, account, created, by_operator, asked,"
        " would_refuse from rate_limit where (account = $1 and livemode = $2) or account = $3 order by created, id",
        account,
        livemode,
        PLATFORM,
    )
    return [LimitRow(Rule(*row[:9]), *row[9:]) for row in rows]


async def same_limit(pool: Pool, principal: Principal, rule: Rule) -> LimitRow | None:
    """The principal's rule about the same as ``rule``, if it has one."""
    rows = await limit_rows(pool, principal.account, principal.livemode)
    about = (rule.scope, rule.subject, rule.cls, rule.mode)
    return next(
        (
            row
            for row in rows
            if row.account == principal.account
            and (row.rule.scope, row.rule.subject, row.rule.cls, row.rule.mode) == about
        ),
        None,
    )


async def limit_row(connection: Connection, principal: Principal, id_: str) -> LimitRow | None:
    """One rule of the principal's account, held until this transaction ends."""
    row = await connection.fetchrow(
        "select id, scope, subject, class, rate, per_s, burst, at_once, mode, account, created, by_operator, asked,"
        " would_refuse from rate_limit where account = $1 and livemode = $2 and id = $3 for update",
        principal.account,
        principal.livemode,
        id_,
    )
    return None if row is None else LimitRow(Rule(*row[:9]), *row[9:])


async def traffic(pool: Pool | Connection, account: str, livemode: bool, *, since_hour: int) -> Sequence[TrafficRow]:
    """What was recorded of an account's requests, oldest first."""
    rows = await pool.fetch(
        "select hour, subject, class, sender, asked, refused, seconds from traffic"
        " where account = $1 and livemode = $2 and hour >= $3 order by hour, subject, class, sender",
        account,
        livemode,
        since_hour,
    )
    return [TrafficRow(*row) for row in rows]


async def limit_state(pool: Pool) -> dict[bytes, int]:
    """The buckets that were busy when a process of this installation last said so, and until when."""
    return {row[0]: row[1] for row in await pool.fetch("select bucket, until_ms from limit_state")}
