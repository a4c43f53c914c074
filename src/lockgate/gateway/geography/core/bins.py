"""The table of card ranges: what a card's first six digits say about its issuer. Pure.

A file has a head that names its columns: ``first`` and, for a range, ``last`` (prefixes of two to eleven digits),
``country``, and optionally ``funding`` and ``issuer``; the names that public tables use for them are taken too. Outside
the vault a card is known by six digits. Ranges finer than that count where they agree; where they do not, what they
disagree on is unknown. Of two ranges that hold the same six digits the narrower speaks.
"""

import csv
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lockgate.gateway.geography.core.tables import BadLine, Table

NAME = "bins"
DIGITS = 6
MAX_ROWS = 2_000_000
_SIZE = 10**DIGITS
_PREFIX = re.compile(r"[0-9]{2,11}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_FUNDING = ("credit", "debit", "prepaid")
_COLUMNS: Mapping[str, str] = {
    "first": "first", "iin_start": "first", "bin": "first", "prefix": "first", "start": "first",
    "last": "last", "iin_end": "last", "end": "last",
    "country": "country", "country_code": "country", "alpha_2": "country", "isocode2": "country",
    "funding": "funding", "type": "funding",
    "issuer": "issuer", "bank_name": "issuer", "bank": "issuer",
}  # fmt: skip


class Issued(NamedTuple):
    """What is known of cards that begin so; None where it is not."""

    country: str | None = None
    funding: str | None = None
    issuer: str | None = None


NOTHING = Issued()


@dataclass(frozen=True, slots=True)
class Bins:
    """The table in memory: for each six digits the number of what is known of them."""

    cells: array
    known: Sequence[Issued]

    def of(self, bin_: str | None) -> Issued:
        """What the table says of cards that begin with these six digits."""
        if bin_ is None or len(bin_) != DIGITS or not (bin_.isascii() and bin_.isdigit()):
            return NOTHING
        return self.known[self.cells[int(bin_)]] if self.cells else NOTHING


EMPTY = Bins(array("I"), (NOTHING,))


def read(lines: Sequence[str]) -> Table:
    """A table in its one form: lines ``first,last,country,funding,issuer``, ordered. Raises BadLine."""
    rows = csv.reader(lines)
    head = [_COLUMNS.get(cell.strip().lower().lstrip("\ufeff"), "") for cell in next(rows, [])]
    if "first" not in head or "country" not in head:
        raise BadLine(1, "the first line must name the columns first and country (and may name last, funding, issuer)")
    if len(set(head) - {""}) != len([name for name in head if name]):
        raise BadLine(1, "a column is named twice")
    found: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(head):
            raise BadLine(number, f"there must be {len(head)} columns, as in the first line")
        line = {name: cell.strip() for name, cell in zip(head, row, strict=True) if name}
        first, last = _prefixes(line, number)
        text = f"{_country(line, number)},{_funding(line, number)},{_issuer(line)}"
        if found.setdefault((first, last), text) != text:
            raise BadLine(number, "this range stands in the file already, and says something else")
        if len(found) > MAX_ROWS:
            raise BadLine(number, f"a table holds at most {MAX_ROWS} ranges")
    if not found:
        raise BadLine(2, "there are no ranges")
    return Table(NAME, None, tuple(f"{first},{last},{text}" for (first, last), text in sorted(found.items())))


def load(rows: Sequence[str]) -> Bins:
    """The table from its one form."""
    whole: list[tuple[int, int, Issued]] = []
    finer: dict[int, list[Issued]] = {}
    for row in rows:
        first, last, country, funding, issuer = row.split(",", 4)
        issued = Issued(country or None, funding or None, issuer or None)
        begin, end = _span(first, last)
        if len(first) <= DIGITS:
            whole.append((begin, end, issued))
        else:
            for cell in range(begin, end + 1):
                finer.setdefault(cell, []).append(issued)
    numbers: dict[Issued, int] = {NOTHING: 0}
    cells = array("I", bytes(4 * _SIZE))
    for begin, end, issued in sorted(whole, key=lambda one: one[0] - one[1]):  # the widest first
        number = numbers.setdefault(issued, len(numbers))
        cells[begin : end + 1] = array("I", [number]) * (end + 1 - begin)
    for cell, several in finer.items():
        cells[cell] = numbers.setdefault(_agreed(several), len(numbers))
    return Bins(cells, tuple(numbers))


def _agreed(several: Sequence[Issued]) -> Issued:
    """What all of ``several`` say; None where they differ."""
    return Issued(*(said[0] if len(set(said)) == 1 else None for said in zip(*several, strict=True)))


def _span(first: str, last: str) -> tuple[int, int]:
    """The six-digit numbers that a range covers, also in part."""
    return int(first[:DIGITS].ljust(DIGITS, "0")), int(last[:DIGITS].ljust(DIGITS, "9"))


def _prefixes(line: Mapping[str, str], number: int) -> tuple[str, str]:
    first = line["first"]
    last = line.get("last") or first
    if not _PREFIX.fullmatch(first) or len(last) != len(first) or not _PREFIX.fullmatch(last):
        raise BadLine(number, "a range begins and ends with prefixes of two to eleven digits, both as long")
    if last < first:
        raise BadLine(number, "a range ends before it begins")
    return first, last


def _country(line: Mapping[str, str], number: int) -> str:
    country = line["country"].upper()
    if country and not _COUNTRY.fullmatch(country):
        raise BadLine(number, "a country is two letters (ISO 3166-1), or nothing where it is not known")
    return country


def _funding(line: Mapping[str, str], number: int) -> str:
    funding = line.get("funding", "").lower()
    if funding and funding not in _FUNDING:
        raise BadLine(number, f"funding is {', '.join(_FUNDING)}, or nothing where it is not known")
    return funding


def _issuer(line: Mapping[str, str]) -> str:
    return " ".join(line.get("issuer", "").split())[:100]
