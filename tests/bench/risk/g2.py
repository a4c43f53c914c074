"""Goal G2: how long a decision takes: velocity, a score of 500 trees and 100 rules, in process and with PostgreSQL."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter_ns, process_time_ns

import numpy as np

from lockgate.gateway.rules.core.catalogue import KEYS, Attributes, Value
from lockgate.gateway.rules.core.parser import parse
from lockgate.gateway.rules.core.ruleset import Ruleset, of_texts
from lockgate.gateway.scoring.core import features
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.score import Served, score
from lockgate.gateway.scoring.train import Plan, train
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.records import RiskEventRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity import find
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.memory import Memory
from lockgate.gateway.velocity.jobs import Folding
from tests.bench.risk.figures import Figure, Options
from tests.gateway.velocity.conftest import pool_as
from tests.gateway.velocity.streams import START_MS, key
from tests.support.cluster import Cluster, make_template, run_apart, start_cluster

ACCOUNT = "acct_0000000000000001"
PROTOCOL = (
    "{payments:,} payments of a seeded shop over 30 days: 5,000 customers with their card and e-mail address,"
    " 4,000 addresses, 4,000 devices, 40 ranges of cards; 6 keys in 5 windows with 4 measures each (120) and 39 counts"
    " of others; {features} features, {trees} trees trained on the stream itself; 100 rules over 2 attributes each. In"
    " process: velocity in memory, score with reasons, rules. With PostgreSQL: the same after {before:,} payments are"
    " stored, timed one by one over {timed:,}, each stored before the next. One connection over a Unix socket. CPU is"
    " this process's alone: on a machine that does other things the clock says what those cost"
)


Taken = list[tuple[int, int]]
"""Nanoseconds by the clock and of CPU, of each payment."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of the shop, with what is known of it beside velocity."""

    name: str
    keys: Keys
    at_ms: int
    amount: int
    declined: bool
    facts: Attributes

    def row(self) -> RiskEventRow:
        state = "declined" if self.declined else "approved"
        return RiskEventRow(ACCOUNT, True, self.name, self.at_ms, *self.keys, self.amount, state)


def shop(count: int) -> Iterator[Payment]:
    """``count`` payments over thirty days, the same each time."""
    chance = random.Random(22)
    step_ms = 30 * 86_400_000 // count
    for number in range(count):
        person = int(5_000 * chance.random() ** 1.5)
        keys = Keys(
            card=key("card", person), customer=key("customer", person), ip=key("ip", chance.randrange(4_000)),
            device=key("device", (person * 7 + chance.randrange(2)) % 4_000), email=key("email", person),
            bin=key("bin", int(40 * chance.random() ** 2)),
        )  # fmt: skip
        amount = int(chance.lognormvariate(8.5, 1))
        facts: dict[str, Value] = {
            "amount": amount, "currency": "usd", "card_country": chance.choice(("US", "DE", "FR")), "ip_country": "US",
            "has_session": True, "hour_of_day": number % 24, "bot_score": 0.0, "tries": 0,
        }  # fmt: skip
        yield Payment(f"att_{number}", keys, START_MS + number * step_ms, amount, chance.random() < 0.06, facts)


def rules() -> Ruleset:
    """A hundred rules of two comparisons each, most of which look past the first."""
    texts = []
    kinds = list(KEYS)
    for number in range(100):
        one, other = kinds[number % 6], kinds[(number + 1) % 6]
        window = ("1m", "1h", "24h", "7d", "30d")[number % 5]
        texts.append(
            f"review if :{one}_attempts_{window}: >= 1 and :{other}_amount_{window}: > {5_000 + 100 * number} USD"
        )
    return of_texts([(f"rule_{number}", parse(text)) for number, text in enumerate(texts)])


def measure(options: Options) -> list[Figure]:
    """Medians and 99th percentiles, in process and with PostgreSQL."""
    count = 6_000 if options.quick else 100_000
    timed = 1_000 if options.quick else 10_000
    trees = 100 if options.quick else 500
    payments = list(shop(count))
    ruleset = rules()
    in_process, served = _in_process(payments, ruleset, trees)
    with_database = _with_database(payments, ruleset, served, timed)
    protocol = PROTOCOL.format(
        payments=count, features=len(features.NAMES), trees=trees, before=count - timed, timed=timed
    )
    return [
        _figure("engine in process", in_process, 1.0, protocol),
        _figure("engine with PostgreSQL", with_database, 2.0, protocol),
    ]


