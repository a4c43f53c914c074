"""Exchange rates: reads a table of them, and converts amounts to US cents in exact integers. Pure.

Two shapes are read. Ours has a line for each currency: ``currency,rate`` and how many units one unit of the base (USD
unless the head says otherwise, as in ``currency,eur``) buys. The European Central Bank's (eurofxref.csv and
eurofxref-hist.csv) has a column for each currency and a line for each day; the newest day counts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lockgate.gateway.geography.core.tables import BadLine, Table, cells
from lockgate.kernel.money import CURRENCIES, exponent

NAME = "rates"
_RATE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_SPELT = re.compile(r"([0-9]{1,2}) ([A-Z][a-z]+) ([0-9]{4})")
_MOST, _LEAST = 10**9, Fraction(1, 10_000)  # of any currency for one US dollar: beyond these somebody slipped
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rates:
    """What one US dollar buys, in units of each currency."""

    per_usd: Mapping[str, Fraction]

    def to_usd_cents(self, amount: int, currency: str) -> int | None:
        """``amount`` minor units in US cents, rounded half up to the cent; None where the currency has no rate."""
        rate = self.per_usd.get(currency)
        if rate is None:
            return None
        above = amount * 100 * rate.denominator
        below = 10 ** exponent(currency) * rate.numerator
        return (2 * above + below) // (2 * below)

    def over(self, others: "Rates") -> "Rates":
        """These rates, and the others' where these know none."""
        return Rates({**others.per_usd, **self.per_usd})


def read(lines: Sequence[str]) -> Table:
    """A table in its one form: lines ``currency,units of it for one unit of the base``. Raises BadLine."""
    rows = [[cell.strip() for cell in row] for row in cells(lines)]
    if not rows or len(rows[0]) < 2:
        raise BadLine(1, "the first line must name the columns: currency,rate, or Date,USD,JPY,... as the ECB gives")
    head, date = rows[0], None
    if head[0].lower() == "date":
        date, base, found = _by_day(rows)
    elif head[0].lower() == "currency" and len(head) == 2 and head[1].lower() in {"rate", *CURRENCIES}:
        base = head[1].lower() if head[1].lower() in CURRENCIES else "usd"
        found = _by_currency(rows)
    else:
        raise BadLine(1, "the first line must be currency,rate, or Date,USD,JPY,... as the ECB gives")
    if Fraction(found.get(base, 1)) != 1:
        raise BadLine(1, f"one {base.upper()}, which all rates are for, cannot be worth another number of itself")
    found[base] = "1"
    if "usd" not in found:
        raise BadLine(1, "there must be a rate for USD, or amounts cannot be converted to it")
    if not all(_LEAST <= Fraction(rate) / Fraction(found["usd"]) <= _MOST for rate in found.values()):
        raise BadLine(1, "no currency is worth so much, or so little, against USD: look at the rates and their base")
    return Table(NAME, date, tuple(f"{currency},{rate}" for currency, rate in sorted(found.items())))


def load(rows: Sequence[str]) -> Rates:
    """The rates in the one form of a table that `read` gave."""
    given = {currency: Fraction(rate) for currency, _, rate in (row.partition(",") for row in rows)}
    usd = given["usd"]
    return Rates({currency: rate / usd for currency, rate in given.items()})


def _by_currency(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        if len(row) != 2:
            raise BadLine(number, "each line is a currency and a rate")
        currency = row[0].lower()
        if currency not in CURRENCIES:
            raise BadLine(number, "the first column is no currency that Lockgate knows (ISO 4217)")
        if currency in found:
            raise BadLine(number, "this currency has a rate already")
        found[currency] = _rate(row[1], number)
    if not found:
        raise BadLine(2, "there are no rates")
    return found


def _by_day(rows: Sequence[Sequence[str]]) -> tuple[str, str, dict[str, str]]:
    """The newest day's rates. What the bank no longer quotes (N/A), or Lockgate does not know, is left out."""
    days = [(_day(row[0], number), number, row) for number, row in enumerate(rows[1:], 2) if any(row)]
    if not days:
        raise BadLine(2, "there are no rates")
    date, number, row = max(days, key=lambda day: day[0])
    if len(row) != len(rows[0]):
        raise BadLine(number, f"there must be {len(rows[0])} columns, as in the first line")
    named = [currency for currency in rows[0][1:] if currency]
    if len(set(named)) != len(named):
        raise BadLine(1, "a currency is named twice")
    found = {
        currency.lower(): _rate(rate, number)
        for currency, rate in zip(rows[0][1:], row[1:], strict=True)
        if currency.lower() in CURRENCIES and rate not in {"", "N/A"}
    }
    return date, "eur", found


def _rate(text: str, number: int) -> str:
    if not _RATE.fullmatch(text) or Fraction(text) == 0:
        raise BadLine(number, "a rate is a decimal number above 0, such as 1.0842")
    return text


def _day(text: str, number: int) -> str:
    if _DAY.fullmatch(text):
        return text
    spelt = _SPELT.fullmatch(text)
    if spelt and spelt[2] in _MONTHS:
        return f"{spelt[3]}-{_MONTHS.index(spelt[2]) + 1:02d}-{int(spelt[1]):02d}"
    raise BadLine(number, "a day is written as 2026-06-25 or 25 June 2026")
