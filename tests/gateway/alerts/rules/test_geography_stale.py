"""A table of countries, a real file, that is older than 60 days."""

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from lockgate.gateway.alerts.watch import look_at_places
from lockgate.gateway.geography import shipped
from lockgate.gateway.geography.places import ShippedPlaces, open_places
from lockgate.gateway.identity.core.place import UNKNOWN, Place
from lockgate.gateway.identity.places import STALE_S, Places
from lockgate.kernel.config import ConfigError


def table(path, *, built=None):
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Lockgate-Test")
    berlin = {"country": {"iso_code": "DE"}, "location": {"latitude": 52.52, "longitude": 13.4, "accuracy_radius": 50}}
    writer.insert_network(IPSet(["192.0.2.0/24", "2001:db8::/32"]), berlin)
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"registered_country": {"iso_code": "AT"}})
    writer.to_db_file(str(path))
    return {"geography": {"path": str(path), "licence": "CC BY-SA 4.0"}}


async def test_an_old_table_fires_and_a_fresh_one_is_only_on_record(room, tmp_path):
    places = open_places(table(tmp_path / "places.mmdb"))
    built = places.edition.built
    await look_at_places(room.worker, places, now=built + STALE_S)
    await room.judge()
    assert await room.rules() == []
    [used] = await room.gateway.fetch("select detail::text from audit where action = 'geography.used'")
    assert "CC BY-SA 4.0" in used["detail"] and "Lockgate-Test" in used["detail"]
    await look_at_places(room.worker, places, now=built + STALE_S + 1)
    await room.judge()
    assert await room.rules() == ["geography_stale"]
    await look_at_places(room.worker, Places(), now=built)


def test_a_real_table_is_read(tmp_path):
    places = open_places(table(tmp_path / "places.mmdb"))
    assert places.of("192.0.2.77") == Place("DE", 52.52, 13.4, 50)
    assert places.of("2001:db8::5%eth0").country == "DE"
    assert places.of("198.51.100.1") == shipped.country_places()["AT"], "no coordinates: the country's middle and reach"
    for address in ("10.0.0.1", "nonsense", "", "*"):
        assert places.of(address) == UNKNOWN
    assert Places().of("192.0.2.77") == UNKNOWN


def test_without_a_table_of_the_operators_own_the_shipped_one_stands_in():
    places = open_places({})
    assert isinstance(places, ShippedPlaces) and places.of("8.8.8.8").country == "US"
    for address in ("10.0.0.1", "nonsense", "", "*", "127.0.0.1"):
        assert places.of(address) == UNKNOWN
    built = places.edition.built
    assert not places.edition.is_stale(built + 300 * 86_400) and places.edition.is_stale(built + 366 * 86_400)


@pytest.mark.parametrize(
    "geography", [{}, {"path": "x"}, {"path": "/nowhere", "licence": "x"}, "x", {"path": "x", "licence": " "}]
)
def test_a_table_that_cannot_be_used_is_refused_at_the_start(geography):
    with pytest.raises(ConfigError):
        open_places({"geography": geography})
