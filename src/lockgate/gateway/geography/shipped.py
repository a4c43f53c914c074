"""Reads the reference data that comes with Lockgate: dated, with its licence; NOTICE names whom it is owed to."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from lockgate.gateway.geography.core import bins, domains, middles, ranges, rates, zones
from lockgate.gateway.geography.core.known import Known
from lockgate.gateway.geography.core.ranges import Ranges
from lockgate.gateway.geography.core.tables import Edition
from lockgate.gateway.identity.core.place import Place

_FOLDER = Path(__file__).parent / "data"
COUNTRIES = _FOLDER / "ip_countries.bin"


@cache
def known() -> Known:
    """The tables before anything is imported. No table of card ranges has a licence that lets us ship it."""
    said = json.loads((_FOLDER / "editions.json").read_text("utf-8"))
    rows = {
        "rates": _lines("rates.txt"),
        "domains": _lines("disposable_domains.txt"),
        "zones": _lines("time_zones.txt"),
    }
    editions = {
        name: Edition(name, 0, sha256=_digest(lines), rows=len(lines), **said[name]) for name, lines in rows.items()
    }
    return Known(
        bins=bins.EMPTY,
        rates=rates.load(rates.read(rows["rates"]).rows),
        domains=domains.load(rows["domains"]),
        zones=zones.load(rows["zones"]),
        editions=editions,
    )


@cache
def country_ranges() -> Ranges:
    """Addresses and their countries."""
    return ranges.read(COUNTRIES.read_bytes())


@cache
def country_places() -> Mapping[str, Place]:
    """Each country's middle and reach."""
    return middles.load(_lines("country_places.txt"))


def _lines(name: str) -> list[str]:
    return (_FOLDER / name).read_text("utf-8").splitlines()


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
