"""Reads of approvals and of an account's rules for them."""

import json
from typing import Any

from lockgate.gateway.approvals.core.records import ApprovalRow
from lockgate.gateway.approvals.core.rules import Rules, rules_of
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page
from lockgate.kernel.principal import Principal


async def stored_rules(connection: Connection | Pool, account: str) -> dict[str, Any]:
    """What the account has set; empty where it never has."""
    stored = await connection.fetchval("select rules from approval_policy where account = $1", account)
    return json.loads(stored) if stored else {}


async def rules(connection: Connection | Pool, account: str) -> Rules:
    """The rules that hold for the account."""
    return rules_of(await stored_rules(connection, account))


async def approval(connection: Connection | Pool, principal: Principal, id_: str) -> ApprovalRow | None:
    """One approval of the principal's account and mode."""
    row = await connection.fetchrow(
        "select account, livemode, id, created, expires_at, maker, maker_person, operation, method, path, privilege,"
        " content, amount, currency, summary, sealed, needs_proof, needs_second, proved_at, proved_by, decision,"
        " decided_at, decided_by, used_at, used_by from approval where account = $1 and livemode = $2 and id = $3",
        principal.account,
        principal.livemode,
        id_,
    )
    return None if row is None else ApprovalRow(*row)


async def open_one(connection: Connection | Pool, principal: Principal, *, maker: str, content: bytes, now: int,
                   proof: bool, second: bool) -> ApprovalRow | None:  # fmt: skip
    """What this maker waits for already, of just this content."""
    row = await connection.fetchrow(
        "select account, livemode, id, created, expires_at, maker, maker_person, operation, method, path, privilege,"
        " content, amount, currency, summary, sealed, needs_proof, needs_second, proved_at, proved_by, decision,"
        " decided_at, decided_by, used_at, used_by from approval where account = $1 and livemode = $2"
        " and maker = $3 and content = $4 and expires_at > $5 and used_at is null"
        " and decision is distinct from 'refused' and needs_proof = $6 and needs_second = $7 order by id desc limit 1",
        principal.account,
        principal.livemode,
        maker,
        content,
        now,
        proof,
        second,
    )
    return None if row is None else ApprovalRow(*row)


async def approvals(
    pool: Pool, principal: Principal, page: Page, *, status: str | None, maker: str | None, now: int
) -> list[ApprovalRow]:
    """One page, newest first, and one more if there are more. ``maker``: only what that actor asked for."""
    rows = await pool.fetch(
        "select account, livemode, id, created, expires_at, maker, maker_person, operation, method, path, privilege,"
        " content, amount, currency, summary, sealed, needs_proof, needs_second, proved_at, proved_by, decision,"
        " decided_at, decided_by, used_at, used_by from (select a.*, case when used_at is not null then 'used'"
        " when decision = 'refused' then 'refused' when expires_at <= $7 then 'expired'"
        " when (needs_proof and proved_at is null) or (needs_second and decision is null) then 'pending'"
        " else 'approved' end as status from approval a where account = $1 and livemode = $2) known"
        " where ($3::text is null or id < $3) and ($4::text is null or id > $4)"
        " and ($5::text is null or status = $5) and ($6::text is null or maker = $6)"
        " order by case when $4::text is null then id end desc, id limit $8",
        principal.account,
        principal.livemode,
        page.after,
        page.before,
        status,
        maker,
        now,
        page.limit + 1,
    )
    return [ApprovalRow(*row) for row in rows]
