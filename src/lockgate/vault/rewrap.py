"""Online re-wrapping: brings every wrapped key under its merchant's newest key version, a batch at a time."""

import asyncio
from collections.abc import Iterator

from lockgate.kernel import log
from lockgate.vault import crypto
from lockgate.vault.contexts import data_context, named_context, sealing_context
from lockgate.vault.hierarchy import Hierarchy, Kek
from lockgate.vault.keystore import WRAPPED_TABLES, WrappedRow

_CHUNK = 2_000


class Rewrapper:
    """Walks accounts, tables and ids in order, and remembers where it stopped.

    The place is only a convenience: a process that dies loses it, starts from the front and finds just the rows that
    are still under an old version. A row keeps its old wrap until the new one is committed, and old versions keep
    decrypting, so every key is readable at every moment. A row that fails its check is logged and passed over.
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self._ahead: Iterator[tuple[str, int, str]] | None = None
        self._at: tuple[str, int, str] | None = None
        self._after = ""

    async def run(self, batch: int) -> int:
        """Re-wraps at most ``batch`` rows and returns how many; 0 means that a whole walk found nothing left to do.

        A row that was shredded or re-wrapped by another process between reading and writing counts as done.
        """
        if batch < 1:
            raise ValueError("a batch has at least one row")
        done = await self._hierarchy.rewrap_roots(batch)
        walks, writing = 0, None
        try:
            while done < batch and walks < 2:
                if self._at is None:
                    if writing is not None:  # a new walk must not read what the last one is still writing
                        await writing
                        writing = None
                    walks += await self._next()
                    continue
                account, version, table = self._at
                limit = min(batch - done, _CHUNK)
                rows = await self._hierarchy.store.stale(
                    table, account, after=self._after, below=version, limit=limit
                )
                if rows:
                    self._after = rows[-1].id
                    target = await self._hierarchy.sealing(account, at_least=version)
                    kept, wrapped = await self._rewrapped(table, rows=rows, target=target)
                    done += len(kept)
                    # PostgreSQL writes one chunk while the next is read and wrapped.
                    if writing is not None:
                        await writing
                    write = self._hierarchy.store.replace(
                        table, account, rows=kept, wrapped=wrapped, version=target.version
                    )
                    writing = asyncio.create_task(write)
                if len(rows) < limit:
                    self._at = None
        finally:
            if writing is not None:
                await writing
        return done

    async def _next(self) -> int:
        """Moves to the next table; 1 when that began a new walk, or found no walk to begin."""
        began = 0
        if self._ahead is None:
            accounts = await self._hierarchy.store.rotated_accounts()
            self._ahead = ((account, version, table) for account, version in accounts for table in WRAPPED_TABLES)
            began = 1
        self._at, self._after = next(self._ahead, None), ""
        if self._at is None:
            self._ahead = None
        return began

    async def _rewrapped(
        self, table: str, *, rows: list[WrappedRow], target: Kek
    ) -> tuple[list[WrappedRow], list[bytes]]:
        """The rows whose wrap is sound, and their new wraps."""
        kept, wrapped = [], []
        for row in rows:
            try:
                source = await self._hierarchy.opening(target.account, row.kek_version)
                wrapped.append(_rewrap(table, source, row=row, target=target))
            except crypto.Tampered:
                log.get("vault").error("a wrapped key fails its check", table=table, account=target.account, row=row.id)
            else:
                kept.append(row)
        return kept, wrapped


def _rewrap(table: str, source: Kek, *, row: WrappedRow, target: Kek) -> bytes:
    if table == "card":
        return target.wrap_record(source.unwrap_record(row.wrapped))
    match table:
        case "named_key":
            context = named_context(source.account, row.id)
        case "data_key":
            purpose, subject = row.binding
            context = data_context(source.account, row.id, purpose=str(purpose), subject=str(subject))
        case _:
            key_format, not_before, not_after = row.binding
            context = sealing_context(
                row.id, str(key_format), not_before=int(not_before), not_after=int(not_after)
            )
    return target.wrap(source.unwrap(row.wrapped, context=context), context=context)
