"""The rows of approvals: each step is one statement that changes a row only from the state it stands on."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.approvals.core.records import ApprovalRow
from lockgate.gateway.storage.database import Connection


async def insert(connection: Connection, row: ApprovalRow) -> None:
    """A new approval, that nobody has agreed to yet."""
    await connection.execute(
        "insert into approval (account, livemode, id, created, expires_at, maker, maker_person, operation, method,"
        " path, privilege, content, amount, currency, summary, sealed, needs_proof, needs_second)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        *row[:18],
    )


async def prove(connection: Connection, row: ApprovalRow, *, by: str, now: int) -> bool:
    """Its maker proved a factor over just this content."""
    done = await connection.execute(
        "update approval set proved_at = $4, proved_by = $5 where account = $1 and livemode = $2 and id = $3"
        " and used_at is null and expires_at > $4 and decision is distinct from 'refused'",
        row.account,
        row.livemode,
        row.id,
        now,
        by,
    )
    return done == "UPDATE 1"


async def decide(connection: Connection, row: ApprovalRow) -> bool:
    """Keep the decision that ``row`` carries; only the first counts, and an approval is never by its own maker."""
    done = await connection.execute(
        "update approval set decision = $4, decided_at = $5, decided_by = $6, expires_at = $7 where account = $1"
        " and livemode = $2 and id = $3 and used_at is null and decision is null and expires_at > $5"
        " and ($4 = 'refused' or maker_person is distinct from $6)",
        row.account,
        row.livemode,
        row.id,
        row.decision,
        row.decided_at,
        row.decided_by,
        row.expires_at,
    )
    return done == "UPDATE 1"


async def use(connection: Connection, row: ApprovalRow, *, by: str, now: int) -> bool:
    """Use it up. ``by`` is the request, or the idempotency key under which a retry is the same request."""
    done = await connection.execute(
        "update approval set used_at = $4, used_by = $5 where account = $1 and livemode = $2 and id = $3"
        " and used_at is null and expires_at > $4 and decision is distinct from 'refused'"
        " and (proved_at is not null or not needs_proof) and (decision = 'approved' or not needs_second)",
        row.account,
        row.livemode,
        row.id,
        now,
        by,
    )
    return done == "UPDATE 1"


async def put_rules(connection: Connection, account: str, rules: Mapping[str, Any], *, now: int) -> None:
    """What the account asks from now on."""
    await connection.execute(
        "insert into approval_policy (account, rules, changed_at) values ($1, $2, $3)"
        " on conflict (account) do update set rules = $2, changed_at = $3",
        account,
        json.dumps(rules),
        now,
    )


async def lock_rules(connection: Connection, account: str) -> None:
    """Let one change of an account's rules come after the other."""
    await connection.execute(
        "insert into approval_policy (account, rules, changed_at) values ($1, '{}', 0) on conflict do nothing", account
    )
    await connection.execute("select 1 from approval_policy where account = $1 for update", account)
