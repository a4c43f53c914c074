"""Time zones by country: whether a browser's time zone is one of those of the country where its address is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Zones:
    """The zones (tz database names, old ones with them) of each country."""

    by_country: Mapping[str, frozenset[str]]
    known: frozenset[str]

    def is_foreign(self, zone: str | None, country: str | None) -> bool | None:
        """Whether ``zone`` is none of ``country``'s; None where either is unknown. UTC and offsets are no place."""
        its = self.by_country.get(country or "")
        if its is None or zone not in self.known:
            return None
        return zone not in its


def load(rows: Sequence[str]) -> Zones:
    """The table from lines of a country and its zones."""
    by_country = {country: frozenset(zones) for country, *zones in (row.split() for row in rows)}
    return Zones(by_country, frozenset().union(*by_country.values()))
