"""Looks for our keys in files, folders and streams: by checksum, in bounded memory, following no links."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lockgate.gateway.identity.core import key_format
from lockgate.kernel import clock

PORTION = 1 << 20
_EDGE = key_format.LONGEST + 1  # what may belong to a key that goes on in the next portion
_TELL_EVERY_S = 5.0


class Leak(NamedTuple):
    """A key that stands where it should not; ``text`` is masked."""

    place: str
    line: int
    text: str
    kind: str
    livemode: bool
    account: str

    def __str__(self) -> str:
        mode = "live" if self.livemode else "test"
        return f"{self.place}:{self.line}: {self.text} ({self.kind} key, {mode} mode, {self.account})"


class Scan:
    """One look over any number of places. Publishable keys are meant to be seen, and passed over unless asked for."""

    def __init__(self, *, publishable: bool = False, tell: Callable[[str], None] | None = None) -> None:
        self.unread: list[str] = []
        self.files = 0
        self.bytes = 0
        self._publishable = publishable
        self._tell = tell
        self._told = clock.monotonic()

    def path(self, path: Path) -> Iterator[Leak]:
        """A file, or a folder with all that is in it. A link inside of it leads elsewhere and is not followed."""
        if not path.is_dir():
            yield from self._file(path, follow=True)
            return
        for folder, folders, names in os.walk(path, onerror=self._unreadable):
            folders.sort()
            for name in sorted(names):
                yield from self._file(Path(folder, name), follow=False)

    def stream(self, stream: BinaryIO, place: str) -> Iterator[Leak]:
        """Everything up to the end of ``stream``."""
        kept, line, first = "", 1, True
        while True:
            portion = stream.read(PORTION)
            self.bytes += len(portion)
            self._progress()
            text = kept + portion.decode("latin-1")
            if portion and len(text) <= 2 * _EDGE:
                kept = text
                continue
            begin, end = (0 if first else _EDGE), (len(text) - _EDGE if portion else len(text))
            for start, found in key_format.places_in(text) if "k_" in text else ():
                if begin <= start < end and (leak := self._leak(found, place, line + text.count("\n", 0, start))):
                    yield leak
            if not portion:
                return
            line += text.count("\n", 0, len(text) - 2 * _EDGE)
            kept, first = text[-2 * _EDGE :], False

    def _leak(self, found: str, place: str, line: int) -> Leak | None:
        parsed = key_format.parse(found)
        if parsed is None or (parsed.kind == "publishable" and not self._publishable):
            return None
        return Leak(place, line, key_format.masked(found), parsed.kind, parsed.livemode, parsed.account)

    def _file(self, path: Path, *, follow: bool) -> Iterator[Leak]:
        flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
        try:
            if not follow and path.is_symlink():
                return
            descriptor = os.open(path, flags)
            with os.fdopen(descriptor, "rb") as stream:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return
                self.files += 1
                yield from self.stream(stream, _printable(path))
        except OSError as error:
            self._unreadable(error)

    def _unreadable(self, error: OSError) -> None:
        self.unread.append(f"{_printable(Path(str(error.filename or '?')))}: {error.strerror or 'unreadable'}")

    def _progress(self) -> None:
        if self._tell is not None and clock.monotonic() - self._told >= _TELL_EVERY_S:
            self._told = clock.monotonic()
            self._tell(f"{self.files} files, {self.bytes / 1e6:.0f} MB looked through")


def _printable(path: Path) -> str:
    """A file's name may hold anything; a terminal gets only what can be shown."""
    return "".join(char if char.isprintable() else "?" for char in str(path))
