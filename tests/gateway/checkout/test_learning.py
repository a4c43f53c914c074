"""What a session learns from its intent, state by state: nothing twice, and never backwards."""

import itertools

import pytest

from lockgate.gateway.checkout.core import sessions
from lockgate.gateway.checkout.core.sessions import COMPLETED, EXPIRED, FAILED_LATER, SUCCEEDED_LATER, Session
from lockgate.gateway.payments.core.shapes import INTENT_STATES
from lockgate.gateway.storage.records import CheckoutSessionRow


def session(mode: str = "payment") -> Session:
    unpaid = "unpaid" if mode == "payment" else "no_payment_required"
    row = CheckoutSessionRow(
        "acct_a", False, "cs_test_1", 1, 1, "open", unpaid, mode, 2, None, "pi_1" if mode == "payment" else None,
        None if mode == "payment" else "seti_1", None, True, "cs_test_1", "{}", None,
    )  # fmt: skip
    return Session(row, {"shown": {}, "items": [], "delayed": False})


def walk(one: Session, *states: str, in_doubt: bool = True) -> tuple[Session, list[str]]:
    events = []
    for state in states:
        learnt = sessions.learn(one, state, in_doubt=in_doubt)
        if learnt is not None:
            one = sessions.after(one, learnt)
            events += [learnt.event] if learnt.event else []
    return one, events


@pytest.mark.parametrize(
    ("states", "status", "paid", "events"),
    [
        (["succeeded"], "complete", "paid", [COMPLETED]),
        (["requires_action", "succeeded"], "complete", "paid", [COMPLETED]),
        (["requires_capture"], "complete", "unpaid", [COMPLETED]),
        (["requires_capture", "processing", "succeeded"], "complete", "paid", [COMPLETED]),
        (["requires_capture", "canceled"], "complete", "unpaid", [COMPLETED]),
        (["processing", "succeeded"], "complete", "paid", [COMPLETED, SUCCEEDED_LATER]),
        (["processing", "requires_capture", "succeeded"], "complete", "paid", [COMPLETED, SUCCEEDED_LATER]),
        (["processing", "requires_payment_method"], "complete", "unpaid", [COMPLETED, FAILED_LATER]),
        (["processing", "requires_payment_method", "succeeded"], "complete", "unpaid", [COMPLETED, FAILED_LATER]),
        (["requires_payment_method", "requires_confirmation"], "open", "unpaid", []),
        (["canceled"], "expired", "unpaid", [EXPIRED]),
    ],
)
def test_a_payment_session_follows_its_intent(states, status, paid, events):
    one, told = walk(session(), *states)
    assert (one.row.status, one.row.payment_status, told) == (status, paid, events)


def test_an_order_that_has_just_gone_out_is_no_news():
    one, told = walk(session(), "processing", in_doubt=False)
    assert (one.row.status, told) == ("open", [])


@pytest.mark.parametrize(
    ("state", "status", "events"),
    [("succeeded", "complete", [COMPLETED]), ("canceled", "expired", [EXPIRED]), ("processing", "open", [])],
)
def test_a_setup_session_follows_its_intent(state, status, events):
    one, told = walk(session("setup"), state)
    assert (one.row.status, one.row.payment_status, told) == (status, "no_payment_required", events)


def test_nothing_is_told_twice_whatever_order_the_states_are_seen_in():
    for states in itertools.product(INTENT_STATES, repeat=4):
        one, told = walk(session(), *states)
        assert len(told) == len(set(told)), states
        assert not {COMPLETED, EXPIRED} <= set(told) and not {SUCCEEDED_LATER, FAILED_LATER} <= set(told), states
        again, more = walk(one, states[-1])
        assert again == one and not more, f"{states}: the last state was news twice"


def test_details_come_from_the_card_and_then_from_what_was_known():
    known = sessions.foreseen("a@example.com")
    assert known["email"] == "a@example.com" and known["tax_ids"] is None
    billing = {"email": None, "name": "Ada", "phone": None, "address": {"city": None, "country": "DE"}}
    assert sessions.details(billing, known) == {
        "address": {"city": None, "country": "DE"}, "business_name": None, "email": "a@example.com",
        "individual_name": None, "name": "Ada", "phone": None, "tax_exempt": "none", "tax_ids": [],
    }  # fmt: skip
