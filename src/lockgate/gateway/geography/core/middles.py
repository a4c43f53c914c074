"""Where a country is, for a table of addresses that knows countries only: its middle, and within how far of it nearly
all its people live. Pure."""

from collections.abc import Mapping, Sequence

from lockgate.gateway.identity.core.place import Place


def load(rows: Sequence[str]) -> Mapping[str, Place]:
    """Lines of country, latitude, longitude and reach in kilometres."""
    return {
        country: Place(country, float(latitude), float(longitude), int(reach_km))
        for country, latitude, longitude, reach_km in (row.split() for row in rows)
    }


def placed(place: Place, middles: Mapping[str, Place]) -> Place:
    """``place``, with its country's middle where it has no coordinates of its own."""
    if place.latitude is not None or place.country is None:
        return place
    middle = middles.get(place.country)
    return place if middle is None else middle._replace(network=place.network)
