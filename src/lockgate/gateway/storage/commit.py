"""The only writer of the money path: gathers waiting commits into one transaction and gives each its own outcome."""

import asyncio
from collections.abc import Sequence

import asyncpg

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import KINDS, Commit
from lockgate.kernel import log
from lockgate.kernel.batch import Batcher, BatchFailed

_CALL = "select commit_v1($1, " + ", ".join(f"${n}" for n in range(2, 2 + 2 * len(KINDS))) + ")"
MAX_BATCH = 64
_logger = log.get("storage")


class KeyInUse(Exception):  # noqa: N818 - an outcome that the caller must deal with
    """The idempotency key was taken by another request; nothing was written."""


class Moved(Exception):  # noqa: N818
    """A row is no longer as it was read; nothing was written: read again and decide again."""


class CommitUnknown(Exception):  # noqa: N818
    """The connection was lost during COMMIT: the commit may or may not have happened; its keys will tell."""


class Committer:
    """Queues commits from all requests of this process into few transactions."""

    def __init__(self, pool: Pool, *, lanes: int = 2) -> None:
        self._pool = pool
        self._batcher: Batcher[Commit, str] = Batcher(
            self._write, lanes=lanes, cap=MAX_BATCH, conflicts=lambda commit: commit.touches()
        )

    async def commit(self, commit: Commit) -> None:
        """Write ``commit`` durably, or raise KeyInUse, Moved or CommitUnknown. Cannot be cancelled half-way."""
        outcome = await asyncio.shield(asyncio.ensure_future(self._batcher.submit(commit)))
        if outcome == "key_in_use":
            raise KeyInUse
        if outcome == "moved":
            raise Moved
        if outcome == "unknown":
            raise CommitUnknown
        assert outcome == "ok", "the database gave an outcome that this version does not know"

    async def _write(self, commits: Sequence[Commit]) -> Sequence[str]:
        arguments: list[object] = [len(commits)]
        for kind in KINDS:
            rows: list[object] = []
            numbers: list[int] = []
            for number, commit in enumerate(commits, 1):
                mine = getattr(commit, kind)
                if mine:
                    rows.extend(mine)
                    numbers.extend([number] * len(mine))
            arguments += (rows, numbers)
        sent = False
        try:
            async with self._pool.acquire() as connection:
                sent = True
                return await connection.fetchval(_CALL, *arguments)
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            _logger.warning("connection lost around a commit", kind=type(error).__name__, commits=len(commits))
            if not sent:
                raise
            return ["unknown"] * len(commits)
        except asyncpg.PostgresError as error:
            if len(commits) > 1:  # rolled back as a whole: tell the guilty one apart by writing them singly
                raise BatchFailed from error
            raise
