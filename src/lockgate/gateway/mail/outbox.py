"""A folder in place of a mail server: each mail becomes one file that only its owner can read. For sandboxes."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from lockgate.gateway.mail.routes import Outcome


@dataclass(frozen=True, slots=True)
class OutboxRoute:
    """Files are named by the mail's id, which sorts by time; a mail that is tried again replaces its own file."""

    folder: Path

    async def send(self, message: bytes, *, id_: str, sender: str, to: str) -> Outcome:
        """Write the file in one step: whoever watches the folder never reads half a mail."""
        try:
            await asyncio.to_thread(self._write, message, id_)
        except OSError:
            return Outcome("later", "folder_closed")
        return Outcome("sent", "written")

    def _write(self, message: bytes, id_: str) -> None:
        fresh = self.folder / f".{id_}.new"
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(message)
        fresh.replace(self.folder / f"{id_}.eml")


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No mail server is set up: mail waits for one, and is given up when none comes in time."""

    async def send(self, message: bytes, *, id_: str, sender: str, to: str) -> Outcome:
        """Not now."""
        return Outcome("later", "not_configured")
