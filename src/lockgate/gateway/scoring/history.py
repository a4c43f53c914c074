"""Reads a merchant's history of payments from CSV, so that a model can be trained before Lockgate has seen any.

Columns by name, in any order: ``time`` (seconds since the epoch, with decimals if there are any, or ISO 8601 with a
zone), ``amount`` (US cents), and as far as they are known ``card``, ``customer``, ``ip``, ``device``, ``email``,
``bin``, ``outcome`` (approved or declined; approved where it is empty), ``fraud`` (1, 0 or nothing), ``known_at`` (a
time as above; where it is empty a fraud counts as known seven days later), and any attribute of the catalogue whose
source is payment, card, person or place. Values only name things: they are hashed, and never kept.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, Attribute, Value
from lockgate.gateway.scoring.core.habits import SETTLES_MS
from lockgate.gateway.scoring.core.replay import Paid
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.measures import KINDS

NEEDED = ("time", "amount")
_OWN = {"time", "amount", "outcome", "fraud", "known_at", *KINDS}
_FACTS = {
    name: attribute
    for name, attribute in ATTRIBUTES.items()
    if attribute.source in ("payment", "card", "person", "place") and not attribute.listed_only and name not in _OWN
}
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_LATEST_MS = 253_402_300_799_000  # the end of the year 9999


class BadHistory(ValueError):
    """The file cannot be used. The message names line and column, and never quotes a value."""


def read(lines: Iterable[str]) -> list[Paid]:
    """The payments of a CSV file, by time; those of one millisecond in the file's order. Raises BadHistory."""
    rows = csv.DictReader(lines, strict=True)
    try:
        columns = rows.fieldnames or []
        lacking = [name for name in NEEDED if name not in columns]
        if lacking:
            raise BadHistory(f"the file has no column {lacking[0]}: its first line names the columns")
        strange = [place for place, name in enumerate(columns, 1) if name not in _OWN and name not in _FACTS]
        if strange:
            raise BadHistory(f"column {strange[0]} has a name that is no column of a history")
        twice = [place for place, name in enumerate(columns, 1) if name in columns[: place - 1]]
        if twice:
            raise BadHistory(f"column {twice[0]} stands there twice")
        return sorted(_payments(rows), key=lambda paid: paid.at_ms)
    except csv.Error as error:
        raise BadHistory(f"line {rows.line_num} is no CSV: {error}") from error


def _payments(rows: "csv.DictReader[str]") -> Iterator[Paid]:
    for row in rows:
        if None in row or None in row.values():
            raise BadHistory(f"line {rows.line_num} has more or fewer cells than the first line")
        yield _paid({name: (cell or "").strip() for name, cell in row.items()}, rows.line_num)


def _paid(row: dict[str, str], line: int) -> Paid:
    at_ms = _time(row["time"], "time", line)
    try:
        amount = int(row["amount"])
    except ValueError:
        amount = -1
    if not 0 <= amount <= 10**12:
        raise _bad(line, "amount", "is a whole number of US cents")
    if row.get("outcome", "") not in ("", "approved", "declined"):
        raise _bad(line, "outcome", "is approved or declined")
    fraud = row.get("fraud", "")
    if fraud not in ("", "0", "1"):
        raise _bad(line, "fraud", "is 1, 0 or empty")
    known_ms = None
    if fraud == "1":
        told = row.get("known_at", "")
        known_ms = _time(told, "known_at", line) if told else at_ms + SETTLES_MS
        if known_ms < at_ms:
            raise _bad(line, "known_at", "is not before the payment")
    keys = Keys(*(_key(kind, row[kind]) if row.get(kind) else None for kind in KINDS))
    moment = at_ms // 1000
    facts: dict[str, Value] = {
        "hour_of_day": moment // 3600 % 24,
        "day_of_week": (moment // 86_400 + 3) % 7 + 1,  # the epoch was a Thursday
    }
    facts |= {name: _fact(row[name], _FACTS[name], line) for name in row if name in _FACTS and row[name]}
    return Paid(at_ms, amount, keys, facts, row.get("outcome") or "approved", known_ms)


def _key(kind: str, value: str) -> bytes:
    return hashlib.blake2b(f"{kind}\0{value}".encode(), digest_size=16).digest()


def _time(cell: str, column: str, line: int) -> int:
    try:
        seconds = Decimal(cell)
        # Compared before it is multiplied: a number of a million digits is no time either.
        at_ms = int(seconds * 1000) if 0 <= seconds <= _LATEST_MS // 1000 else -1
    except InvalidOperation:
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            raise _bad(line, column, "is seconds since the epoch, or ISO 8601 with a zone") from None
        if moment.tzinfo is None:
            raise _bad(line, column, "needs a time zone, such as Z at its end") from None
        at_ms = round(moment.timestamp() * 1000)
    if not 0 <= at_ms <= _LATEST_MS:
        raise _bad(line, column, "lies between 1970 and 9999")
    return at_ms


def _fact(cell: str, attribute: Attribute, line: int) -> Value:
    if attribute.type == "boolean":
        found = _BOOLEANS.get(cell.lower())
        if found is None:
            raise _bad(line, attribute.name, "is 1, 0, true or false")
        return found
    if attribute.type == "text":
        return cell
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    if not abs(number) <= 10**12:
        raise _bad(line, attribute.name, "is a number")
    return int(number) if attribute.type == "money" or number.is_integer() else number


def _bad(line: int, column: str, rule: str) -> BadHistory:
    return BadHistory(f"line {line}: {column} {rule}")
