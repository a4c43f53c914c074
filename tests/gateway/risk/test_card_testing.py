"""Trying cards out is stopped after a few tries, whatever way it is done; honest people who try again never notice."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lockgate.kernel import puzzle, testcards
from lockgate.simulator.shoppers import report
from lockgate.simulator.shoppers.door import Door, Reply
from lockgate.simulator.shoppers.stream import campaign
from tests.gateway.risk.card_tests import LATE, PAUSE_S, one_card, play, retries, verdicts_of
from tests.gateway.risk.enforced import open_door, start_enforced
from tests.support.running import Running, discard

HERE = "84.150.7.7"
_OWN = re.compile(
    r'"(id|client_secret|charge|email|receipt_email|fingerprint|country|last4|created|amount|cvc_check)": '
    r'("[^"]*"|\d+|null)'
)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_enforced()
    yield started
    discard(started)


@pytest.fixture(scope="module")
def door(running: Running) -> Iterator[Door]:
    found = open_door(running)
    yield found
    found.close()


def test_many_cards_from_one_address_end_within_five_tries(door: Door) -> None:
    outcome = play(door, campaign("card_testing", seed=11, size=14))
    assert 1 <= outcome.tries <= 5
    assert outcome.is_stopped


def test_one_card_tried_again_and_again_ends_within_five_tries(door: Door) -> None:
    outcome = play(door, one_card(10, seed=12))
    assert 1 <= outcome.tries <= 5
    assert outcome.is_stopped


@pytest.mark.parametrize("solves", [True, False])
def test_one_banks_cards_from_many_addresses_end_within_twenty_tries(door: Door, solves: bool) -> None:
    outcome = play(door, campaign("rotating_testing", seed=13, size=26), solves=solves)
    assert 1 <= outcome.tries <= 20
    assert outcome.puzzled, "before it is stopped it is asked for work"
    assert outcome.blocked >= 6 if solves else not outcome.blocked


def test_a_slow_drip_ends_within_thirty_tries(door: Door) -> None:
    outcome = play(door, campaign("slow_drip", seed=14, size=34))
    assert 1 <= outcome.tries <= 30
    assert outcome.blocked >= 4


def test_honest_people_who_try_again_are_neither_stopped_nor_asked_for_work(door: Door) -> None:
    outcome = play(door, retries(25, seed=15), solves=False)
    assert outcome.tries >= 25, "they were declined at first"
    assert (outcome.blocked, outcome.puzzled) == (0, 0)
    assert {one.result for one in outcome.played} <= {"approved", "declined", "reviewed", "challenged"}


def test_many_cards_in_one_moment_get_no_further(door: Door) -> None:
    """What is under way is not known to be declined yet: the others wait for it."""
    door.server("/v1/test_helpers/clock/advance", {"seconds": PAUSE_S})
    asked = {"amount": 500, "currency": "usd", "payment_method_types[]": "card"}
    intents = [door.server("/v1/payment_intents", asked).body for _ in range(12)]

    def confirm(place: int) -> Reply:
        number = testcards.scripted("charge_declined", country="GB", serial=90_000 + place)
        given = {
            "client_secret": intents[place]["client_secret"], "payment_method_data[type]": "card",
            "payment_method_data[card][number]": number, "payment_method_data[card][exp_month]": 12,
            "payment_method_data[card][exp_year]": 2040,
        }  # fmt: skip
        path = f"/v1/payment_intents/{intents[place]['id']}/confirm"
        return door.browser(path, given, ip=HERE, agent=report.AGENT)

    with ThreadPoolExecutor(len(intents)) as pool:
        replies = list(pool.map(confirm, range(len(intents))))
    assert {reply.status for reply in replies} <= {402, 429}
    verdicts = verdicts_of(door, {intent["id"] for intent in intents})
    tried = [words for words in verdicts.values() if words and words[0] not in ("block", LATE)]
    assert len(tried) <= 5, verdicts
    assert ["block"] in verdicts.values()


@pytest.mark.parametrize("setup", [False, True])
def test_an_answer_does_not_tell_who_refused(door: Door, setup: bool) -> None:
    """The issuer's no and ours differ in nothing but what is this payment's own: its ids, its person, its card."""
    tries = campaign("card_testing", seed=16, size=8)
    outcome = play(
        door,
        [
            replace(one, is_setup=setup, decline="generic_decline", has_cvc=True, order=n, tries=0)
            for n, one in enumerate(tries)
        ],
    )
    issuer, ours = outcome.first("allow").seen, outcome.first("block").seen
    assert issuer.status == ours.status == 402
    assert _uniform(issuer) == _uniform(ours)
    for name in ("code", "decline_code", "message", "type"):
        assert issuer.error[name] == ours.error[name]


def test_a_puzzle_is_for_one_payment_and_one_request(door: Door) -> None:
    play(door, campaign("card_testing", seed=17, size=7))
    address = campaign("card_testing", seed=17, size=7)[0].address.ip
    card = {
        "type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2040",
    }  # fmt: skip

    def give(solution: str | None = None, *, ip: str = address, path: str = "/v1/payment_methods") -> Reply:
        given = card if path == "/v1/payment_methods" else {k: v for k, v in card.items() if k != "type"}
        return door.browser(path, given, ip=ip, agent=report.AGENT, puzzle=solution)

    assert give(ip=HERE).status == 200, "an address that did nothing is asked for nothing"
    asked = give()
    assert (asked.status, asked.error["code"], asked.error["message"]) == (
        402,
        "card_declined",
        "Your card was declined.",
    )
    shown = asked.error["puzzle"]
    assert set(shown) == {"algorithm", "bits", "expires_at", "parts", "token"}
    assert shown["bits"] <= puzzle.MAX_BITS and shown["algorithm"] == "sha-256"
    solution = puzzle.solve(shown["token"], bits=shown["bits"], parts=shown["parts"])
    assert give(solution, path="/v1/tokens").status == 402, "it was asked for another thing"
    assert give(solution[:-1] + "x").status == 402
    assert give(solution).status == 200
    assert give(solution).status == 402, "a solution is good once"


def test_the_command_plays_a_day_and_shows_what_was_decided_by_kind(running: Running) -> None:
    played = running.command("risk", "simulate", "--seed", "5", "--count", "15", "--json")
    kinds = json.loads(played.stdout)
    assert sum(counts["tries"] for counts in kinds.values()) == 15
    assert set(kinds) <= {"usual", "gift", "travel", "renewal", "retry"}, "no attack was asked for"
    judged = sum(count for counts in kinds.values() for name, count in counts.items() if name.startswith("verdict "))
    assert judged == 15
    assert "--attack is one of" in running.command("risk", "simulate", "--attack", "phishing", check=False).stderr


def _uniform(reply: Reply) -> str:
    return _OWN.sub(r'"\1": 0', json.dumps(reply.body, indent=1))
