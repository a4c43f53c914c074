"""What a payment, its card, its payer and its place say: which attributes come of it, and which are missing."""

from dataclasses import replace

import pytest

from lockgate.gateway.geography import shipped
from lockgate.gateway.geography.core import bins
from lockgate.gateway.identity.core.place import UNKNOWN, Place
from lockgate.gateway.risk.core.facts import coarse, facts, listed, travel
from lockgate.gateway.risk.core.subject import Card, Customer, Subject
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES

NOW = 1_750_000_000  # Sunday, 15 June 2025, 15:06:40 UTC
CARD = Card(fingerprint="fp_1", bin="457173", brand="visa", funding="debit", country=None)
PAID = Subject(
    account="acct_1", livemode=False, now=NOW, now_ms=NOW * 1000, attempt="pa_1", intent="pi_1", charge="ch_1",
    amount=1999, currency="usd", card=CARD, kind="publishable", customer=Customer(id="cus_1", created=NOW - 5400),
    email="Ann99@Mail.Example.COM", shipping_country="de", billing_country="AT", address="192.0.2.1", tries=2,
)  # fmt: skip
BERLIN = Place("DE", 52.52, 13.4, 20, 64500)
KNOWN = replace(
    shipped.known(), bins=bins.load(bins.read(["first,country,funding,issuer", "457173,DK,credit,Bank"]).rows)
)


def test_every_fact_of_a_full_payment():
    assert facts(PAID, place=BERLIN, known=KNOWN) == {
        "amount": 1999, "currency": "usd", "is_setup": False, "is_off_session": False, "is_from_browser": True,
        "hour_of_day": 15, "day_of_week": 7, "tries": 2, "card_bin": "457173", "card_brand": "visa",
        "card_funding": "credit", "card_country": "DK", "card_issuer": "Bank", "is_card_saved": False,
        "has_cvc": False, "customer_made_h": 1.5, "email_domain": "mail.example.com", "is_email_disposable": False,
        "email_digits_share": 0.4, "shipping_country": "DE", "billing_country": "AT", "ip_country": "DE",
        "ip_network": 64500,
    }  # fmt: skip


def test_every_name_and_type_is_the_catalogues():
    found = facts(PAID, place=BERLIN, known=KNOWN) | travel(BERLIN, 1, [[1, 1, 1], 0, [2, 2, 2], 0])
    types = {"money": int, "number": int | float, "text": str, "boolean": bool}
    for name, value in found.items():
        assert isinstance(value, types[ATTRIBUTES[name].type]), name
        assert not ATTRIBUTES[name].listed_only, "what is looked for in lists stands in no dictionary"
    wanted = {one.name for one in ATTRIBUTES.values() if one.source in ("payment", "card", "person", "place")}
    assert wanted - set(found) == {name for name in wanted if ATTRIBUTES[name].listed_only}


def test_what_is_not_known_is_left_out():
    bare = replace(PAID, card=None, customer=None, email=None, shipping_country=None, billing_country="", address=None)
    found = facts(bare, place=UNKNOWN, known=KNOWN)
    assert set(found) == {"amount", "currency", "is_setup", "is_off_session", "is_from_browser", "hour_of_day",
                          "day_of_week", "tries"}  # fmt: skip
    rows = {**KNOWN.rates.per_usd}
    del rows["usd"]
    without = replace(KNOWN, rates=replace(KNOWN.rates, per_usd=rows))
    assert "amount" not in facts(PAID, place=UNKNOWN, known=without), "no rate, no amount"


@pytest.mark.parametrize(("bin_", "said", "country"), [
    ("457173", None, "DK"), ("400000", None, None), ("400000", "unknown", None), ("400000", "fr", "FR"),
    (None, "", None),
])  # fmt: skip
def test_a_card_is_from_where_the_table_says_and_unknown_is_missing(bin_, said, country):
    card = replace(CARD, bin=bin_, country=said)
    assert facts(replace(PAID, card=card), place=UNKNOWN, known=KNOWN).get("card_country") == country


def test_a_published_test_card_is_from_where_it_is_published_to_be():
    card = replace(CARD, bin="457173", country="US", funding="debit", test="visa_debit")
    found = facts(replace(PAID, card=card), place=UNKNOWN, known=KNOWN)
    assert (found["card_country"], found["card_funding"]) == ("US", "debit")


@pytest.mark.parametrize("email", ["nobody", "@example.com", "a@", "@", ""])
def test_what_is_no_address_says_nothing(email):
    found = facts(replace(PAID, email=email), place=UNKNOWN, known=KNOWN)
    assert not {"email_domain", "is_email_disposable", "email_digits_share"} & set(found)


def test_throw_away_addresses_are_seen():
    assert facts(replace(PAID, email="x@sub.mailinator.com"), place=UNKNOWN, known=KNOWN)["is_email_disposable"] is True


def test_lists_are_asked_for_every_text_and_for_what_stands_nowhere_else():
    values = listed(PAID, facts(PAID, place=BERLIN, known=KNOWN), device="d1")
    assert values["ip_address"] == "192.0.2.1" and values["card_fingerprint"] == "fp_1" and values["device"] == "d1"
    assert values["customer"] == "cus_1" and values["email"] == PAID.email and values["card_bin"] == "457173"
    assert "amount" not in values
    assert set(listed(replace(PAID, card=None, customer=None, email=None, address=None), {})) == set()


HOUR_MS = 3_600_000


def test_travel_is_a_distance_less_what_is_uncertain_and_its_speed():
    paris = [48.9, 2.4, 20.0]
    found = travel(BERLIN, 2 * HOUR_MS, [paris, HOUR_MS, None, None])
    assert set(found) == {"card_distance_km", "card_speed_kmh"}
    assert 820 < found["card_distance_km"] < 860 and found["card_speed_kmh"] == found["card_distance_km"]
    assert travel(BERLIN, HOUR_MS, [[52.5, 13.4, 8.0], 0, [52.4, 13.1, 8.0], 0]) == {
        "card_distance_km": 0, "card_speed_kmh": 0, "customer_distance_km": 0, "customer_speed_kmh": 0,
    }  # fmt: skip
    assert travel(BERLIN, 5, [paris, 5, None, None])["card_speed_kmh"] > 900, "at the same moment: very fast"
    assert travel(UNKNOWN, 5, [paris, 0, paris, 0]) == {} == travel(BERLIN, 5, [None, None, None, None])


def test_a_place_is_kept_coarsely():
    assert coarse(BERLIN) == (52.5, 13.4, 20.0)
    assert coarse(Place("DE", 52.5231, 13.4119, 1)) == (52.5, 13.4, 8.0)
    assert coarse(Place("DE")) is None
