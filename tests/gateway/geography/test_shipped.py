"""What comes with Lockgate: dated, licensed, and right where anybody can check."""

import json
import re
from pathlib import Path

import pytest

from lockgate.gateway.geography import shipped
from lockgate.gateway.geography.core import domains
from lockgate.gateway.geography.core.middles import placed
from lockgate.gateway.geography.core.tables import BadLine
from lockgate.gateway.identity.core.earth import apart_km
from lockgate.gateway.identity.core.place import Place
from lockgate.gateway.risk.core.countries import COUNTRIES

NOTICE = Path(shipped.__file__).parents[4] / "NOTICE"


def test_every_table_has_a_date_a_source_and_a_licence():
    for edition in shipped.known().editions.values():
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", edition.date) and edition.source and edition.licence
        assert edition.version == 0 and edition.rows > 100 and len(edition.sha256) == 64
    about = shipped.country_ranges().edition
    assert about["licence"].startswith("CC BY 4.0") and "https://db-ip.com" in NOTICE.read_text()
    assert set(json.loads((shipped.COUNTRIES.parent / "editions.json").read_text())) == {
        "rates", "domains", "zones", "places",
    }  # fmt: skip


def test_every_country_has_a_middle_within_whose_reach_nearly_all_its_people_live():
    middles = shipped.country_places()
    assert set(middles) == COUNTRIES
    for country, latitude, longitude in (
        ("DE", 52.52, 13.4), ("US", 40.7, -74.0), ("US", 34.05, -118.2), ("US", 25.8, -80.2),
        ("US", 47.6, -122.3), ("AU", -33.9, 151.2),
        ("IN", 19.1, 72.9), ("IN", 22.6, 88.4), ("CN", 31.2, 121.5), ("BR", -23.5, -46.6), ("RU", 55.75, 37.6),
        ("RU", 43.1, 131.9), ("CL", -33.4, -70.7), ("GB", 51.5, -0.1), ("FR", 43.3, 5.4), ("JP", 35.7, 139.7),
        ("CA", 43.7, -79.4), ("CA", 49.3, -123.1), ("NO", 59.9, 10.75), ("ZA", -33.9, 18.4), ("ID", -6.2, 106.8),
        ("NZ", -36.8, 174.8), ("MX", 19.4, -99.1), ("AR", -34.6, -58.4), ("TR", 41.0, 29.0), ("IT", 38.1, 13.4),
    ):  # fmt: skip
        assert apart_km(middles[country], Place(country, latitude, longitude)) == 0, (country, latitude, longitude)


def test_distances_by_country_are_never_overstated():
    germany, france = (placed(Place(country), shipped.country_places()) for country in ("DE", "FR"))
    assert apart_km(germany, france) == 0, "neighbours may be next door"
    japan = placed(Place("JP"), shipped.country_places())
    assert 6_000 < (apart_km(germany, japan) or 0) < 9_000
    assert placed(Place("DE", 52.5, 13.4, 20, 64500), shipped.country_places()) == Place("DE", 52.5, 13.4, 20, 64500)
    assert placed(Place(), shipped.country_places()) == Place()


@pytest.mark.parametrize(
    ("zone", "country", "foreign"),
    [
        ("Europe/Berlin", "DE", False),
        ("Asia/Calcutta", "IN", False),
        ("Asia/Kolkata", "IN", False),
        ("Europe/Kiev", "UA", False),
        ("America/Buenos_Aires", "AR", False),
        ("Europe/Oslo", "NO", False),
        ("America/New_York", "US", False),
        ("Europe/Oslo", "DE", True),
        ("Asia/Tokyo", "DE", True),
        ("Europe/Moscow", "US", True),
        ("Etc/UTC", "DE", None),
        ("Nowhere/Else", "DE", None),
        ("Europe/Berlin", None, None),
        (None, "DE", None),
    ],
)
def test_time_zones_belong_to_countries(zone, country, foreign):
    assert shipped.known().zones.is_foreign(zone, country) is foreign


def test_throw_away_domains_are_known_with_what_belongs_to_them():
    known = shipped.known().domains
    for domain in ("mailinator.com", "MAILINATOR.com.", "deep.down.mailinator.com", "guerrillamail.com"):
        assert domains.is_disposable(known, domain), domain
    for domain in ("gmail.com", "example.com", "mailinator.example", "com", "", "outlook.com", "web.de"):
        assert not domains.is_disposable(known, domain), domain


def test_a_list_of_domains_names_the_line_that_is_none():
    assert domains.read(["# ours", "", "B.example", "a.example"]).rows == ("a.example", "b.example")
    for lines in (["a.example", "not a domain"], ["-a.example"], ["example"], []):
        with pytest.raises(BadLine) as caught:
            domains.read(lines)
        assert caught.value.number == max(1, len(lines))
