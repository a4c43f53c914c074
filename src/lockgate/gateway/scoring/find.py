"""Reads models and their roles, labels, and what was decided, for training and drift."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.rules.core.packed import unpack
from lockgate.gateway.storage.database import Connection, Pool

OPERATOR = "-"
"""Whose models serve every account that has none of its own."""


class Role(NamedTuple):
    """A model that is served, or scores beside the served one."""

    account: str
    id: str
    role: str


class ModelRow(NamedTuple):
    """A model of the installation, without its file."""

    account: str
    id: str
    created: int
    created_by: str
    role: str
    metrics: dict[str, Any]


class Decided(NamedTuple):
    """A stored decision with what is known of its payment by now: ``known_ms`` is None where nothing says fraud."""

    id: str
    at_ms: int
    score: float | None
    attributes: Attributes
    card: bytes | None
    known_ms: int | None


async def roles(pool: Pool, account: str) -> list[Role]:
    """What is served for ``account``: its own models' roles and the operator's."""
    rows = await pool.fetch(
        "select account, id, role from risk_model where account in ($1, $2) and role <> 'none'", account, OPERATOR
    )
    return [Role(*row) for row in rows]


async def file(pool: Pool | Connection, account: str, model: str) -> bytes | None:
    """A model's file."""
    return await pool.fetchval("select file from risk_model where account = $1 and id = $2", account, model)


async def models(pool: Pool, account: str) -> list[ModelRow]:
    """The models of an account (``-``: the operator's), the newest first."""
    rows = await pool.fetch(
        "select account, id, created, created_by, role, metrics from risk_model where account = $1"
        " order by created desc, id desc",
        account,
    )
    return [ModelRow(*row[:5], metrics=json.loads(row["metrics"])) for row in rows]


async def decided(
    pool: Pool, account: str, livemode: bool, *, from_ms: int, until_ms: int, portion: int = 2_000
) -> AsyncIterator[list[Decided]]:
    """Decisions of a time that something can be learnt of, in time order, in portions.

    What was blocked, declined or never sent cannot turn out to be fraud: without a word on it, it would teach that
    what looks like it is honest, and each model would unlearn what the rules of its time had stopped.
    """
    after_ms, after = from_ms, ""
    while True:
        rows = await pool.fetch(
            "select d.id, d.at_ms, d.score, d.attributes, d.others, d.data -> 'attributes' as named, e.card, f.known_ms"
            " from risk_decision d"
            " left join risk_event e on e.account = d.account and e.livemode = d.livemode and e.attempt = d.attempt"
            " left join risk_fraud f on f.account = d.account and f.livemode = d.livemode and f.attempt = d.attempt"
            " where d.account = $1 and d.livemode = $2 and (d.at_ms, d.id) > ($3, $4) and d.at_ms < $5"
            " and (f.attempt is not null"
            " or d.verdict <> 'block' and coalesce(e.state, 'approved') in ('approved', 'open'))"
            " order by d.at_ms, d.id limit $6",
            account, livemode, after_ms, after, until_ms, portion,
        )  # fmt: skip
        if not rows:
            return
        yield [_decided(row) for row in rows]
        after_ms, after = rows[-1]["at_ms"], rows[-1]["id"]


async def decision(pool: Pool, account: str, livemode: bool, decision: str) -> Decided | None:
    """One decision."""
    row = await pool.fetchrow(
        "select d.id, d.at_ms, d.score, d.attributes, d.others, d.data -> 'attributes' as named, e.card, f.known_ms"
        " from risk_decision d"
        " left join risk_event e on e.account = d.account and e.livemode = d.livemode and e.attempt = d.attempt"
        " left join risk_fraud f on f.account = d.account and f.livemode = d.livemode and f.attempt = d.attempt"
        " where d.account = $1 and d.livemode = $2 and d.id = $3",
        account, livemode, decision,
    )  # fmt: skip
    return None if row is None else _decided(row)


def _decided(row: Mapping[str, Any]) -> Decided:
    named = json.loads(row["named"]) if row["named"] is not None else {}
    attributes = unpack(row["attributes"], json.loads(row["others"]), named)
    return Decided(row["id"], row["at_ms"], row["score"], attributes, row["card"], row["known_ms"])


async def scoring_accounts(pool: Pool, *, since_ms: int) -> list[tuple[str, bool]]:
    """Accounts and modes with scored decisions since then."""
    rows = await pool.fetch(
        "select distinct account, livemode from risk_decision where at_ms >= $1 and score is not null", since_ms
    )
    return [(row["account"], row["livemode"]) for row in rows]


async def drift_known(pool: Pool, account: str, livemode: bool, model: str, day: date) -> bool:
    """Whether a day's drift was measured already."""
    return await pool.fetchval(
        "select exists (select from risk_drift where account = $1 and livemode = $2 and model = $3 and day = $4)",
        account, livemode, model, day,
    )  # fmt: skip


async def charge_judged_ms(pool: Pool, account: str, livemode: bool, charge: str) -> int | None:
    """When the payment of a charge was judged, None if it was not."""
    return await pool.fetchval(
        "select min(at_ms) from risk_decision where account = $1 and livemode = $2 and charge = $3",
        account, livemode, charge,
    )  # fmt: skip
