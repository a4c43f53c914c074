"""The same payment as if its browser had said nothing: what a client sends must never make a verdict milder.

A payment that names a radar session is judged twice, with what the session says and without, and the stricter verdict
holds. So whoever forges a session gets at best what he would have got by sending none.
"""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, Attributes, Value
from lockgate.gateway.rules.core.packed import Memberships
from lockgate.gateway.signals.core.judge import CLIENT

_OF_DEVICE = frozenset(
    name for name, attribute in ATTRIBUTES.items() if name.startswith("device_") or attribute.source == "device"
)
_OF_ADDRESS = frozenset(
    name for name in ATTRIBUTES if name.startswith("ip_") or name.endswith(("_distance_km", "_speed_kmh"))
)


def without_session(attributes: Attributes, *, address_too: bool) -> dict[str, Value]:
    """``attributes`` without what the session said, ``address_too``: and without where it said that the shopper is.

    What the account itself counted of the card, the customer and so on stays.
    """
    gone = CLIENT | _OF_DEVICE | (_OF_ADDRESS if address_too else frozenset())
    return {**{name: value for name, value in attributes.items() if name not in gone}, "has_session": False}


def lists_without_session(lists: Memberships, *, address_too: bool) -> Mapping[str, Any]:
    """The value lists in which the rest of the payment stands."""
    gone = {"device"} | ({"ip_address", "ip_country"} if address_too else set())
    return {name: aliases for name, aliases in lists.items() if name not in gone}
