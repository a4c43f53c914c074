"""Reads for the invariants: each statement looks for what must not be, in one account and mode.

All of them run on one connection inside one repeatable-read transaction, so they see the same instant, also under load.
"""

from typing import Any, LiteralString, NamedTuple

from lockgate.gateway.storage.database import Connection, Pool

Row = tuple[Any, ...]


class Booked(NamedTuple):
    """What the books say of one charge, summed from transfers, never taken from the charge's own row.

    ``in_doubt``: an order about it is out, so the processor may be ahead of the books.
    """

    reference: str
    account: str
    livemode: bool
    charge: str
    captured: int
    refunded: int
    in_doubt: bool


async def tenants(pool: Pool) -> list[tuple[str, bool]]:
    """Every account in both modes."""
    rows = await pool.fetch("select id, livemode from account, (values (false), (true)) modes (livemode) order by 1, 2")
    return [(row["id"], row["livemode"]) for row in rows]


async def unbalanced(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(currency, sum) of every currency whose balances do not sum to zero."""
    return await _rows(
        connection,
        "select currency, sum(amount)::bigint from ("
        " select currency, amount from balance where account = $1 and livemode = $2"
        " union all select currency, amount from balance_delta where account = $1 and livemode = $2"
        ") parts group by currency having sum(amount) <> 0",
        account,
        livemode,
    )


async def beyond_limit(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(ledger, currency, balance): a processor that got back more than it took, or fees below nothing."""
    return await _rows(
        connection,
        "select ledger, currency, sum(amount)::bigint from ("
        " select ledger, currency, amount from balance where account = $1 and livemode = $2"
        " union all select ledger, currency, amount from balance_delta where account = $1 and livemode = $2"
        ") parts group by ledger, currency"
        " having (ledger like 'processor:%' and sum(amount) > 0) or (ledger like 'fees:%' and sum(amount) < 0)",
        account,
        livemode,
    )


async def drifted(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(ledger, currency, kept, recomputed) where the kept balance is not what the transfers add up to."""
    return await _rows(
        connection,
        "select ledger, currency, sum(kept)::bigint, sum(moved)::bigint from ("
        " select ledger, currency, amount as kept, 0 as moved from balance where account = $1 and livemode = $2"
        " union all select ledger, currency, amount, 0 from balance_delta where account = $1 and livemode = $2"
        " union all select debit, currency, 0, -amount from transfer"
        "  where account = $1 and livemode = $2 and phase = 'posted'"
        " union all select credit, currency, 0, amount from transfer"
        "  where account = $1 and livemode = $2 and phase = 'posted'"
        ") parts group by ledger, currency having sum(kept) <> sum(moved)",
        account,
        livemode,
    )


async def misshown(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(ledger, currency, kept, shown) where the merchant's balance is not what her balance transactions say."""
    return await _rows(
        connection,
        "select ledger, currency, sum(kept)::bigint, sum(shown)::bigint from ("
        " select ledger, currency, amount as kept, 0 as shown from balance where account = $1 and livemode = $2"
        " union all select ledger, currency, amount, 0 from balance_delta where account = $1 and livemode = $2"
        " union all select 'merchant:' || status, currency, 0, net from balance_transaction"
        "  where account = $1 and livemode = $2"
        ") parts where ledger like 'merchant:%' group by ledger, currency having sum(kept) <> sum(shown)",
        account,
        livemode,
    )


async def booked(connection: Connection, account: str, livemode: bool) -> list[Booked]:
    """Every accepted charge of the simulator."""
    rows = await _rows(
        connection,
        "select c.processor_reference, c.account, c.livemode, c.id,"
        " coalesce((select sum(t.amount) from transfer t where t.account = $1 and t.livemode = $2"
        "  and t.phase = 'posted' and t.kind = 'capture' and t.source = c.id), 0)::bigint,"
        " coalesce((select sum(case t.kind when 'refund' then t.amount else -t.amount end)"
        "  from refund r join transfer t on t.account = $1 and t.livemode = $2"
        "  and t.phase = 'posted' and t.kind in ('refund', 'refund_failure') and t.source = r.id"
        "  where r.account = $1 and r.livemode = $2 and r.charge = c.id), 0)::bigint,"
        " exists (select from attempt a where a.account = $1 and a.livemode = $2"
        "  and (a.charge = c.id or (c.intent is not null and a.intent = c.intent))"
        "  and a.state in ('open', 'unknown', 'pending'))"
        " from charge c where c.account = $1 and c.livemode = $2 and c.processor = 'simulator'"
        " and c.status = 'succeeded'",
        account,
        livemode,
    )
    return [Booked(*row) for row in rows]


async def steps(connection: Connection, account: str, livemode: bool) -> dict[str, str]:
    """The state of every attempt at the simulator, by its id."""
    rows = await _rows(
        connection,
        "select id, state from attempt where account = $1 and livemode = $2 and processor = 'simulator'",
        account,
        livemode,
    )
    return dict(rows)


async def twice_authorized(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(intent, how many) of every intent with more than one accepted authorisation."""
    return await _rows(
        connection,
        "select intent, count(*) from charge where account = $1 and livemode = $2 and intent is not null"
        " and status = 'succeeded' group by intent having count(*) > 1"
        " union select intent, count(*) from attempt where account = $1 and livemode = $2 and state = 'approved'"
        " and action in ('authorize', 'complete') group by intent having count(*) > 1",
        account,
        livemode,
    )


async def without_effect(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(what was said, about which object) where an answer or an event speaks of something that is not there."""
    return await _rows(
        connection,
        "select 'answer', i.attempt from idempotency i where i.account = $1 and i.livemode = $2"
        " and i.status is not null and i.attempt is not null and not exists (select from attempt a"
        "  where a.account = $1 and a.livemode = $2 and a.id = i.attempt)"
        " union all select e.type, e.object from event e where e.account = $1 and e.livemode = $2 and ("
        "  (e.object like 'pi\\_%' and not exists (select from payment_intent o"
        "   where o.account = $1 and o.livemode = $2 and o.id = e.object))"
        "  or (e.object like 'ch\\_%' and not exists (select from charge o"
        "   where o.account = $1 and o.livemode = $2 and o.id = e.object))"
        "  or (e.object like 're\\_%' and not exists (select from refund o"
        "   where o.account = $1 and o.livemode = $2 and o.id = e.object))"
        "  or (e.object like 'dp\\_%' and not exists (select from dispute o"
        "   where o.account = $1 and o.livemode = $2 and o.id = e.object))"
        "  or (e.object like 'issfr\\_%' and not exists (select from early_fraud_warning o"
        "   where o.account = $1 and o.livemode = $2 and o.id = e.object))"
        "  or (e.object like 'po\\_%' and not exists (select from payout o"
        "   where o.account = $1 and o.livemode = $2 and o.id = e.object))"
        "  or (e.object like 'seti\\_%' and not exists (select from setup_intent o"
        "   where o.account = $1 and o.livemode = $2 and o.id = e.object)))",
        account,
        livemode,
    )


async def miscounted(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(charge, amount, captured, in doubt, refunded, in doubt, and the same four summed from other rows)."""
    return await _rows(
        connection,
        "select * from (select c.id, c.amount, c.amount_captured, c.capture_in_doubt, c.amount_refunded,"
        " c.refund_in_doubt,"
        " coalesce((select sum(t.amount) from transfer t where t.account = $1 and t.livemode = $2"
        "  and t.phase = 'posted' and t.kind = 'capture' and t.source = c.id), 0)::bigint as taken,"
        " coalesce((select sum(a.amount) from attempt a where a.account = $1 and a.livemode = $2 and a.charge = c.id"
        "  and a.action = 'capture' and a.state in ('open', 'unknown', 'pending')), 0)::bigint as taking,"
        " coalesce((select sum(r.amount) from refund r where r.account = $1 and r.livemode = $2 and r.charge = c.id"
        "  and r.status = 'succeeded'), 0)::bigint as given,"
        " coalesce((select sum(a.amount) from attempt a where a.account = $1 and a.livemode = $2 and a.charge = c.id"
        "  and a.action = 'refund' and a.state in ('open', 'unknown', 'pending')), 0)::bigint as giving"
        " from charge c where c.account = $1 and c.livemode = $2) counted"
        " where amount_captured <> taken or capture_in_doubt <> taking or amount_refunded <> given"
        " or refund_in_doubt <> giving or taken + taking > amount or given + giving > taken",
        account,
        livemode,
    )


async def oversettled(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(authorisation, held, settled): more captured and released than was held, or settled without having been held.

    Or less, though its payment intent has ended: nobody would ever let go of the rest.
    """
    return await _rows(
        connection,
        "select hold, held, settled from (select hold, max(source) as charge,"
        " coalesce(sum(amount) filter (where phase = 'pending'), 0)::bigint as held,"
        " coalesce(sum(amount) filter (where phase <> 'pending'), 0)::bigint as settled from ("
        "  select coalesce(settles, id) as hold, source, amount, phase from transfer"
        "  where account = $1 and livemode = $2 and (settles is not null or phase = 'pending')"
        " ) parts group by hold) holds where settled > held or (settled < held and charge in ("
        "  select latest_charge from payment_intent where account = $1 and livemode = $2"
        "  and status in ('succeeded', 'canceled')))",
        account,
        livemode,
    )


async def unaudited(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(object, status) of every object whose present status no audit record accounts for.

    While an order is out (``processing``) any record of the object will do: the order itself is audited as begun.
    """
    return await _rows(
        connection,
        "select o.id, o.status from ("
        " select id, status from payment_intent where account = $1 and livemode = $2"
        " union all select id, status from setup_intent where account = $1 and livemode = $2"
        " union all select id, status from refund where account = $1 and livemode = $2"
        " union all select id, status from payout where account = $1 and livemode = $2"
        " union all select id, status from dispute where account = $1 and livemode = $2"
        ") o where not exists (select from audit a where a.account = $1 and a.livemode = $2 and a.object = o.id"
        " and (o.status = 'processing' or a.detail->>'status' = o.status))",
        account,
        livemode,
    )


async def undelivered(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(event, endpoint) where an event was neither handed to an enabled endpoint nor waits to be.

    Only endpoints that are as they were made, and older than the event: what a changed one should have had cannot be
    told from its present row.
    """
    return await _rows(
        connection,
        "select e.id, w.id from event e join webhook_endpoint w on w.account = $1 and w.livemode = $2"
        " and w.version = 1 and w.status = 'enabled' and not w.deleted and w.created < e.created"
        " and (e.type = any(w.enabled_events) or '*' = any(w.enabled_events))"
        " where e.account = $1 and e.livemode = $2"
        " and not exists (select from outbox o where o.account = $1 and o.livemode = $2 and e.id = any(o.events))"
        " and not exists (select from delivery d where d.account = $1 and d.livemode = $2 and d.event = e.id"
        "  and d.endpoint = w.id)",
        account,
        livemode,
    )


async def forgotten(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(delivery, event) that waits without a time at which it will be tried, or is called delivered without a try."""
    return await _rows(
        connection,
        "select d.id, d.event from delivery d where d.account = $1 and d.livemode = $2 and ("
        " (d.state = 'waiting' and d.next_try_ms is null) or (d.state = 'delivered' and not exists ("
        "  select from delivery_attempt a where a.account = $1 and a.livemode = $2 and a.delivery = d.id"
        "  and a.status between 200 and 299)))",
        account,
        livemode,
    )


async def unresolved(connection: Connection, account: str, livemode: bool, *, before_ms: int) -> list[Row]:
    """(attempt, action, state, created) of every attempt older than ``before_ms`` whose effect is still unknown.

    By the world's clock, on which orders are sent: ``created`` is in the future where a test clock is ahead.
    """
    rows = await connection.fetch(
        "select id, action, state, created from attempt where account = $1 and livemode = $2"
        " and (state in ('open', 'unknown') or (state = 'pending' and next_check_ms is null)) and send_before_ms < $3",
        account,
        livemode,
        before_ms,
    )
    return [tuple(row) for row in rows]


async def _rows(connection: Connection, statement: LiteralString, account: str, livemode: bool) -> list[Row]:
    return [tuple(row) for row in await connection.fetch(statement, account, livemode)]
