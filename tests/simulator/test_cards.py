"""Every published test card behaves as the dialect says, on session, off session, when set up and when verified."""

import pytest

from lockgate.kernel import testcards
from lockgate.simulator import cards


def decide(number: str, **changes) -> cards.Decision:
    return cards.decide(cards.Question(**{"number": number, "amount": 1099, "in_date": True, **changes}))


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000000000000002", "generic_decline"),
        ("4000000000009995", "insufficient_funds"),
        ("4000000000009987", "lost_card"),
        ("4000000000009979", "stolen_card"),
        ("4000000000006975", "card_velocity_exceeded"),
        ("4000000000000069", "expired_card"),
        ("4000000000000127", "incorrect_cvc"),
        ("4000000000000119", "processing_error"),
        ("4242424242424241", "incorrect_number"),
        ("4000000000000341", "generic_decline"),
        ("4100000000000019", "fraudulent"),
        ("4000008400001280", "generic_decline"),
    ],
)
def test_declines(number: str, code: str):
    decision = decide(number, has_cvc=True)
    assert (decision.status, decision.decline_code) == ("declined", code)
    assert cards.network_code(code).isalnum()


DECLINED_AT_ONCE = {number for number, card in cards.CARDS.items() if card.decline or card.lookup_error}
CHALLENGED = {
    number
    for number, card in cards.CARDS.items()
    if card.authentication.value in ("unless_set_up", "already_set_up", "always") and not card.lookup_error
}


@pytest.mark.parametrize("number", sorted(testcards.BY_NUMBER))
def test_every_other_published_number_is_approved_or_challenged(number: str):
    if number in CHALLENGED:
        assert decide(number).status == "action_required"
    elif number not in DECLINED_AT_ONCE:
        assert decide(number).status == "approved"


def test_a_synthetic_number_pays():
    assert decide(testcards.synthetic(123_456_789)).status == "approved"


def test_a_wrong_check_digit_is_an_incorrect_number_and_a_past_month_an_expired_card():
    assert decide("4000055500000000").decline_code == "incorrect_number"
    assert decide("4242424242424242", in_date=False).decline_code == "expired_card"


def test_the_card_that_attaches_but_does_not_pay():
    assert decide("4000000000000341", amount=0).status == "approved"
    assert decide("4000000000000002", amount=0).status == "declined"


@pytest.mark.parametrize(
    ("number", "checks"),
    [
        ("4242424242424242", ("pass", "pass", "pass")),
        ("4000000000000101", ("fail", "pass", "pass")),
        ("4000000000000010", ("pass", "fail", "fail")),
        ("4000000000000028", ("pass", "fail", "pass")),
        ("4000000000000036", ("pass", "pass", "fail")),
        ("4000000000000044", ("pass", "unavailable", "unavailable")),
    ],
)
def test_checks_speak_only_of_data_that_was_given(number: str, checks: tuple[str, str, str]):
    given = decide(number, has_cvc=True, has_line1=True, has_postal_code=True)
    assert given.status == "approved"
    assert tuple(given.checks.values()) == checks
    assert set(decide(number).checks.values()) == {None}


@pytest.mark.parametrize(
    ("number", "present", "absent", "absent_with_consent", "verified"),
    [
        ("4000002500003155", "action_required", "declined", "approved", "action_required"),
        ("4000002760003184", "action_required", "declined", "declined", "action_required"),
        ("4000003800000446", "action_required", "approved", "approved", "action_required"),
        ("4000000000003220", "action_required", "declined", "approved", "action_required"),
        ("4000000000003055", "approved", "approved", "approved", "approved"),
        ("378282246310005", "approved", "approved", "approved", "approved"),
    ],
)
def test_when_the_issuer_wants_to_see_the_cardholder(
    number: str, present: str, absent: str, absent_with_consent: str, verified: str
):
    assert decide(number).status == present
    refused = decide(number, off_session=True)
    assert refused.status == absent
    assert refused.decline_code == ("authentication_required" if absent == "declined" else None)
    assert decide(number, off_session=True, consented=True).status == absent_with_consent
    assert decide(number, amount=0).status == verified


@pytest.mark.parametrize(
    ("number", "code"), [("4000008260003178", "insufficient_funds"), ("4000008400001629", "generic_decline")]
)
def test_cards_that_are_declined_after_the_challenge(number: str, code: str):
    decision = decide(number)
    assert (decision.status, decision.decline_code, decision.after_challenge) == ("action_required", None, code)


def test_consent_does_not_make_money():
    decision = decide("4000008260003178", off_session=True, consented=True)
    assert decision.decline_code == "insufficient_funds"


@pytest.mark.parametrize(
    ("number", "status", "result"),
    [
        ("4000000000003055", "action_required", None),
        ("4000000000003097", "approved", "processing_error"),
        ("378282246310005", "approved", "not_supported"),
        ("4242424242424242", "approved", "attempt_acknowledged"),
    ],
)
def test_what_a_merchant_gets_who_asks_for_authentication(number: str, status: str, result: str | None):
    asked = decide(number, three_d_secure="any")
    assert asked.status == status
    assert (asked.three_d_secure or {}).get("result") == result
    assert decide(number).three_d_secure is None


def test_a_code_that_nobody_gave_cannot_be_wrong():
    assert decide("4000000000000127").status == "approved"


@pytest.mark.parametrize(
    ("number", "status", "risk_level"),
    [
        ("4242424242424242", "approved", "normal"),
        ("4000000000009235", "approved", "elevated"),
        ("4000000000004954", "approved", "highest"),
        ("4100000000000019", "declined", "highest"),
    ],
)
def test_the_risk_that_the_acquirer_sees(number: str, status: str, risk_level: str):
    assert (decide(number).status, decide(number).risk_level) == (status, risk_level)
    assert decide(number, amount=0).status == "approved"  # a card that is only saved risks no money


@pytest.mark.parametrize(
    ("number", "after"),
    [
        ("4242424242424242", (None, False, None, "succeeds")),
        ("4000000000000259", ("fraudulent", False, None, "succeeds")),
        ("4000000000002685", ("product_not_received", False, None, "succeeds")),
        ("4000000000001976", ("fraudulent", True, None, "succeeds")),
        ("4000000000005423", (None, False, "made_with_stolen_card", "succeeds")),
        ("4000000000007726", (None, False, None, "pends")),
        ("4000000000005126", (None, False, None, "fails")),
    ],
)
def test_what_comes_after_a_payment(number: str, after: tuple[str | None, bool, str | None, str]):
    card = cards.behaviour(number)
    assert (card.dispute, card.inquiry, card.fraud_type, card.refund) == after


def test_every_ready_made_card_is_a_published_number():
    assert set(testcards.READY_MADE.values()) <= set(testcards.BY_NUMBER)


def test_a_challenge_needs_somewhere_to_return_to():
    assert decide("4000002760003184", can_redirect=False).decline_code == "authentication_required"
    assert decide("4000000000003055", can_redirect=False, three_d_secure="any").status == "approved"


@pytest.mark.parametrize("script", testcards.SCRIPTS)
def test_a_scripted_number_does_what_its_published_card_does(script: str):
    published = testcards.BY_NAME[script].number
    for serial in (0, 99_999):
        assert cards.behaviour(testcards.scripted(script, country="DE", serial=serial)) == cards.behaviour(published)


def test_other_synthetic_numbers_are_ordinary_cards():
    assert all(cards.behaviour(testcards.synthetic(serial)) == cards.ORDINARY for serial in (0, 989_999_999))
