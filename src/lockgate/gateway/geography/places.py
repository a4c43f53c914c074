"""Where addresses are: by the operator's own table where there is one, else by the shipped one of countries."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from lockgate.gateway.geography import shipped
from lockgate.gateway.geography.core.middles import placed
from lockgate.gateway.identity.core.place import UNKNOWN, Place
from lockgate.gateway.identity.places import Edition, Places, open_own

SHIPPED_STALE_S = 365 * 24 * 3600
"""Countries move less between networks than cities do, and the shipped table is renewed with releases."""


class ShippedPlaces(Places):
    """Countries alone: a place is its country's middle, and as far off as the country reaches."""

    def __init__(self) -> None:
        ranges = shipped.country_ranges()
        about = ranges.edition
        built = int(datetime.fromisoformat(about["date"]).replace(tzinfo=UTC).timestamp())
        digest = hashlib.sha256(shipped.COUNTRIES.read_bytes()).hexdigest()
        super().__init__(edition=Edition(about["name"], built, digest, about["licence"], SHIPPED_STALE_S))
        self._ranges = ranges

    def of(self, address: str) -> Place:
        try:
            country = self._ranges.country(ip_address(address.partition("%")[0]))
        except ValueError:
            return UNKNOWN
        return UNKNOWN if country is None else placed(Place(country), shipped.country_places())


class OwnPlaces(Places):
    """The operator's table; where it knows a country and no coordinates, they are the country's middle."""

    def __init__(self, own: Places) -> None:
        super().__init__(edition=own.edition)
        self._own = own

    def of(self, address: str) -> Place:
        return placed(self._own.of(address), shipped.country_places())

    def close(self) -> None:
        self._own.close()


def open_places(settings: Mapping[str, Any]) -> Places:
    """The table that ``geography`` in settings.json names, or the shipped one."""
    own = open_own(settings)
    return ShippedPlaces() if own is None else OwnPlaces(own)
