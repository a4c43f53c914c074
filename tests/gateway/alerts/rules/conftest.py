"""One room for each rule's test, with a few places on earth."""

import pytest

from lockgate.gateway.identity.core.place import Place
from tests.gateway.alerts.desk import open_room

PLACES = {
    "192.0.2.1": Place("GB", 51.507, -0.128, 20),  # London
    "192.0.2.2": Place("GB", 53.481, -2.242, 20),  # Manchester, 262 km away
    "192.0.2.3": Place("FR", 48.857, 2.352, 20),  # Paris, 344 km from London
    "192.0.2.4": Place("US", 40.713, -74.006, 20),  # New York, 5570 km
    "192.0.2.5": Place("FR"),  # a country without coordinates
}


@pytest.fixture
async def room(database):
    async with open_room(database, PLACES) as opened:
        yield opened
