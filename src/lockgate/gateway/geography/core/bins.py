"""The table of card ranges: what a card's first six digits say about its issuer. Pure.

A file has a head that names its columns: ``first`` and, for a range, ``last`` (prefixes of two to eleven digits),
``country``, and optionally ``funding`` and ``issuer``; the names that public tables use for them are taken too. Outside
the vault a card is known by six digits. Ranges finer than that count where they agree, with each other and with the
range around them unless they leave nothing of it; what they disagree on is unknown. Of two ranges that hold the same
six digits the narrower speaks.
"""

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from lockgate.gateway.geography.core.tables import BadLine, Table, cells

NAME = "bins"
DIGITS = 6
MAX_ROWS = 2_000_000
MAX_CELLS = 500_000_000
"""How many six digits all ranges may cover together: each is written once for each range, in every process."""

_SIZE = 10**DIGITS
_FINEST = 11
_PER_CELL = 10 ** (_FINEST - DIGITS)
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
    rows = cells(lines)
    head = [_COLUMNS.get(cell.strip().lower().lstrip("\ufeff"), "") for cell in next(rows, [])]
    if "first" not in head or "country" not in head:
        raise BadLine(1, "the first line must name the columns first and country (and may name last, funding, issuer)")
    if len(set(head) - {""}) != len([name for name in head if name]):
        raise BadLine(1, "a column is named twice")
    found: dict[tuple[str, str], str] = {}
    whole: list[tuple[int, int, int, str]] = []
    covered = 0
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(head):
            raise BadLine(number, f"there must be {len(head)} columns, as in the first line")
        line = {name: cell.strip() for name, cell in zip(head, row, strict=True) if name}
        first, last = _prefixes(line, number)
        text = f"{_country(line, number)},{_funding(line, number)},{_issuer(line)}"
        begin, end = _span(first, last)
        if end - begin + 1 >= _PER_CELL:
            whole.append((end - begin, begin, number, text))
        if found.setdefault((first, last), text) != text:
            raise BadLine(number, "this range stands in the file already, and says something else")
        covered += (end - begin) // _PER_CELL + 1
        if len(found) > MAX_ROWS or covered > MAX_CELLS:
            raise BadLine(number, f"a table holds at most {MAX_ROWS} ranges, of {MAX_CELLS} prefixes of six digits")
    if not found:
        raise BadLine(2, "there are no ranges")
    for one, other in pairwise(sorted(whole)):  # those of one width side by side, in their order
        if one[0] == other[0] and other[1] <= sum(one[:2]) and one[3] != other[3]:
            number = max(one[2], other[2])
            raise BadLine(number, "another range of the file, as wide as this, overlaps it and says something else")
    return Table(NAME, None, tuple(f"{first},{last},{text}" for (first, last), text in sorted(found.items())))


def load(rows: Sequence[str]) -> Bins:
    """The table from its one form."""
    whole: list[tuple[int, int, Issued]] = []
    finer: dict[int, list[tuple[int, int, Issued]]] = {}
    for row in rows:
        first, last, country, funding, issuer = row.split(",", 4)
        issued = Issued(country or None, funding or None, issuer or None)
        begin, end = _span(first, last)
        for cell in {begin // _PER_CELL, end // _PER_CELL}:  # between these a range covers whole cells
            start = cell * _PER_CELL
            part = max(begin, start), min(end, start + _PER_CELL - 1), issued
            if part[1] - part[0] + 1 < _PER_CELL:
                finer.setdefault(cell, []).append(part)
        if (cells_end := (end + 1) // _PER_CELL) > (cells_begin := -(-begin // _PER_CELL)):
            whole.append((cells_begin, cells_end, issued))
    numbers: dict[Issued, int] = {NOTHING: 0}
    found = array("I", bytes(4 * _SIZE))
    for begin, end, issued in sorted(whole, key=lambda one: one[0] - one[1]):  # the widest first
        number = numbers.setdefault(issued, len(numbers))
        found[begin:end] = array("I", [number]) * (end - begin)
    known = list(numbers)
    for cell, parts in finer.items():
        around = known[found[cell]]
        said = {issued for _, _, issued in parts}
        if around != NOTHING and not _covers((begin, end) for begin, end, _ in parts):
            said.add(around)
        agreed = _agreed(said)
        found[cell] = numbers.setdefault(agreed, len(numbers))
    return Bins(found, tuple(numbers))


def _covers(parts: Iterable[tuple[int, int]]) -> bool:
    """Whether ``parts`` of one six digits leave nothing of them."""
    covered, reach = 0, -1
    for begin, end in sorted(parts):
        covered += max(0, end - max(begin, reach + 1) + 1)
        reach = max(reach, end)
    return covered == _PER_CELL


def _agreed(several: Iterable[Issued]) -> Issued:
    """What all of ``several`` say; None where they differ."""
    return Issued(*(said[0] if len(set(said)) == 1 else None for said in zip(*several, strict=True)))


def _span(first: str, last: str) -> tuple[int, int]:
    """The numbers of eleven digits that a range covers."""
    return int(first.ljust(_FINEST, "0")), int(last.ljust(_FINEST, "9"))


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
