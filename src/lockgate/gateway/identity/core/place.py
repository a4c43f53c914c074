"""Where an address is said to be, as far as it is known. Pure."""

from typing import NamedTuple


class Place(NamedTuple):
    """``country`` is ISO 3166-1 alpha-2. ``radius_km`` is how far off the coordinates may be; ``network`` the number of
    the network (ASN)."""

    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: int = 0
    network: int | None = None


UNKNOWN = Place()
