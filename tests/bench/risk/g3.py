"""Goal G3: velocity against brute force over random and hostile streams, and races of two processes for one limit."""

import asyncio
from collections import Counter

from lockgate.gateway.storage.commit import Committer
from tests.bench.risk.figures import Figure, Options
from tests.gateway.velocity.conftest import pool_as
from tests.gateway.velocity.racing import racer
from tests.gateway.velocity.streams import Played, Step, stream
from tests.support.cluster import Cluster, Database, make_template, run_apart, start_cluster

PROTOCOL = (
    "seeded streams over six keys: same millisecond, up to 40 days late, a hot key, steps to every window's edge,"
    " outcomes, labels, folding of parts, a crash of PostgreSQL in the middle; every attribute of every look compared"
    " with a recount of all attempts, from the database and from memory. Races: 50 parallel payments in two processes"
    " over a limit that some may pass; a double-spend is one that passed too many"
)
RACES = (
    ("amount", 500_000, 100_000, 5),
    ("amount", 500_000, 500_000, 1),
    ("amount", 500_000, 500_001, 0),
    ("attempts", 7, 0, 7),
    ("ips", 4, 0, 4),
    ("cards", 6, 100, 6),
)


def measure(options: Options) -> list[Figure]:
    """Two figures: errors and double-spends."""
    streams, length, rounds = (2, 150, 1) if options.quick else (12, 600, 4)
    cluster = start_cluster()
    try:
        run_apart(make_template(cluster))
        looked, wrong = _streams(cluster, streams, length)
        held, spent = run_apart(_races(cluster, rounds, quick=options.quick))
    finally:
        cluster.stop()
    return [
        Figure("G3", f"errors in {looked:,} attributes", str(wrong), "slightly inaccurate", "0", wrong == 0, PROTOCOL),
        Figure("G3", f"double-spends in {held} races", str(spent), "not stated", "0", spent == 0),
    ]


def _streams(cluster: Cluster, streams: int, length: int) -> tuple[int, int]:
    compared = errors = 0
    for seed in range(streams):
        database = cluster.fresh()
        played: Played | None = None
        steps = list(stream(1000 + seed, length, values=2 + seed % 5))
        for part in (steps[: length // 2], steps[length // 2 :]):
            played = run_apart(_play(database, part, played))
            cluster.crash()
        assert played is not None
        compared += played.compared
        errors += len(played.errors)
    return compared, errors


async def _play(database: Database, part: list[Step], before: Played | None) -> Played:
    pool = await pool_as(database, "worker")
    played = Played(pool, Committer(pool)) if before is None else before.reopened(pool)
    for step in part:
        await played.play(step)
    await played.committer.close()
    await pool.close()
    return played


async def _races(cluster: Cluster, rounds: int, *, quick: bool) -> tuple[int, int]:
    held = spent = 0
    for _ in range(rounds):
        for measure_, limit, amount, may_pass in RACES[:2] if quick else RACES:
            database = await cluster.copy(f"race_{held}", "template_lockgate")
            outcomes = await asyncio.gather(*(
                racer(database, name, measure=measure_, limit=limit, amount=amount, attempts=25) for name in "ab"
            ))  # fmt: skip
            passed = sum(outcomes, Counter[str]())["passed"]
            held += 1
            spent += max(0, passed - may_pass)
    return held, spent
