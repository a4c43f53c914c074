"""Payments' own statements: which attempts and authorisations are due, over all accounts, for the worker."""

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import AttemptRow, PaymentIntentRow


async def due_attempts(pool: Pool, *, now_ms: int, limit: int) -> list[AttemptRow]:
    """Attempts without a definite outcome that it is time to ask about, the most overdue first."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, action, state, intent, charge, refund, processor, amount,"
        " currency, processor_reference, send_before_ms, next_check_ms, checks, data from attempt"
        " where next_check_ms <= $1 order by next_check_ms limit $2",
        now_ms,
        limit,
    )
    return [AttemptRow(*row) for row in rows]


async def expired_intents(pool: Pool, *, now: int, ahead: int, limit: int) -> list[PaymentIntentRow]:
    """Authorised intents whose time to capture is over on their account's clock and for which no order is out."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, amount, amount_capturable, amount_received, currency,"
        " customer, payment_method, latest_charge, attempt, expires_at, subject, data, personal from payment_intent p"
        " where status = 'requires_capture' and expires_at <= $1::bigint + $2::bigint and attempt is null"
        " and expires_at <= $1 + coalesce((select c.offset_s from test_clock c"
        "  where (c.account, c.livemode) = (p.account, p.livemode)), 0)"
        " order by expires_at limit $3",
        now,
        ahead,
        limit,
    )
    return [PaymentIntentRow(*row) for row in rows]


async def approved_intents(pool: Pool, *, before_ms: int, limit: int) -> list[PaymentIntentRow]:
    """Authorised intents that were approved, and of which the last order was to capture and certainly was not sent.

    ``before_ms``: it must have been given before then.
    """
    rows = await pool.fetch(
        "select p.account, p.livemode, p.id, p.version, p.created, p.status, p.amount, p.amount_capturable,"
        " p.amount_received, p.currency, p.customer, p.payment_method, p.latest_charge, p.attempt, p.expires_at,"
        " p.subject, p.data, p.personal from attempt a"
        " join payment_intent p on (p.account, p.livemode, p.id) = (a.account, a.livemode, a.intent)"
        " where a.action = 'capture' and a.state = 'failed' and a.data ? 'approved' and a.send_before_ms <= $1"
        " and p.status = 'requires_capture' and p.attempt is null and not exists (select from attempt b"
        "  where (b.account, b.livemode, b.intent) = (a.account, a.livemode, a.intent) and b.id > a.id)"
        " order by a.send_before_ms limit $2",
        before_ms,
        limit,
    )
    return [PaymentIntentRow(*row) for row in rows]


async def wake(pool: Pool, processor: str, *, now_ms: int) -> int:
    """Make every attempt due that ``processor`` gave no answer about; returns how many. It is no change of state."""
    done = await pool.execute(
        "update attempt set next_check_ms = $2"
        " where next_check_ms > $2 and processor = $1 and data->>'silent' = 'true'",
        processor,
        now_ms,
    )
    return int(done.rsplit(" ", 1)[1])


async def wake_one(pool: Pool, account: str, livemode: bool, *, id_: str, now_ms: int) -> None:
    """Make one attempt due at once, if it waits. It is no change of state."""
    await pool.execute(
        "update attempt set next_check_ms = $4"
        " where account = $1 and livemode = $2 and id = $3 and next_check_ms > $4",
        account,
        livemode,
        id_,
        now_ms,
    )


async def scout(pool: Pool, *, now_ms: int) -> int:
    """Make one attempt of each silent processor due, to learn whether it answers again; returns how many."""
    done = await pool.execute(
        "update attempt set next_check_ms = $1 where (account, livemode, id) in"
        " (select distinct on (processor) account, livemode, id from attempt"
        " where next_check_ms is not null and data->>'silent' = 'true'"
        " order by processor, next_check_ms) and next_check_ms > $1",
        now_ms,
    )
    return int(done.rsplit(" ", 1)[1])
