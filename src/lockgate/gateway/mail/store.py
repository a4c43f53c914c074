"""The mail queue's own SQL: put in, lease what is due, write down what came of it, forget what is over."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool


class Due(NamedTuple):
    """A mail that this worker holds until ``leased_until_ms``."""

    id: str
    kind: str
    created: int
    tries: int
    leased_until_ms: int
    sealed: bytes

    def __repr__(self) -> str:
        return f"Due({self.id!r}, {self.kind!r}, tries={self.tries})"


async def insert(connection: Connection, *, id_: str, kind: str, created: int, sealed: bytes) -> None:
    await connection.execute(
        "insert into mail (id, kind, created, state, next_try_ms, sealed)"
        " values ($1, $2, $3, 'waiting', $3::bigint * 1000, $4)",
        *(id_, kind, created, sealed),
    )


async def lease(pool: Pool, *, now_ms: int, until_ms: int, limit: int) -> list[Due]:
    """Take due mail until ``until_ms``; workers skip each other's rows."""
    rows = await pool.fetch(
        "update mail m set leased_until_ms = $2 from ("
        "  select id from mail where state = 'waiting' and next_try_ms <= $1"
        "  and (leased_until_ms is null or leased_until_ms < $1)"
        "  order by next_try_ms limit $3 for update skip locked) due"
        " where m.id = due.id returning m.id, m.kind, m.created, m.tries, m.leased_until_ms, m.sealed",
        *(now_ms, until_ms, limit),
    )
    return [Due(*row) for row in rows]


async def record(connection: Connection, due: Due, *, state: str, next_try_ms: int | None, outcome: str) -> bool:
    """Write down one try; what is over loses its content. False when the lease was lost meanwhile."""
    done = await connection.fetchval(
        "update mail set state = $3, next_try_ms = $4, outcome = $5, tries = tries + 1, leased_until_ms = null,"
        " sealed = case when $3 = 'waiting' then sealed end"
        " where id = $1 and leased_until_ms = $2 and state = 'waiting' returning true",
        *(due.id, due.leased_until_ms, state, next_try_ms, outcome),
    )
    return bool(done)


async def purge(pool: Pool, *, before: int, limit: int) -> int:
    """Forget what was sent or given up before ``before`` (seconds)."""
    gone = await pool.fetch(
        "delete from mail where id in (select id from mail where state <> 'waiting' and created < $1"
        " order by created limit $2) returning id",
        *(before, limit),
    )
    return len(gone)