def _figure(name: str, taken_ns: Taken, goal_ms: float, protocol: str) -> Figure:
    (half, half_cpu), (most, most_cpu) = (np.percentile(taken_ns, q, axis=0) / 1e6 for q in (50, 99))
    value = f"{half:.3f} / {most:.3f} ms (CPU {half_cpu:.3f} / {most_cpu:.3f})"
    goal = f"p99 <= {goal_ms:g} ms"
    return Figure("G2", f"{name}, p50 / p99", value, "< 100 ms", goal, bool(most <= goal_ms), protocol)


def _in_process(payments: Sequence[Payment], ruleset: Ruleset, trees: int) -> tuple[Taken, Served]:
    """How long each payment took, and the model, which learned from the first of them."""
    memory = Memory()
    learned = [_told(memory, payment) for payment in payments[: min(len(payments) // 2, 20_000)]]
    served = _model([vector for _, vector in learned], payments, trees)
    memory = Memory()
    judge = _judge(ruleset, served)
    taken = []
    for payment in payments:
        spent, started = process_time_ns(), perf_counter_ns()
        attributes = memory.attributes(payment.keys, amount=payment.amount, now_ms=payment.at_ms)
        judge({**payment.facts, **attributes})
        taken.append((perf_counter_ns() - started, process_time_ns() - spent))
        _add(memory, payment)
    return taken, served


def _add(memory: Memory, payment: Payment) -> None:
    state = "declined" if payment.declined else "approved"
    memory.add(payment.name, payment.keys, amount=payment.amount, at_ms=payment.at_ms, state=state)


def _told(memory: Memory, payment: Payment) -> tuple[Payment, np.ndarray]:
    found = {**payment.facts, **memory.attributes(payment.keys, amount=payment.amount, now_ms=payment.at_ms)}
    _add(memory, payment)
    return payment, features.vector(found)


def _model(rows: Sequence[np.ndarray], payments: Sequence[Payment], trees: int) -> Served:
    """A model of as many trees as asked for; what it learns (declines) is of no matter here, only its size."""
    at_ms = np.array([payment.at_ms for payment in payments[: len(rows)]], dtype=np.int64)
    known_ms = np.array([p.at_ms if p.declined else 0 for p in payments[: len(rows)]], dtype=np.int64)
    table = Table(np.vstack(rows), at_ms, known_ms, np.zeros(len(rows), dtype=np.int64))
    return Served(train(table, now_ms=int(at_ms[-1]), origin="bench", plan=Plan(rounds=trees)))


def _judge(ruleset: Ruleset, served: Served) -> Callable[[dict[str, Value]], None]:
    def judge(attributes: dict[str, Value]) -> None:
        told = score(served, None, attributes)
        assert told.score is not None, "the model scores"
        attributes["risk_score"] = told.score
        attributes["risk_level"] = told.level
        ruleset.evaluate(attributes, {})

    return judge


def _with_database(payments: Sequence[Payment], ruleset: Ruleset, served: Served, timed: int) -> Taken:
    cluster = start_cluster(settings={"fsync": "off"})
    try:
        run_apart(make_template(cluster))
        return run_apart(_decide(cluster, payments, _judge(ruleset, served), timed))
    finally:
        cluster.stop()


async def _decide(
    cluster: Cluster, payments: Sequence[Payment], judge: Callable[[dict[str, Value]], None], timed: int
) -> Taken:
    database = cluster.fresh()
    pool = await pool_as(database, "worker", size=2)
    committer, folding = Committer(pool), Folding(pool)
    before, decided = payments[:-timed], payments[-timed:]
    for start in range(0, len(before), 1_000):
        part = before[start : start + 1_000]
        await asyncio.gather(*(committer.commit(Commit(risk_events=[payment.row()])) for payment in part))
        await folding.run()
    taken = []
    for number, payment in enumerate(decided):
        spent, started = process_time_ns(), perf_counter_ns()
        attributes = await find.history(
            pool, account=ACCOUNT, livemode=True, keys=payment.keys, amount=payment.amount, now_ms=payment.at_ms
        )
        judge({**payment.facts, **attributes})
        taken.append((perf_counter_ns() - started, process_time_ns() - spent))
        await committer.commit(Commit(risk_events=[payment.row()]))
        if number % 1_000 == 0:
            await folding.run()
    await committer.close()
    await pool.close()
    return taken
