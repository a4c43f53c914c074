"""Reads of the alert engine: what the audit log has gained, and what is known about it already."""

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from lockgate.gateway.alerts.core.rule import Known, Record
from lockgate.gateway.identity.core.place import Place
from lockgate.gateway.storage.database import Connection

MOST_KNOWN = 500


class Page(NamedTuple):
    """A stretch of the audit log: transactions from ``first`` up to, and without, ``end``. ``whole``: up to now."""

    first: int
    end: int
    whole: bool


class Key(NamedTuple):
    """What has one open alert at most."""

    account: str
    rule: str
    subject: str


class Used(NamedTuple):
    """A person or key, and an address that it was used from within one page."""

    account: str
    actor: str
    address: str
    first_ms: int
    last_ms: int
    record: str


class Standing(NamedTuple):
    """An alert that is not resolved."""

    id: str
    count_: int
    first_ms: int
    last_ms: int
    evidence: list[dict[str, object]]


async def gained(connection: Connection, page: Page, actions: Collection[str]) -> tuple[list[Record], list[Used]]:
    """What the page holds, of all accounts, in one scan: its records of ``actions`` in the order of their commits, and
    who was used from where: keys of servers by whatever they asked, people by what they did.
    """
    rows = await connection.fetch(
        "with page as (select tx, account, id, created_ms, action, outcome, actor, object, address,"
        " request, detail from audit where tx >= $1 and tx < $2)"
        " select tx, account, id, created_ms, action, outcome, actor, object, address, request, detail,"
        " null::bigint as last_ms from page where action = any($3::text[])"
        " union all select 0, account, min(id), min(created_ms), '', '', actor, null, address, null, null,"
        " max(created_ms) from page where account <> '-' and address is not null and address <> '*'"
        " and (actor like 'secret:%' or actor like 'restricted:%' or actor like 'person:%' and outcome = 'done'"
        "  and action <> 'person.sign_in_begun')"
        " group by account, actor, address order by 1, 3",
        *(page.first, page.end, list(actions)),
    )
    records = [Record(*row[1:10], detail=_detail(row["detail"])) for row in rows if row["last_ms"] is None]
    used = [
        Used(row["account"], row["actor"], row["address"], row["created_ms"], row["last_ms"], row["id"])
        for row in rows
        if row["last_ms"] is not None
    ]
    return records, sorted(used, key=lambda use: use.first_ms)


async def standing(connection: Connection, keys: Sequence[Key]) -> dict[Key, Standing]:
    """The unresolved alerts of ``keys``."""
    rows = await connection.fetch(
        "select a.account, a.rule, a.subject, a.id, a.count, a.first_ms, a.last_ms, a.evidence from alert a"
        " join unnest($1::text[], $2::text[], $3::text[]) k(account, rule, subject)"
        " on a.account = k.account and (a.rule, a.subject) = (k.rule, k.subject) where a.state <> 'resolved'",
        *_columns(keys),
    )
    return {Key(*row[:3]): Standing(*row[3:7], evidence=json.loads(row["evidence"])) for row in rows}


async def windows(connection: Connection, keys: Sequence[Key]) -> dict[Key, tuple[int, ...]]:
    """The times that count so far for ``keys``."""
    rows = await connection.fetch(
        "select w.account, w.rule, w.subject, w.times from alert_window w"
        " join unnest($1::text[], $2::text[], $3::text[]) k(account, rule, subject)"
        " on w.account = k.account and (w.rule, w.subject) = (k.rule, k.subject)",
        *_columns(keys),
    )
    return {Key(*row[:3]): tuple(row["times"]) for row in rows}


async def unresolved(connection: Connection, accounts: Sequence[str]) -> dict[tuple[str, str], int]:
    """How many alerts of each account and rule are not resolved."""
    rows = await connection.fetch(
        "select account, rule, count(*) from alert where account = any($1::text[]) and state <> 'resolved'"
        " group by account, rule",
        accounts,
    )
    return {(row["account"], row["rule"]): row["count"] for row in rows}


async def overrides(connection: Connection, accounts: Sequence[str]) -> dict[tuple[str, str], tuple[int | None, bool]]:
    """Thresholds of accounts' own, and whether the rule is on, by account and rule."""
    rows = await connection.fetch(
        "select account, rule, threshold, enabled from alert_rule where account = any($1::text[])", accounts
    )
    return {(row["account"], row["rule"]): (row["threshold"], row["enabled"]) for row in rows}


async def known(connection: Connection, account: str, actor: str) -> list[Known]:
    """Where ``actor`` has been, the latest first."""
    rows = await connection.fetch(
        "select source, country, latitude, longitude, radius_km, first_ms, last_ms from known_address"
        " where account = $1 and actor = $2 order by last_ms desc limit $3",
        *(account, actor, MOST_KNOWN),
    )
    return [
        Known(row[0], Place(row[1], row[2], row[3], row[4] or 0), first_ms=row["first_ms"], last_ms=row["last_ms"])
        for row in rows
    ]


async def countries(connection: Connection, account: str, actor: str) -> frozenset[str]:
    """The countries that ``actor`` has been in."""
    rows = await connection.fetch("select country from known_country where account = $1 and actor = $2", account, actor)
    return frozenset(row["country"] for row in rows)


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str], list[str]]:
    return [key.account for key in keys], [key.rule for key in keys], [key.subject for key in keys]


def _detail(text: str) -> dict[str, object]:
    read = json.loads(text)
    return read if isinstance(read, dict) else {}
