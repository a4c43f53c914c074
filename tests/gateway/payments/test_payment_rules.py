"""The pure rules of payments: which moves states make, what may be charged, what a decline means."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.payments.core import amounts, build, charge_params, decline, params, return_token
from lockgate.gateway.payments.core.shapes import CHARGE, INTENT_STATES, PAYMENT_INTENT
from lockgate.gateway.payments.core.transitions import ATTEMPT, INDEFINITE, NotAMove, move
from lockgate.gateway.payments.core.transitions import CHARGE as CHARGE_MOVES
from lockgate.gateway.payments.core.transitions import PAYMENT_INTENT as INTENT_MOVES
from lockgate.gateway.processors.contract import AUTHENTICATION_FAILED
from lockgate.kernel import money
from lockgate.kernel.errors import Refusal
from lockgate.kernel.params import UNSET, Unsupported, nest, read_fields
from lockgate.kernel.principal import Principal

KEY = bytes(range(32))
BACK = return_token.Return("acct_a", True, "pi_1", "pa_1", 1000)


@pytest.mark.parametrize("before", INTENT_STATES)
@pytest.mark.parametrize("after", INTENT_STATES)
def test_only_listed_moves_are_made(before: str, after: str) -> None:
    if before == after or after in INTENT_MOVES[before]:
        assert move(INTENT_MOVES, before, after) == after
    else:
        with pytest.raises(NotAMove):
            move(INTENT_MOVES, before, after)


def test_money_moves_only_through_processing() -> None:
    for before, after in INTENT_MOVES.items():
        if before != "processing":
            # What was captured in part, through processing, is a success once the rest is let go.
            ends = {"succeeded"} if before == "requires_capture" else set()
            assert not (after - ends) & {"succeeded", "requires_capture", "requires_action"}


@pytest.mark.parametrize("state", ["succeeded", "canceled"])
def test_ends_are_final(state: str) -> None:
    assert not INTENT_MOVES[state]


def test_definite_attempts_never_change_and_indefinite_ones_can_end() -> None:
    for state, after in ATTEMPT.items():
        if state in INDEFINITE:
            assert {"approved", "declined", "failed"} <= after
        else:
            assert not after
    assert not CHARGE_MOVES["succeeded"] and not CHARGE_MOVES["failed"]


def test_every_state_of_the_shape_has_its_moves() -> None:
    assert set(INTENT_MOVES) == set(INTENT_STATES)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [(49, "usd", "amount_too_small"), (100_000_000, "usd", "amount_too_large"), (49, "jpy", "amount_too_small")],
)
def test_amounts_outside_the_limits_are_refused(amount: int, currency: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        amounts.chargeable(amount, currency)
    assert (caught.value.code, caught.value.param) == (code, "amount")


@given(st.sampled_from(sorted(money.CURRENCIES)), st.integers(0, 2 * money.MAX_AMOUNT))
def test_an_amount_is_charged_as_it_is_or_refused(currency: str, amount: int) -> None:
    try:
        assert amounts.chargeable(amount, currency) == amount
    except Refusal:
        assert not money.minimum(currency) <= amount <= money.MAX_AMOUNT


@given(st.one_of(st.none(), st.integers(-5, 2000)), st.integers(1, 1000))
def test_no_more_is_captured_than_is_held(amount: int | None, held: int) -> None:
    try:
        taken = amounts.capturable(amount, held)
    except Refusal as refused:
        assert amount is not None and not 1 <= amount <= held
        assert refused.param == "amount_to_capture"
    else:
        assert taken == (held if amount is None else amount) and 1 <= taken <= held


@pytest.mark.parametrize(
    ("word", "code", "message"),
    [
        (None, "card_declined", "Your card was declined."),
        ("insufficient_funds", "card_declined", "Your card has insufficient funds."),
        ("incorrect_number", "incorrect_number", "Your card number is incorrect."),
        ("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
        (
            "authentication_required",
            "authentication_required",
            "Your card was declined. This transaction requires authentication.",
        ),
    ],
)
def test_declines_have_the_dialects_words(word: str | None, code: str, message: str) -> None:
    found = decline.decline(word)
    assert (found.code, found.message) == (code, message)
    assert found.outcome()["network_status"] == "declined_by_network"


def test_a_failed_challenge_never_reached_the_issuer() -> None:
    found = decline.decline(AUTHENTICATION_FAILED)
    assert found.code == "payment_intent_authentication_failure"
    assert found.outcome()["network_status"] == "not_sent_to_network"


@pytest.mark.parametrize("word", ["lost_card", "stolen_card", "fraudulent", "pickup_card"])
def test_a_shopper_is_not_told_what_a_thief_could_use(word: str) -> None:
    told = decline.for_shopper(decline.decline(word, network_decline_code="41").error(charge="ch_1"))
    assert word not in json.dumps(told) and "41" not in json.dumps(told)
    assert told["decline_code"] == "generic_decline"


def test_metadata_merges_deletes_and_clears() -> None:
    assert build.merged({"a": "1", "b": ""}, {"b": "2", "c": "3"}) == {"a": "1", "c": "3"}
    assert build.merged(UNSET, {"a": "1"}) == {}
    with pytest.raises(Refusal):
        build.merged({f"k{n}": "v" for n in range(30)}, {f"o{n}": "v" for n in range(30)})


@pytest.mark.parametrize("text", ["<shop>", "12345", "sh*p1", 'the "shop"', "abcd", "Bücher GmbH"])
def test_statement_descriptors_follow_the_networks_rules(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        build.changes({"statement_descriptor": text}, {})
    assert caught.value.param == "statement_descriptor"


def test_a_return_token_says_what_was_signed_and_nothing_else_does() -> None:
    token = return_token.sign(KEY, BACK)
    assert return_token.read(KEY, token, now=999) == BACK
    assert return_token.read(KEY, token, now=1000) is None
    assert return_token.read(bytes(32), token, now=1) is None
    payload, _, mac = token.partition(".")
    for forged in (payload, f"{payload}.", f".{mac}", f"{payload[:-2]}AA.{mac}", f"{payload}.{mac[:-1]}", "ä.ö", ""):
        assert return_token.read(KEY, forged, now=1) is None


def test_every_parameter_of_the_dialect_is_known() -> None:
    known = {
        "create": (params.CREATE, "allowed_payment_method_types amount amount_details application_fee_amount "
                   "automatic_payment_methods capture_method confirm confirmation_method confirmation_token currency "
                   "customer customer_account description error_on_requires_action excluded_payment_method_types hooks "
                   "mandate mandate_data metadata off_session on_behalf_of payment_details payment_method "
                   "payment_method_configuration payment_method_data payment_method_options payment_method_types "
                   "radar_options receipt_email return_url setup_future_usage shipping statement_descriptor "
                   "statement_descriptor_suffix transfer_data transfer_group use_stripe_sdk"),
        "update": (params.UPDATE, "allowed_payment_method_types amount amount_details application_fee_amount "
                   "capture_method currency customer customer_account description excluded_payment_method_types hooks "
                   "metadata payment_details payment_method payment_method_configuration payment_method_data "
                   "payment_method_options payment_method_types receipt_email setup_future_usage shipping "
                   "statement_descriptor statement_descriptor_suffix transfer_data transfer_group"),
        "confirm": (params.CONFIRM, "allowed_payment_method_types amount_details amount_to_confirm capture_method "
                    "confirmation_token error_on_requires_action excluded_payment_method_types hooks mandate "
                    "mandate_data off_session payment_details payment_method payment_method_data "
                    "payment_method_options payment_method_types radar_options receipt_email return_url "
                    "setup_future_usage shipping use_stripe_sdk"),
        "capture": (params.CAPTURE, "amount_details amount_to_capture application_fee_amount final_capture hooks "
                    "metadata payment_details statement_descriptor statement_descriptor_suffix transfer_data"),
        "cancel": (params.CANCEL, "cancellation_reason"),
        "list": (params.LIST, "created customer customer_account ending_before limit starting_after"),
        "charges": (charge_params.LIST, "created customer ending_before limit payment_intent starting_after "
                    "transfer_group"),
    }  # fmt: skip
    for name, (declared, words) in known.items():
        assert set(words.split()) <= set(declared.params), name


def test_what_is_not_supported_is_refused_by_name() -> None:
    for name, param in params.CREATE.params.items():
        if isinstance(param.type, Unsupported):
            with pytest.raises(Refusal) as caught:
                params.CREATE.parse(nest(read_fields(f"amount=1000&currency=usd&{name}=x".encode())), "")
            assert (caught.value.code, caught.value.param) == ("parameter_unsupported", name)


def test_shapes_have_every_field_and_show_a_browser_no_money_details() -> None:
    assert len(PAYMENT_INTENT.fields) == 46
    assert len(CHARGE.fields) == 48
    public = {name for name, field in PAYMENT_INTENT.fields.items() if field.public}
    assert {"id", "status", "client_secret", "next_action", "amount"} <= public
    assert not public & {"customer", "latest_charge", "metadata", "amount_received", "payment_method_options"}


@pytest.mark.parametrize(
    ("version", "automatic"), [("2022-11-15", False), ("2023-08-16", True), ("2026-06-24.dahlia", True)]
)
def test_automatic_payment_methods_are_on_since_their_version(version: str, automatic: bool) -> None:
    who = Principal("acct_a", False, "secret", "k")
    made = build.new_intent(
        {"amount": 100, "currency": "USD"}, who, id_="pi_1", now=1, api_version=version, method=None
    )
    assert ("automatic_payment_methods" in made.data) == automatic
    assert made.row.currency == "usd"
