"""How far apart two places are on the ground, and how fast somebody would have travelled between them. Pure."""

from math import asin, cos, radians, sin, sqrt

from lockgate.gateway.identity.core.place import Place

_RADIUS_KM = 6371.0088  # the earth's mean radius (IUGG)


def apart_km(one: Place, other: Place) -> float | None:
    """The great-circle distance, less what either place may be off by; None where one of them is not known."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    north, other_north = radians(one.latitude), radians(other.latitude)
    half = (
        sin((other_north - north) / 2) ** 2
        + cos(north) * cos(other_north) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    )
    distance = 2 * _RADIUS_KM * asin(min(1.0, sqrt(half)))
    return max(0.0, distance - one.radius_km - other.radius_km)


def speed_km_h(distance_km: float, between_ms: int) -> float:
    """What it takes to cover ``distance_km`` in that time; two uses within a second count as a second apart."""
    return distance_km / (max(between_ms, 1000) / 3_600_000)
