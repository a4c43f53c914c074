"""The room's own SQL: sessions, the collector's setting, typing profiles, and forgetting them."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool


class SessionRow(NamedTuple):
    """A radar session as it is kept; ``facts`` is JSON."""

    account: str
    livemode: bool
    id: str
    created: int
    day: int
    device: bytes | None
    fingerprint: bytes | None
    is_device_new: bool
    facts: str
    raw: bytes | None


class Approved(NamedTuple):
    """A session that an approved payment of a customer named, and that nothing was learned from yet."""

    account: str
    livemode: bool
    id: str
    customer: str
    day: int
    raw: bytes


async def insert_session(connection: Connection | Pool, row: SessionRow) -> None:
    await connection.execute(
        "insert into risk_session (account, livemode, id, created, day, device, fingerprint, is_device_new, facts, raw)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *row,
    )


async def delete_session(connection: Connection, account: str, livemode: bool, *, id_: str) -> bool:
    """Forget one session; False where there was none."""
    done = await connection.execute(
        "delete from risk_session where account = $1 and livemode = $2 and id = $3", account, livemode, id_
    )
    return done == "DELETE 1"


async def put_setting(
    connection: Connection, account: str, livemode: bool, *, collector: str, profiles: bool, notice: str | None
) -> None:
    await connection.execute(
        "insert into collector_setting (account, livemode, collector, profiles, notice) values ($1, $2, $3, $4, $5)"
        " on conflict (account, livemode) do update set collector = $3, profiles = $4, notice = $5",
        account,
        livemode,
        collector,
        profiles,
        notice,
    )


async def forget_profiles(connection: Connection, account: str, livemode: bool) -> None:
    """All typing profiles of an account and mode that wants none."""
    await connection.execute("delete from typing_profile where account = $1 and livemode = $2", account, livemode)


async def approved(pool: Pool, *, since: int, most: int) -> list[Approved]:
    """Sessions of approved payments by customers, over all accounts, that nothing was learned from yet: each once.

    Of days before ``since`` none: no payment names those any more. Whose account wants no profiles is left alone.
    """
    rows = await pool.fetch(
        "select s.account, s.livemode, s.id, i.customer, s.day, s.raw from risk_session s"
        " join risk_decision d on d.account = s.account and d.livemode = s.livemode and d.data ? 'session'"
        "  and d.data->>'session' = s.id"
        " join risk_event e on e.account = d.account and e.livemode = d.livemode and e.attempt = d.attempt"
        " join payment_intent i on i.account = d.account and i.livemode = d.livemode and i.id = d.intent"
        " left join collector_setting c on c.account = s.account and c.livemode = s.livemode"
        " where s.day >= $1 and not s.learned and s.raw is not null"
        " and coalesce(c.profiles and c.collector <> 'off', true)"
        " and e.state = 'approved' and i.customer is not null limit $2",
        since,
        most,
    )
    found = [Approved(*row) for row in rows]
    return list({(one.account, one.livemode, one.id): one for one in found}.values())


async def put_samples(
    connection: Connection, one: Approved, samples: bytes | None
) -> None:
    """Keep a customer's samples (None: there is nothing to keep), and never look at the session again."""
    if samples is not None:
        await connection.execute(
            "insert into typing_profile (account, livemode, customer, day, samples) values ($1, $2, $3, $4, $5)"
            " on conflict (account, livemode, customer) do update set day = $4, samples = $5",
            one.account,
            one.livemode,
            one.customer,
            one.day,
            samples,
        )
    await connection.execute(
        "update risk_session set learned = true where account = $1 and livemode = $2 and id = $3",
        one.account,
        one.livemode,
        one.id,
    )


async def forget_sessions(pool: Pool, *, before: int, most: int) -> int:
    """Sessions of days before ``before``; returns how many went."""
    done = await pool.execute(
        "delete from risk_session where (account, livemode, id) in ("
        " select account, livemode, id from risk_session where day < $1 limit $2)",
        before,
        most,
    )
    return int(done.rsplit(" ", 1)[1])


async def forget_old_profiles(pool: Pool, *, before: int, most: int) -> int:
    """Profiles that nothing was added to since the day ``before``, or that their account no longer wants."""
    done = await pool.execute(
        "delete from typing_profile where (account, livemode, customer) in ("
        " select account, livemode, customer from typing_profile where day < $1 limit $2)",
        before,
        most,
    )
    unwanted = await pool.execute(
        "delete from typing_profile where (account, livemode, customer) in ("
        " select p.account, p.livemode, p.customer from collector_setting c"
        " join typing_profile p on p.account = c.account and p.livemode = c.livemode where not c.profiles limit $1)",
        most,
    )
    return int(done.rsplit(" ", 1)[1]) + int(unwanted.rsplit(" ", 1)[1])
