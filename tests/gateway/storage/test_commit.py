"""The commit function against a real PostgreSQL: one outcome per commit, all of it or nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lockgate.gateway.storage.commit import Committer, CommitUnknown, KeyInUse, Moved, Taken
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.gateway.storage.records import ValueListItemRow, ValueListRow
from lockgate.gateway.storage.rows import (
    AnswerRow,
    AuditRow,
    ClaimRow,
    Commit,
    CustomerRow,
    ReleaseRow,
    TransferRow,
)
from tests.support.cluster import Database

ACCOUNT = "acct_0000000000000001"


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    role = database["gateway"]
    opened = await connect_pool(database=database.settings, user=role["user"], password=role["password"], size=6)
    yield opened
    await opened.close()


def customer(name: str, *, version: int = 1, data: str = "{}") -> CustomerRow:
    return CustomerRow(ACCOUNT, False, f"cus_{name}", version, 1, False, None, data, None)


def claim(key: str, owner: str) -> ClaimRow:
    return ClaimRow(ACCOUNT, False, key, b"hash", owner, 1, 2, None, None, None)


def transfer(name: str, debit: str, credit: str, amount: int, phase: str = "posted") -> TransferRow:
    return TransferRow(ACCOUNT, False, name, 1, debit, credit, amount, "usd", "charge", phase, None, "ch_1")


async def test_a_commit_writes_its_rows_and_replaces_by_version(pool: Pool) -> None:
    committer = Committer(pool)
    await committer.commit(Commit(customers=[customer("a")]))
    await committer.commit(Commit(customers=[customer("a", version=2, data='{"x": 1}')]))
    assert await pool.fetchval("select data->>'x' from customer where account = $1", ACCOUNT) == "1"
    with pytest.raises(Moved):
        await committer.commit(Commit(customers=[customer("a", version=2)], audits=[_audit("lost")]))
    assert await pool.fetchval("select count(*) from audit where account = $1", ACCOUNT) == 0


def _audit(name: str) -> AuditRow:
    return AuditRow(ACCOUNT, False, name, 1, "test", "done", "internal:test", None, None, None, "{}", None)


async def test_fifty_writers_of_one_row_have_one_winner_each_round(pool: Pool) -> None:
    processes = [Committer(pool) for _ in range(4)]
    await processes[0].commit(Commit(customers=[customer("a")]))
    for version in range(2, 6):
        tries = [
            Commit(customers=[customer("a", version=version)], audits=[_audit(f"{version}-{n}")]) for n in range(50)
        ]
        results = await asyncio.gather(
            *(processes[n % 4].commit(c) for n, c in enumerate(tries)), return_exceptions=True
        )
        assert sum(r is None for r in results) == 1
        assert sum(isinstance(r, Moved) for r in results) == 49
        assert await pool.fetchval("select count(*) from audit where account = $1", ACCOUNT) == version - 1


async def test_thirty_claims_of_one_key_have_one_winner_and_leave_no_trace_of_the_others(pool: Pool) -> None:
    processes = [Committer(pool) for _ in range(4)]
    tries = [Commit(claims=[claim("k", f"o{n}")], customers=[customer(f"c{n}")]) for n in range(30)]
    results = await asyncio.gather(*(processes[n % 4].commit(c) for n, c in enumerate(tries)), return_exceptions=True)
    assert sum(r is None for r in results) == 1
    assert sum(isinstance(r, KeyInUse) for r in results) == 29
    assert await pool.fetchval("select count(*) from customer where account = $1", ACCOUNT) == 1


async def test_a_moved_commit_gives_its_key_back(pool: Pool) -> None:
    committer = Committer(pool)
    with pytest.raises(Moved):
        await committer.commit(Commit(claims=[claim("k", "o1")], customers=[customer("none", version=2)]))
    await committer.commit(Commit(claims=[claim("k", "o2")]))
    await committer.commit(Commit(releases=[ReleaseRow(ACCOUNT, False, "k", "o1")]))
    assert await pool.fetchval("select owner from idempotency where account = $1", ACCOUNT) == "o2"


async def test_an_answer_is_kept_once_and_only_for_the_owner(pool: Pool) -> None:
    committer = Committer(pool)
    await committer.commit(Commit(claims=[claim("k", "o1")]))
    await committer.commit(Commit(answers=[AnswerRow(ACCOUNT, False, "k", "stranger", 200, b"no")]))
    await committer.commit(Commit(answers=[AnswerRow(ACCOUNT, False, "k", "o1", 200, b"first")]))
    await committer.commit(Commit(answers=[AnswerRow(ACCOUNT, False, "k", "o1", 200, b"second")]))
    assert await pool.fetchval("select answer from idempotency where account = $1", ACCOUNT) == b"first"


async def test_a_row_the_database_refuses_fails_alone(pool: Pool) -> None:
    committer = Committer(pool, lanes=1)
    good = [Commit(customers=[customer(f"g{n}")]) for n in range(10)]
    bad = Commit(customers=[customer("b")], transfers=[transfer("t", "a", "a", 1)])
    results = await asyncio.gather(*(committer.commit(c) for c in [*good[:5], bad, *good[5:]]), return_exceptions=True)
    assert [isinstance(r, Exception) for r in results] == [False] * 5 + [True] + [False] * 5
    assert await pool.fetchval("select count(*) from customer where account = $1", ACCOUNT) == 10


async def test_a_value_that_cannot_be_sent_fails_alone_and_is_no_unknown(pool: Pool) -> None:
    committer = Committer(pool, lanes=1)
    bad = Commit(customers=[customer("b")._replace(created=2**70)])
    tries = [Commit(customers=[customer("g1")]), bad, Commit(customers=[customer("g2")])]
    results = await asyncio.gather(*(committer.commit(c) for c in tries), return_exceptions=True)
    assert results[0] is None and results[2] is None
    assert isinstance(results[1], Exception) and not isinstance(results[1], CommitUnknown)


async def test_posted_transfers_move_balances_and_pending_ones_do_not(pool: Pool) -> None:
    committer = Committer(pool)
    await committer.commit(
        Commit(
            transfers=[
                transfer("t1", "processor:x", "merchant:pending", 1000),
                transfer("t2", "merchant:pending", "fees:x", 59),
                transfer("t3", "authorized:x", "held:x", 500, "pending"),
            ]
        )
    )
    rows = await pool.fetch("select ledger, sum(amount) from balance_delta where account = $1 group by ledger", ACCOUNT)
    assert dict(map(tuple, rows)) == {"processor:x": -1000, "merchant:pending": 941, "fees:x": 59}
    assert await pool.fetchval("select sum(amount) from balance_delta where account = $1", ACCOUNT) == 0


async def test_a_killed_connection_is_an_unknown_outcome_or_a_clean_failure(pool: Pool, database: Database) -> None:
    """Whatever the caller is told, a commit that reports success is there and one that reports failure is not."""
    committer = Committer(pool)

    async def write(n: int) -> tuple[int, str]:
        try:
            await committer.commit(Commit(customers=[customer(f"k{n}")]))
        except Exception as error:
            return n, type(error).__name__
        return n, "ok"

    async def kill() -> None:
        import asyncpg

        admin = await asyncpg.connect(**database["superuser"])
        for _ in range(20):
            await admin.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'lockgate_gateway'"
            )
            await asyncio.sleep(0.005)
        await admin.close()

    results = []
    killer = asyncio.create_task(kill())
    for start in range(0, 400, 20):
        results += await asyncio.gather(*(write(n) for n in range(start, start + 20)))
    await killer
    present = {row[0] for row in await pool.fetch("select id from customer where account = $1", ACCOUNT)}
    assert {f"cus_k{n}" for n, word in results if word == "ok"} <= present
    assert not {f"cus_k{n}" for n, word in results if word not in ("ok", "CommitUnknown")} & present
    assert any(word != "ok" for _, word in results), "the fault never struck"


def value_list(
    name: str, *, version: int = 1, alias: str = "", deleted: bool = False, data: str = "{}"
) -> ValueListRow:
    return ValueListRow(
        ACCOUNT, False, f"rsl_{name}", version, 1, alias or f"alias_{name}", "name", "email", "key", deleted, data
    )


async def test_records_are_written_and_replaced_by_version_as_everything_else(pool: Pool) -> None:
    committer = Committer(pool)
    await committer.commit(Commit(value_lists=[value_list("a", data='{"metadata":{"x":"\\u00e9 \'quoted\' %1$I"}}')]))
    item = ValueListItemRow(ACCOUNT, False, "rsli_a", 1, 1, "rsl_a", b"\x00\xffindex", "key", False, b"\x01sealed\\")
    await committer.commit(Commit(value_list_items=[item], value_lists=[value_list("a", version=2)]))
    row = await pool.fetchrow("select value_index, personal from value_list_item where account = $1", ACCOUNT)
    assert row is not None
    assert tuple(row) == (item.value_index, item.personal)
    with pytest.raises(Moved):
        lists = [value_list("a", version=2), value_list("b")]
        await committer.commit(Commit(value_lists=lists, audits=[_audit("lost")]))
    assert await pool.fetchval("select array_agg(id) from value_list where account = $1", ACCOUNT) == ["rsl_a"]
    assert await pool.fetchval("select count(*) from audit where account = $1", ACCOUNT) == 0


async def test_of_a_batch_only_the_commits_with_moved_records_are_left_out(pool: Pool) -> None:
    committer = Committer(pool)
    await committer.commit(Commit(value_lists=[value_list(name) for name in "abcd"]))
    commits = [
        Commit(value_lists=[value_list("a", version=2, data='{"won":1}')], customers=[customer("first")]),
        Commit(value_lists=[value_list("b", version=3)], customers=[customer("second")]),
        Commit(customers=[customer("third")]),
        Commit(value_lists=[value_list("c", version=2), value_list("d", version=9)]),
    ]
    outcomes = await asyncio.gather(*(committer.commit(commit) for commit in commits), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), Moved, type(None), Moved]
    assert await pool.fetchval("select array_agg(id order by id) from customer") == ["cus_first", "cus_third"]
    versions = await pool.fetch("select id, version from value_list order by id")
    assert [tuple(row) for row in versions] == [("rsl_a", 2), ("rsl_b", 1), ("rsl_c", 1), ("rsl_d", 1)]


async def test_a_name_that_is_taken_is_an_outcome_of_its_own_commit_alone(pool: Pool) -> None:
    committer = Committer(pool)
    await committer.commit(Commit(value_lists=[value_list("a", alias="same")]))
    one, other = await asyncio.gather(
        committer.commit(Commit(value_lists=[value_list("b", alias="same")])),
        committer.commit(Commit(value_lists=[value_list("c")])),
        return_exceptions=True,
    )
    assert isinstance(one, Taken)
    assert (one.index, other) == ("value_list_alias", None)
    await committer.commit(Commit(value_lists=[value_list("a", version=2, alias="same", deleted=True)]))
    await committer.commit(Commit(value_lists=[value_list("b", alias="same")]))
