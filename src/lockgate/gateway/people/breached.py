"""Asks the operator's copy of a list of breached passwords: files by five digits of SHA-1, or one sorted file."""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from lockgate.kernel import log
from lockgate.kernel.config import ConfigError
from lockgate.kernel.errors import Kind, Refusal

_PREFIX = 5
_DIGITS = 40
_LINE = 128
_logger = log.get("people")


class Breached:
    """Knows whether a password stands in the list. Nothing leaves this machine. Without a list nothing is known."""

    def __init__(self, place: str | None) -> None:
        self._place = Path(place) if place else None
        if self._place is not None and not os.access(self._place, os.R_OK):
            raise ConfigError(f"settings.json names a list of breached passwords that cannot be read: {self._place}")

    async def knows(self, password: str) -> bool:
        """Whether ``password`` is on the list. A list that cannot be read refuses all: it was asked for."""
        if self._place is None:
            return False
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        try:
            return await asyncio.to_thread(_look_up, self._place, digest)
        except OSError as fault:
            _logger.error("the list of breached passwords cannot be read", reason=fault.strerror)
            raise Refusal(
                Kind.UNAVAILABLE, "Passwords cannot be checked just now. Try again later.", should_retry=True
            ) from fault


def _look_up(place: Path, digest: str) -> bool:
    if not place.is_dir():
        return _in_sorted(place, digest)
    for name in (digest[:_PREFIX], f"{digest[:_PREFIX]}.txt"):
        file = place / name
        if file.exists():
            return _in_range(file, digest[_PREFIX:])
    return False


def _in_range(file: Path, suffix: str) -> bool:
    """Lines of a range file are the other 35 digits, a colon and a count; a count of 0 is padding."""
    with file.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            digits, _, count = line.strip().partition(":")
            if digits.upper() == suffix:
                return count.strip() != "0"
    return False


def _in_sorted(file: Path, digest: str) -> bool:
    """Lines of the one file are all 40 digits, a colon and a count, in order: halving finds one among any number."""
    with file.open("rb") as stream:
        low, high = 0, stream.seek(0, os.SEEK_END)
        while low < high:
            middle = (low + high) // 2
            found = _line_from(stream, middle)
            if found and found < digest:
                low = middle + 1
            else:
                high = middle
        return _line_from(stream, low) == digest


def _line_from(stream: BinaryIO, place: int) -> str:
    """The digits of the first line that begins at ``place`` or after it; empty at the end."""
    stream.seek(max(0, place - 1))
    if place:
        stream.readline(_LINE)
    return stream.readline(_LINE)[:_DIGITS].decode("ascii", "replace").upper()
