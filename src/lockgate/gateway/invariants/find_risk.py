"""Reads for what must hold of verdicts: each statement looks for what must not be, in one account and mode."""

from typing import Any

from lockgate.gateway.storage.database import Connection

Row = tuple[Any, ...]


async def unjudged(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(attempt, action) of orders that may take money or try a card, and have no decision.

    Since the first decision that is still kept: those before it are from a time without verdicts, or forgotten.
    """
    rows = await connection.fetch(
        "select a.id, a.action from attempt a where a.account = $1 and a.livemode = $2"
        " and a.action in ('authorize', 'increment', 'verify')"
        " and a.id > (select min(f.attempt) from risk_decision f where f.account = $1 and f.livemode = $2)"
        " and not exists (select from risk_decision d"
        "  where d.account = $1 and d.livemode = $2 and d.attempt = a.id)",
        account,
        livemode,
    )
    return [tuple(row) for row in rows]


async def sent_though_blocked(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(attempt, state) of orders that a verdict blocked, and that were given all the same."""
    rows = await connection.fetch(
        "select a.id, a.state from risk_decision d"
        " join attempt a on a.account = $1 and a.livemode = $2 and a.id = d.attempt"
        " where d.account = $1 and d.livemode = $2 and d.verdict = 'block'"
        " and (a.state <> 'declined' or a.processor_reference is not null)",
        account,
        livemode,
    )
    return [tuple(row) for row in rows]


async def miscounted(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(attempt, state, what velocity counts it as) where the two do not go together."""
    rows = await connection.fetch(
        "select a.id, a.state, e.state from risk_event e"
        " join attempt a on a.account = $1 and a.livemode = $2 and a.id = e.attempt"
        " where e.account = $1 and e.livemode = $2 and not case a.state"
        "  when 'approved' then e.state = 'approved'"
        "  when 'declined' then e.state in ('declined', 'blocked', 'void')"
        "  when 'failed' then e.state = 'void'"
        "  when 'action_required' then e.state in ('open', 'approved', 'declined', 'void')"
        "  else e.state = 'open' end",
        account,
        livemode,
    )
    return [tuple(row) for row in rows]
