"""The only writer of the money path: gathers waiting commits into one transaction and gives each its own outcome."""

import json
from collections.abc import Sequence
from typing import Any

import asyncpg

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import KINDS, RECORDS, VERSIONED, Commit
from lockgate.kernel import log
from lockgate.kernel.batch import Batcher

_KINDS = tuple((kind, kind in VERSIONED) for kind in KINDS)
_CALL = "select commit_v3($1, " + ", ".join(f"${n}" for n in range(2, 3 + 2 * len(KINDS + VERSIONED))) + ")"
MAX_BATCH = 64
_logger = log.get("storage")
Outcome = str | Exception


class KeyInUse(Exception):
    """The idempotency key was taken by another request; nothing was written."""


class Moved(Exception):
    """A row is no longer as it was read; nothing was written: read again and decide again."""


class Taken(Exception):
    """A name that may stand once stands already; nothing was written. ``index`` says which rule was broken."""

    def __init__(self, index: str) -> None:
        super().__init__(f"already taken: {index}")
        self.index = index


class Uncovered(Exception):
    """A payout asks for more than is available; nothing was written."""


class Overrun(Exception):
    """What a verdict rested on is no longer so; nothing was written: judge again."""


class CommitUnknown(Exception):
    """The connection was lost during COMMIT: the commit may or may not have happened; its keys will tell."""


class Committer:
    """Queues commits from all requests of this process into few transactions.

    One at a time by default: what waits for the disk together costs one flush, and a second lane only halves the batch.
    """

    def __init__(self, pool: Pool, *, lanes: int = 1) -> None:
        self._pool = pool
        self._batcher: Batcher[Commit, Outcome] = Batcher(
            self._write, lanes=lanes, cap=MAX_BATCH, conflicts=Commit.touches
        )

    async def commit(self, commit: Commit) -> None:
        """Write ``commit`` durably, or raise KeyInUse, Moved, Taken, Uncovered, Overrun or CommitUnknown.

        Cannot be cancelled half-way.
        """
        outcome = await self._batcher.submit(commit)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome == "key_in_use":
            raise KeyInUse
        if outcome == "moved":
            raise Moved
        if outcome == "uncovered":
            raise Uncovered
        if outcome == "overrun":
            raise Overrun
        if outcome == "unknown":
            raise CommitUnknown
        assert outcome == "ok", "the database gave an outcome that this version does not know"

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._batcher.close()

    async def _write(self, commits: Sequence[Commit]) -> Sequence[Outcome]:
        arguments = _arguments(commits)
        sent = False
        try:
            async with self._pool.acquire() as connection:
                sent = True
                return await connection.fetchval(_CALL, *arguments)
        except asyncpg.DataError as error:  # a value that cannot be encoded: nothing was sent
            return [error] if len(commits) == 1 else [(await self._write([commit]))[0] for commit in commits]
        except asyncpg.PostgresError as error:
            if not isinstance(error, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
                if len(commits) == 1:
                    # What PostgreSQL says of it would quote the values.
                    twice = isinstance(error, asyncpg.UniqueViolationError)
                    return [Taken(str(getattr(error, "constraint_name", ""))) if twice else error]
                # Rolled back as a whole: written singly, only the guilty one fails.
                return [(await self._write([commit]))[0] for commit in commits]
            lost: Exception = error
        except (asyncpg.InterfaceError, OSError, TimeoutError) as error:
            lost = error
        _logger.warning("connection lost around a commit", kind=type(lost).__name__, commits=len(commits))
        if not sent:
            return [lost] * len(commits)
        return ["unknown"] * len(commits)


def _arguments(commits: Sequence[Commit]) -> list[object]:
    """What commit_v3 takes: per kind the rows and their commits' numbers; kinds that change as new and changed rows."""
    arguments: list[object] = [len(commits)]
    for kind, versioned in _KINDS:
        rows: list[Any] = []
        numbers: list[int] = []
        changed: list[Any] = []
        changed_numbers: list[int] = []
        for number, commit in enumerate(commits, 1):
            for row in getattr(commit, kind):
                if versioned and row.version > 1:
                    changed.append(row)
                    changed_numbers.append(number)
                else:
                    rows.append(row)
                    numbers.append(number)
        arguments += (rows, numbers, changed, changed_numbers) if versioned else (rows, numbers)
    arguments.append(_records(commits))
    return arguments


def _records(commits: Sequence[Commit]) -> str | None:
    """All rows beside the money path as one JSON document; None when there are none, as in nearly every payment."""
    found: dict[str, dict[str, list[Any]]] = {}
    for number, commit in enumerate(commits, 1):
        for kind in RECORDS:
            for row in getattr(commit, kind):
                table = found.setdefault(kind.removesuffix("s"), {"rows": [], "numbers": []})
                table["rows"].append({name: _plain(name, value) for name, value in row._asdict().items()})
                table["numbers"].append(number)
    return json.dumps(found) if found else None


def _plain(name: str, value: Any) -> Any:
    """A column's value in JSON: bytes as PostgreSQL writes them, the ``data`` column as the object that it is."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return json.loads(value) if name == "data" else value
