"""The risk room's SQL for puzzles: which solutions were used, until they would have expired."""

from lockgate.gateway.risk.core.puzzle import Puzzle
from lockgate.gateway.storage.database import Pool


async def use(pool: Pool, solved: Puzzle, *, request: str) -> bool:
    """Whether ``request`` is the one that uses ``solved``: the first to come, and nobody after it."""
    return (
        await pool.fetchval(
            "insert into puzzle_used as u (account, livemode, id, request, expires_at) values ($1, $2, $3, $4, $5)"
            " on conflict (account, livemode, id) do update set request = excluded.request"
            " where u.request = excluded.request returning true",
            solved.account,
            solved.livemode,
            solved.id,
            request,
            solved.expires_at,
        )
        or False
    )


async def clear_used(pool: Pool, *, now: int, most: int) -> int:
    """Forget up to ``most`` used puzzles that have expired; returns how many."""
    done = await pool.execute(
        "delete from puzzle_used u using ("
        "  select p.account, p.livemode, p.id from puzzle_used p where p.expires_at < $1 limit $2) d"
        " where (u.account, u.livemode, u.id) = (d.account, d.livemode, d.id)",
        now,
        most,
    )
    return int(done.rsplit(" ", 1)[1])
