"""An append-only journal of what really happened: fsynced before anybody is told, re-read on start.

Many entries share one fsync: whatever was appended while the disk was busy goes out with the next write.
"""

import asyncio
import fcntl
import json
import os
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class JournalDamaged(Exception):
    """The file is not the journal that was written; starting on it would invent a past."""


class JournalFailed(Exception):
    """The disk refused: nothing later may be acknowledged, and the program must stop."""


class Journal:
    """Open with ``open_journal``; one writer at a time, held by a file lock."""

    def __init__(self, fd: int, offsets: "array[int]", *, end: int) -> None:
        self._fd = fd
        self._offsets = offsets              # where entry seq starts: offsets[seq - 1]
        self._end = end
        self._pending: list[bytes] = []
        self._unsynced: dict[int, bytes] = {}
        self._synced_seq = len(offsets)
        self._changed = asyncio.Condition()
        self._wake = asyncio.Event()
        self._failure: OSError | None = None
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._writer = asyncio.create_task(self._write_forever())

    @property
    def last_seq(self) -> int:
        return len(self._offsets)

    def append(self, entry: Entry) -> int:
        """Queue ``entry`` and return its number, also set as ``entry["seq"]``. Durable only after ``durable``."""
        if self._failure is not None:
            raise JournalFailed("the journal cannot be written")
        seq = len(self._offsets) + 1
        entry["seq"] = seq
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        self._offsets.append(self._end)
        self._end += len(line)
        self._pending.append(line)
        self._unsynced[seq] = line
        self._wake.set()
        return seq

    async def durable(self, seq: int) -> None:
        """Wait until entry ``seq`` and all before it are on disk."""
        if self._synced_seq >= seq:
            return
        async with self._changed:
            await self._changed.wait_for(lambda: self._synced_seq >= seq or self._failure is not None)
        if self._synced_seq < seq:
            raise JournalFailed("the journal cannot be written") from self._failure

    def entry(self, seq: int) -> Entry:
        """Entry ``seq``."""
        line = self._unsynced.get(seq)
        if line is None:
            end = self._offsets[seq] if seq < len(self._offsets) else self._end
            line = os.pread(self._fd, end - self._offsets[seq - 1], self._offsets[seq - 1])
        return json.loads(line)

    def after(self, since: int, limit: int) -> list[Entry]:
        """Up to ``limit`` entries numbered above ``since``, oldest first."""
        return [self.entry(seq) for seq in range(since + 1, min(since + limit, len(self._offsets)) + 1)]

    async def failed(self) -> None:
        """Return when the journal has failed; never otherwise."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._failure is not None)

    async def close(self) -> None:
        """Write what is queued and let go of the file."""
        if self._failure is None:
            await self._flushed()
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        self._disk.shutdown()
        os.close(self._fd)

    async def _flushed(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._synced_seq == len(self._offsets) or self._failure is not None)

    async def _write_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            lines, self._pending = self._pending, []
            through = self._synced_seq + len(lines)
            failure = None
            try:
                await loop.run_in_executor(self._disk, _write_durably, self._fd, b"".join(lines))
            except OSError as error:
                failure = error
            async with self._changed:
                if failure is None:
                    for seq in range(self._synced_seq + 1, through + 1):
                        del self._unsynced[seq]
                    self._synced_seq = through
                self._failure = failure
                self._changed.notify_all()
            if failure is not None:
                return


def open_journal(path: Path, replay: Callable[[Entry], None]) -> Journal:
    """Open or make the journal at ``path``, hand every entry to ``replay``, and cut off a torn last line.

    A torn line was never acknowledged. Raises JournalDamaged when the rest is not a whole journal, or another process
    has it open. Call inside a running event loop.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise JournalDamaged(f"{path} is in use by another process") from error
        offsets, end = _replay(fd, path, replay)
        if os.fstat(fd).st_size != end:
            os.ftruncate(fd, end)
        os.fsync(fd)
        _sync_directory(path.parent)
        return Journal(fd, offsets, end=end)
    except BaseException:
        os.close(fd)
        raise


def _replay(fd: int, path: Path, replay: Callable[[Entry], None]) -> "tuple[array[int], int]":
    offsets: array[int] = array("Q")
    end = 0
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        for line in file:
            if not line.endswith(b"\n"):
                break
            try:
                entry = json.loads(line)
                if entry["seq"] != len(offsets) + 1:
                    raise ValueError("out of order")
                replay(entry)
            except (ValueError, TypeError, KeyError) as error:
                raise JournalDamaged(f"{path}: entry {len(offsets) + 1} is damaged") from error
            offsets.append(end)
            end += len(line)
    return offsets, end


def _write_durably(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]
    os.fdatasync(fd)


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
