"""What all reference tables have in common: one form of lines, an edition, and errors that name a line. Pure."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


class BadLine(Exception):
    """A line of a file cannot be taken. ``number`` counts from 1; ``problem`` says what is wrong, not the value."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"line {number}: {problem}")
        self.number = number
        self.problem = problem


def cells(lines: Sequence[str]) -> Iterator[list[str]]:
    """The rows of a CSV file, strictly: a quote that is never closed would swallow all that follows. Raises BadLine."""
    rows = csv.reader(lines, strict=True)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise BadLine(rows.line_num or 1, "this is no CSV: a quote is not closed, or a cell too long") from error
        if row is None:
            return
        yield row


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read and found good. ``date`` (2026-06-25) is what the file itself says, if it says."""

    name: str
    date: str | None
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """Where a table comes from. ``version`` is 0 for what is shipped, then counts imports; ``date`` is the data's."""

    name: str
    version: int
    date: str
    source: str
    licence: str
    sha256: str
    rows: int
