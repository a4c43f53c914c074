"""Where addresses are, by a table in MaxMind's format that the operator gives: its version and licence are on record.

Without one the geography room's shipped table of countries stands in.
"""

import hashlib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb

from lockgate.gateway.identity.core.place import UNKNOWN, Place
from lockgate.kernel.config import ConfigError

STALE_S = 60 * 24 * 3600


class Edition(NamedTuple):
    """Which table is used: its type, when it was built (seconds), its file's hash, and the licence it comes under."""

    type: str
    built: int
    sha256: str
    licence: str
    stale_s: int = STALE_S

    def is_stale(self, now: int) -> bool:
        """Whether it is older than it should be: networks move."""
        return now - self.built > self.stale_s


class Places:
    """Looks addresses up in a file that stays open; ``edition`` is None where there is none."""

    def __init__(self, reader: maxminddb.Reader | None = None, edition: Edition | None = None) -> None:
        self._reader = reader
        self.edition = edition

    def of(self, address: str) -> Place:
        """Where ``address`` is said to be; unknown for private ones, and for whatever is no address."""
        if self._reader is None:
            return UNKNOWN
        try:
            found: Any = self._reader.get(ip_address(address.partition("%")[0]))
        except ValueError:
            return UNKNOWN
        return _read(found) if isinstance(found, dict) else UNKNOWN

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


def open_own(settings: Mapping[str, Any]) -> Places | None:
    """The table that ``geography`` in settings.json names: path, and the licence that it was taken under."""
    given = settings.get("geography")
    if given is None:
        return None
    if not isinstance(given, Mapping) or not set(given) <= {"path", "licence"} or not given.get("path"):
        raise ConfigError('geography in settings.json is {"path": a file in MaxMind DB format, "licence": a name}')
    if not isinstance(given.get("licence"), str) or not given["licence"].strip():
        raise ConfigError("geography.licence in settings.json must say under which licence the table was taken")
    file = Path(given["path"])
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        reader = maxminddb.open_database(file, maxminddb.MODE_MEMORY)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise ConfigError(f"geography.path: {file} cannot be read as a MaxMind DB file") from error
    about = reader.metadata()
    return Places(reader, Edition(about.database_type, about.build_epoch, digest, given["licence"].strip()[:500]))


def _read(found: Mapping[str, Any]) -> Place:
    country = found.get("country") or found.get("registered_country") or {}
    code = country.get("iso_code") if isinstance(country, Mapping) else found.get("country_code")
    location = found.get("location") or {}
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        latitude = longitude = None
    radius = location.get("accuracy_radius")
    return Place(
        code if isinstance(code, str) else None,
        latitude,
        longitude,
        radius if isinstance(radius, int) else 0,
        _network(found),
    )


def _network(found: Mapping[str, Any]) -> int | None:
    """The network's number, where the table holds networks too: as MaxMind's tables say it, or as AS64500."""
    number = found.get("autonomous_system_number") or found.get("asn")
    if isinstance(number, str):
        digits = number.removeprefix("AS")
        return int(digits) if digits.isascii() and digits.isdigit() else None
    return number if isinstance(number, int) else None
