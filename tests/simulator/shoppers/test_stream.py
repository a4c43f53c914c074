"""The stream of simulated payments: reproducible, in order, in the catalogue's words, and true to what it says."""

from collections import Counter, defaultdict
from itertools import islice

import pytest

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.simulator.shoppers.attacks import ATTACKS, TESTING
from lockgate.simulator.shoppers.payment import Payment, facts
from lockgate.simulator.shoppers.people import DAY_MS
from lockgate.simulator.shoppers.stream import Plan, campaign, distance_km, stream

PLAN = Plan(seed=7, shoppers=400, days=60, campaigns={name: 0.15 for name in ATTACKS})
TYPES = {"money": int, "number": (int, float), "text": str, "boolean": bool}


@pytest.fixture(scope="module")
def payments() -> list[Payment]:
    return list(stream(PLAN))


def test_one_seed_is_one_stream_and_another_seed_another(payments: list[Payment]) -> None:
    assert list(stream(PLAN)) == payments
    assert list(islice(stream(Plan(seed=8, shoppers=400)), 50)) != payments[:50]


def test_a_stream_is_in_time_order_and_within_its_days(payments: list[Payment]) -> None:
    times = [payment.at_ms for payment in payments]
    assert times == sorted(times)
    assert PLAN.start_ms <= times[0] and times[-1] < PLAN.start_ms + PLAN.days * DAY_MS


def test_every_attack_happens_and_honest_shoppers_are_most(payments: list[Payment]) -> None:
    kinds = Counter(payment.kind for payment in payments)
    assert set(ATTACKS) <= set(kinds)
    assert {"usual", "gift", "travel", "renewal", "retry"} <= set(kinds)
    shoppers = sum(count for kind, count in kinds.items() if kind not in TESTING)
    assert sum(payment.fraud for payment in payments if payment.kind not in TESTING) < shoppers / 5


def test_facts_are_words_of_the_catalogue_with_its_types(payments: list[Payment]) -> None:
    for payment in payments[::7]:
        for name, value in facts(payment).items():
            attribute = ATTRIBUTES[name]
            assert isinstance(value, TYPES[attribute.type]), name
            assert not attribute.listed_only
            assert attribute.source not in ("velocity", "history", "engine", "score")


def test_fraud_becomes_known_later_and_only_where_money_moved(payments: list[Payment]) -> None:
    for payment in payments:
        if payment.known_at_ms is not None:
            assert payment.fraud and payment.approved and payment.known_at_ms > payment.at_ms
    known = [payment for payment in payments if payment.known_at_ms]
    passed = [payment for payment in payments if payment.fraud and payment.approved]
    assert 0.5 * len(passed) < len(known) <= len(passed)


def test_tries_of_one_order_count_up(payments: list[Payment]) -> None:
    orders: dict[int, list[Payment]] = defaultdict(list)
    for payment in payments:
        orders[payment.order].append(payment)
    assert any(len(tries) > 1 for tries in orders.values())
    for tries in orders.values():
        assert [payment.tries for payment in tries] == list(range(len(tries)))
        assert all(not payment.approved for payment in tries[:-1] if not payment.fraud)


def test_honest_people_share_addresses_and_own_several_cards(payments: list[Payment]) -> None:
    people, cards = defaultdict(set), defaultdict(set)
    for payment in payments:
        if not payment.fraud:
            people[payment.address.ip].add(payment.email)
            cards[payment.email].add(payment.card.serial)
    assert max(map(len, people.values())) >= 5
    assert max(map(len, cards.values())) >= 3


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_campaign_alone_is_reproducible_and_fraud(attack: str) -> None:
    tries = campaign(attack, seed=3)
    assert tries == campaign(attack, seed=3)
    assert [payment.at_ms for payment in tries] == sorted(payment.at_ms for payment in tries)
    assert any(payment.fraud for payment in tries)
    assert all(payment.fraud == (payment.kind == attack) for payment in tries)


def test_testing_campaigns_have_the_shape_they_are_named_for() -> None:
    for seed in range(10):
        one = campaign("card_testing", seed=seed, size=200)
        assert len(one) == 200 == len({payment.card.serial for payment in one})
        assert len({payment.address.ip for payment in one}) == 1
        assert sum(not payment.approved for payment in one) > 150
        rotating = campaign("rotating_testing", seed=seed, size=200)
        assert len({payment.address.ip for payment in rotating}) > 190
        assert len({payment.card.range for payment in rotating}) == 1
        drip = campaign("slow_drip", seed=seed, size=60)
        assert drip[-1].at_ms - drip[0].at_ms > 2 * 3_600_000


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no such attack: phishing"):
        next(stream(Plan(seed=1, campaigns={"phishing": 1.0})))
    with pytest.raises(ValueError, match="midnight"):
        next(stream(Plan(seed=1, shoppers=0)))


def test_distances_are_of_this_earth() -> None:
    assert distance_km("DE", "DE") == 0
    assert 800 < distance_km("DE", "GB") < 1_100
    assert distance_km("US", "AU") == distance_km("AU", "US") > 12_000
