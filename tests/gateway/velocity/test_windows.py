"""Where windows begin, to the millisecond and the cent, and what of an attempt counts as long as its end is unknown."""

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import RiskOutcomeRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity import find
from lockgate.gateway.velocity.core.keys import Keys
from tests.gateway.velocity.oracle import ACCOUNT, DAY, HOUR, Attempt
from tests.gateway.velocity.streams import START_MS

CARD = b"card".ljust(16, b"\0")
NOON_MS = START_MS + 12 * HOUR + 30 * 60_000


async def write(pool: Pool, *attempts: Attempt) -> None:
    await Committer(pool).commit(Commit(risk_events=[attempt.row() for attempt in attempts]))


def attempt(name: str, at_ms: int, *, amount: int = 499_999, state: str = "open", keys: Keys | None = None) -> Attempt:
    return Attempt(name, keys or Keys(card=CARD), at_ms, amount, state)


async def told(
    pool: Pool, *, amount: int = 1, now_ms: int = NOON_MS, keys: Keys | None = None
) -> dict[str, int | float]:
    return await find.history(
        pool, account=ACCOUNT, livemode=True, keys=keys or Keys(card=CARD), amount=amount, now_ms=now_ms
    )


async def test_the_hour_ends_after_3599_seconds_and_the_limit_counts_cents(pool: Pool) -> None:
    for ago_ms, amount, sum_ in (
        (3_599_000, 1, 500_000), (3_599_999, 2, 500_001), (3_600_000, 1, 1), (3_600_001, 2, 2),
    ):  # fmt: skip
        keys = Keys(card=str(ago_ms).encode().ljust(16, b"\0"))
        await write(pool, attempt(f"att_{ago_ms}", NOON_MS - ago_ms, keys=keys))
        found = await told(pool, amount=amount, keys=keys)
        assert found["card_amount_1h"] == sum_
        assert found["card_attempts_1h"] == (2 if ago_ms < HOUR else 1)
        assert found["card_attempts_24h"] == 2


async def test_longer_windows_go_by_whole_hours_and_days(pool: Pool) -> None:
    hour, day = NOON_MS // HOUR * HOUR, NOON_MS // DAY * DAY
    for window, begins_ms in (("24h", hour - 23 * HOUR), ("7d", day - 6 * DAY), ("30d", day - 29 * DAY)):
        keys = Keys(card=window.encode().ljust(16, b"\0"))
        await write(pool, attempt(f"{window}_before", begins_ms - 1, keys=keys))
        assert (await told(pool, keys=keys))[f"card_attempts_{window}"] == 1
        await write(pool, attempt(f"{window}_in", begins_ms, keys=keys))
        assert (await told(pool, keys=keys))[f"card_attempts_{window}"] == 2


async def test_what_may_still_succeed_counts_and_what_came_to_nothing_does_not(pool: Pool) -> None:
    committer = Committer(pool)
    for n, state in enumerate(("approved", "declined", "void", None)):
        await write(pool, attempt(f"att_{n}", NOON_MS - n, amount=10**n))
        if state:
            await committer.commit(Commit(risk_outcomes=[RiskOutcomeRow(ACCOUNT, True, f"att_{n}", state)]))
    await write(pool, attempt("stopped", NOON_MS, amount=10**5, state="blocked"))
    found = await told(pool, amount=0)
    assert found["card_amount_1h"] == 1 + 1000
    assert found["card_attempts_1h"] == 5
    assert found["card_declines_1h"] == 1
    assert found["card_blocks_1h"] == 1


async def test_an_outcome_is_counted_once_however_often_it_is_told(pool: Pool) -> None:
    committer = Committer(pool)
    await write(pool, attempt("a", NOON_MS))
    declined = RiskOutcomeRow(ACCOUNT, True, "a", "declined")
    unheard = RiskOutcomeRow(ACCOUNT, True, "never judged", "declined")
    await committer.commit(Commit(risk_outcomes=[declined, unheard]))
    await committer.commit(Commit(risk_outcomes=[declined]))
    assert (await told(pool))["card_declines_1h"] == 1
    await committer.commit(Commit(risk_outcomes=[declined._replace(state="approved")]))
    found = await told(pool)
    assert (found["card_declines_1h"], found["card_amount_1h"]) == (0, 500_000)


async def test_accounts_and_modes_do_not_count_for_each_other(pool: Pool) -> None:
    committer = Committer(pool)
    one = attempt("a", NOON_MS)
    await committer.commit(Commit(risk_events=[one.row(livemode=False), one.row("acct_0000000000000002")]))
    assert (await told(pool))["card_attempts_30d"] == 1


async def test_a_missing_key_has_no_attributes(pool: Pool) -> None:
    keys = Keys(card=CARD, ip=b"i" * 16)
    found = await told(pool, keys=keys)
    assert {name.split("_")[0] for name in found} == {"card", "ip"}
    assert found["card_ips_1h"] == 1
    assert found["card_devices_1h"] == 0
    assert await told(pool, keys=Keys()) == {}
