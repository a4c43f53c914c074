"""Random and hostile streams of attempts, played against brute force, memory and database at once."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import RiskOutcomeRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity import find, store
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.measures import KINDS
from lockgate.gateway.velocity.core.memory import Memory
from lockgate.gateway.velocity.store import Busy
from tests.gateway.velocity.oracle import ACCOUNT, DAY, HOUR, MINUTE, Attempt, brute_force

START_MS = 1_767_225_600_000  # midnight: the edges of hours and days are met at once
STEPS = (0, 0, 1, 999, 1000, MINUTE - 1, MINUTE, MINUTE + 1, 9_999, HOUR - 1, HOUR, HOUR + 1, 23 * HOUR, DAY, 7 * DAY)


def key(kind: str, number: int) -> bytes:
    """16 bytes, as a keyed hash has."""
    return f"{kind}{number}".encode().ljust(16, b"\0")


@dataclass
class Step:
    """One thing that happens in a stream."""

    action: str
    now_ms: int
    attempt: Attempt | None = None
    index: int = 0
    word: str = ""


def stream(seed: int, length: int, *, values: int = 3) -> Iterator[Step]:
    """Attempts, outcomes, labels and folds; the same millisecond, late ones, a hot key, and steps to every edge."""
    chance = random.Random(seed)
    now_ms = START_MS + chance.randrange(DAY)
    made = 0
    for number in range(length):
        roll = chance.random()
        if roll < 0.55 or made == 0:
            now_ms += chance.choice(STEPS) if chance.random() < 0.3 else chance.randrange(20_000)
            late = chance.choice((0, 0, 0, 0, 5, MINUTE, HOUR, DAY, 40 * DAY))
            keys = Keys(*(
                None if chance.random() < 0.1 else key(kind, 0 if chance.random() < 0.5 else chance.randrange(values))
                for kind in KINDS
            ))  # fmt: skip
            state = chance.choice(("open", "open", "open", "blocked"))
            attempt = Attempt(f"att_{seed}_{number}", keys, now_ms - late, chance.randrange(600_000), state)
            made += 1
            yield Step("attempt", now_ms, attempt)
        elif roll < 0.75:
            word = chance.choice(("approved", "declined", "void"))
            yield Step("end", now_ms, index=chance.randrange(made), word=word)
        elif roll < 0.82:
            yield Step("label", now_ms, index=chance.randrange(made))
        elif roll < 0.92:
            kind = chance.choice(KINDS)
            yield Step("fold", now_ms, index=chance.choice((1, 3, 1000)), word=kind)
        else:
            yield Step("look", now_ms)


@dataclass
class Played:
    """A stream as brute force, memory and database hold it, and where they differ."""

    pool: Pool
    committer: Committer
    attempts: list[Attempt] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    errors: list[str] = field(default_factory=list)
    compared: int = 0

    def reopened(self, pool: Pool) -> "Played":
        """The same stream after a restart: nothing is kept but what was committed, and what brute force knows."""
        return Played(pool, Committer(pool), self.attempts, self.memory, self.errors, self.compared)

    async def play(self, step: Step) -> None:
        """Do one step everywhere; an attempt is looked at before it is written."""
        if step.action == "attempt":
            assert step.attempt is not None
            await self.look(step.attempt.keys, step.attempt.amount, max(step.now_ms, step.attempt.at_ms))
            await self.write(step.attempt)
        elif step.action == "end":
            await self.end(self.attempts[step.index], step.word)
        elif step.action == "label":
            attempt = self.attempts[step.index]
            if attempt.fraud_ms is None:
                attempt.fraud_ms = step.now_ms
                self.memory.label(attempt.name, step.now_ms)
                label = attempt.label(f"rlbl_{attempt.name}", fraud=True, known_ms=step.now_ms)
                await self.committer.commit(Commit(risk_labels=[label]))
        elif step.action == "fold":
            await self.fold(step.word, limit=step.index, now_ms=step.now_ms)
        else:
            await self.look(Keys(*(key(kind, 0) for kind in KINDS)), 100, step.now_ms)

    async def write(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.memory.add(attempt.name, attempt.keys, amount=attempt.amount, at_ms=attempt.at_ms, state=attempt.state)
        await self.committer.commit(Commit(risk_events=[attempt.row()]))

    async def end(self, attempt: Attempt, state: str) -> None:
        attempt.state = state
        self.memory.end(attempt.name, state)
        await self.committer.commit(Commit(risk_outcomes=[RiskOutcomeRow(ACCOUNT, True, attempt.name, state)]))

    async def fold(self, kind: str, *, limit: int, now_ms: int) -> None:
        """Fold part of the hot key of ``kind``, as the worker would."""
        hot = Busy(ACCOUNT, True, kind, key(kind, 0))
        await store.fold(self.pool, hot, recent_ms=now_ms - 2 * HOUR, limit=limit)

    async def look(self, keys: Keys, amount: int, now_ms: int) -> None:
        expected = brute_force(self.attempts, keys, amount=amount, now_ms=now_ms)
        told = {
            "memory": self.memory.attributes(keys, amount=amount, now_ms=now_ms),
            "database": await find.history(
                self.pool, account=ACCOUNT, livemode=True, keys=keys, amount=amount, now_ms=now_ms
            ),
        }
        for who, found in told.items():
            self.compared += len(expected)
            for name in sorted(expected.keys() | found.keys()):
                if expected.get(name) != found.get(name):
                    self.errors.append(f"{who}: {name} is {expected.get(name)}, told {found.get(name)} at {now_ms}")
