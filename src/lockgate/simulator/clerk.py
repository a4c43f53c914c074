"""Writes entries: into the journal, then into the books, then on the list of what is to be told."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from lockgate.kernel import clock, ids
from lockgate.simulator.books import Books, Notice
from lockgate.simulator.journal import Entry, Journal

Answer = tuple[dict[str, Any], int]
"""What to say, and the journal entry that must be on disk before it is said."""

_TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Clerk:
    """The only one who changes the books. ``news`` holds what nobody has taken up to tell yet."""

    books: Books
    journal: Journal
    news: "asyncio.Queue[Notice]" = field(default_factory=asyncio.Queue)

    def record(self, entry: Entry) -> Answer:
        """Let ``entry`` be true from now on."""
        entry["time_ms"] = clock.now_ms()
        for told in entry.get("notices", ()):
            told["id"] = ids.new_id("ntf")
        seq = self.journal.append(entry)
        self.books.apply(entry)
        for told in entry.get("notices", ()):
            self.news.put_nowait(self.books.untold[told["id"]])
        return entry.get("answer", {}), seq

    def now(self, account: str) -> int:
        """The account's own time, in seconds."""
        return self.books.now_ms(account, clock.now_ms()) // 1000

    def hear(self, account: str, told: int | None) -> None:
        """Move the account's clock to what a message told, and do all that is due by it."""
        entry = self.books.told(account, told, clock.now_ms()) if told is not None else None
        if entry is not None:
            self.record(entry)
        self.settle(account)

    def settle(self, account: str) -> None:
        """Do all that is due for one account."""
        while (entry := self.books.next_due(account, clock.now_ms(), new_id=ids.new_id)) is not None:
            self.record(entry)

    async def keep_time(self) -> None:
        """Do what comes due while nobody asks, for ever."""
        while True:
            for account in self.books.waiting():
                self.settle(account)
            await asyncio.sleep(_TICK_S)
