"""The only writer of the money path: gathers waiting commits into one transaction and gives each its own outcome."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import KINDS, VERSIONED, Commit
from lockgate.kernel import log
from lockgate.kernel.batch import Batcher

_KINDS = tuple((kind, kind in VERSIONED) for kind in KINDS)
_CALL = "select commit_v1($1, " + ", ".join(f"${n}" for n in range(2, 2 + 2 * len(KINDS + VERSIONED))) + ")"
MAX_BATCH = 64
_logger = log.get("storage")
Outcome = str | Exception


class KeyInUse(Exception):
    """The idempotency key was taken by another request; nothing was written."""


class Moved(Exception):
    """A row is no longer as it was read; nothing was written: read again and decide again."""


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
        """Write ``commit`` durably, or raise KeyInUse, Moved or CommitUnknown. Cannot be cancelled half-way."""
        outcome = await self._batcher.submit(commit)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome == "key_in_use":
            raise KeyInUse
        if outcome == "moved":
            raise Moved
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
                    return [error]
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
    """What commit_v1 takes: per kind the rows and their commits' numbers; kinds that change as new and changed rows."""
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
    return arguments
