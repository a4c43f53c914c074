"""What was committed counts after kill -9 of a program between its commits, and after a crash of PostgreSQL itself."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.velocity import find
from lockgate.gateway.velocity.core.keys import Keys
from tests.gateway.velocity.conftest import pool_as
from tests.gateway.velocity.oracle import ACCOUNT
from tests.gateway.velocity.streams import START_MS, Played, stream
from tests.support.cluster import Cluster, Database, make_template, run_apart, start_cluster

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def durable() -> Iterator[Cluster]:
    """A server that keeps what it says it keeps."""
    started = start_cluster()
    try:
        run_apart(make_template(started))
        yield started
    finally:
        started.stop()


async def test_a_crash_of_the_server_loses_nothing_and_counts_nothing_twice(durable: Cluster) -> None:
    database = durable.fresh()
    steps = list(stream(77, 90))
    played: Played | None = None
    for part in (steps[:45], steps[45:]):
        pool = await pool_as(database, "worker")
        played = played.reopened(pool) if played else Played(pool, Committer(pool))
        for step in part:
            await played.play(step)
        assert played.errors == []
        pool.terminate()
        durable.crash()


async def test_a_program_killed_between_commits_leaves_only_whole_attempts(database: Database, pool: Pool) -> None:
    role = database["gateway"]
    given = {
        "database": database.settings, "user": role["user"], "password": role["password"], "name": "k",
        "measure": "amount", "limit": 1_000_000, "amount": 1_000, "attempts": 3_000, "now_ms": START_MS,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.gateway.velocity.race",
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps(given).encode())
    process.stdin.close()
    while not await pool.fetchval("select count(*) from risk_event"):
        await asyncio.sleep(0.01)
    process.kill()
    await process.wait()
    written, amount = await pool.fetchrow("select count(*), sum(amount)::bigint from risk_event where state = 'open'")
    assert 0 < written < 3_000
    found = await find.history(
        pool, account=ACCOUNT, livemode=True, keys=Keys(card=b"shared".ljust(16, b"\0")), amount=0, now_ms=START_MS + 99
    )
    assert found["card_attempts_1h"] == written + 1
    assert found["card_amount_1h"] == amount
