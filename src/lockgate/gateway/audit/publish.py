"""Writes checkpoints to a place of the operator's choice, so that a database set back to an old state is found out."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lockgate.gateway.audit import find_seals
from lockgate.gateway.audit.core import kept
from lockgate.gateway.audit.seal import Broken
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import notes

FILE = "checkpoints.jsonl"
Result = TypeVar("Result")
_TAIL_BYTES = 65_536
_PORTION = 1_000


class Unwritable(Exception):
    """The operator's place for checkpoints cannot be read or written."""


async def publish(pool: Pool, directory: Path) -> int:
    """Append every checkpoint that the file does not have yet; how many.

    Raises Broken when the file knows better, and Unwritable.
    """
    file = directory / FILE
    written = await _off_loop(_last, file)
    if written is not None:
        row = await find_seals.checkpoint(pool, size=written.size)
        if row is None or row.root != written.root:
            raise Broken(f"{file} has a checkpoint of {written.size} records that the database does not have")
    above = written.size if written is not None else 0
    done = 0
    while rows := await find_seals.checkpoints(pool, above=above, most=_PORTION):
        await _off_loop(_append, file, "".join(kept.line(row.size, row.note) for row in rows))
        above, done = rows[-1].size, done + len(rows)
    return done


async def _off_loop(work: Callable[..., Result], *args: object) -> Result:
    """Disks may be slow, and shares slower."""
    try:
        return await asyncio.to_thread(work, *args)
    except OSError as error:
        raise Unwritable(f"{error.filename or args[0]}: {error.strerror}") from error


def _last(file: Path) -> notes.Checkpoint | None:
    """The last checkpoint in the file, unverified: it only says where to go on."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
            whole = [row for row in stream.read().decode(errors="replace").split("\n")[:-1] if row.endswith("}")]
    except FileNotFoundError:
        return None
    for row in reversed(whole):
        for note in kept.notes_in(row):
            return notes.read_checkpoint(note.rpartition("\n\n")[0] + "\n")
    return None


def _append(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "rb+", buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":  # the machine stopped in the middle of a line
                text = "\n" + text
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
