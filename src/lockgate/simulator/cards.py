"""What each published test card does: a pure table from number to behaviour, and the decision it leads to.

A scripted number behaves like the published one that it names. Any other number that passes the check digit behaves
like an ordinary card: it is approved. That is how synthetic numbers of the sandbox's live mode pay.
"""

from dataclasses import dataclass, field
from enum import Enum

from lockgate.kernel.luhn import luhn_valid
from lockgate.kernel.testcards import script_of


class Authentication(Enum):
    """When the issuer asks for 3-D Secure."""

    NOT_ENROLLED = "not_enrolled"        # takes part, but never challenges
    NOT_SUPPORTED = "not_supported"      # the network has none for this card
    OPTIONAL = "optional"                # only when the merchant asks
    UNLESS_SET_UP = "unless_set_up"      # when the shopper is there; absent, only with her earlier consent
    ALREADY_SET_UP = "already_set_up"    # as above, consent counts as given
    ALWAYS = "always"                    # also when she is absent, so that absent she cannot pay


@dataclass(frozen=True, slots=True)
class Behaviour:
    """``decline`` refuses a payment, and a verification too unless ``attaches``. Checks are for data that was given.

    ``risk_level`` is the acquirer's own view; what it declines as ``fraudulent`` at the highest level is blocked before
    any issuer is asked. What comes after a payment: ``dispute`` is the reason of one raised at once (an ``inquiry``
    moves no money), ``fraud_type`` that of an early fraud warning, ``refund`` is ``succeeds``, ``pends`` (and succeeds
    a moment later) or ``fails`` (a moment after it succeeded).
    """

    decline: str | None = None
    attaches: bool = False
    authentication: Authentication = Authentication.NOT_ENROLLED
    lookup_error: bool = False
    cvc_check: str = "pass"
    address_line1_check: str = "pass"
    address_postal_code_check: str = "pass"
    funds_available_at_once: bool = False
    risk_level: str = "normal"
    dispute: str | None = None
    inquiry: bool = False
    fraud_type: str | None = None
    refund: str = "succeeds"


ORDINARY = Behaviour()

CARDS: dict[str, Behaviour] = {
    "4242424242424242": ORDINARY,
    "5555555555554444": ORDINARY,
    "378282246310005": Behaviour(authentication=Authentication.NOT_SUPPORTED),
    # declines
    "4000000000000002": Behaviour(decline="generic_decline"),
    "4000000000009995": Behaviour(decline="insufficient_funds"),
    "4000000000009987": Behaviour(decline="lost_card"),
    "4000000000009979": Behaviour(decline="stolen_card"),
    "4000000000006975": Behaviour(decline="card_velocity_exceeded"),
    "4000000000000069": Behaviour(decline="expired_card"),
    "4000000000000127": Behaviour(decline="incorrect_cvc", cvc_check="fail"),
    "4000000000000119": Behaviour(decline="processing_error"),
    "4242424242424241": Behaviour(decline="incorrect_number"),
    "4000000000000341": Behaviour(decline="generic_decline", attaches=True),
    # checks
    "4000000000000101": Behaviour(cvc_check="fail"),
    "4000000000000010": Behaviour(address_line1_check="fail", address_postal_code_check="fail"),
    "4000000000000028": Behaviour(address_line1_check="fail"),
    "4000000000000036": Behaviour(address_postal_code_check="fail"),
    "4000000000000044": Behaviour(address_line1_check="unavailable", address_postal_code_check="unavailable"),
    # settlement
    "4000000000000077": Behaviour(funds_available_at_once=True),
    # 3-D Secure
    "4000002500003155": Behaviour(authentication=Authentication.UNLESS_SET_UP),
    "4000002760003184": Behaviour(authentication=Authentication.ALWAYS),
    "4000003800000446": Behaviour(authentication=Authentication.ALREADY_SET_UP),
    "4000008260003178": Behaviour(
        authentication=Authentication.UNLESS_SET_UP, decline="insufficient_funds", attaches=True
    ),
    "4000000000003220": Behaviour(authentication=Authentication.UNLESS_SET_UP),
    "4000008400001629": Behaviour(authentication=Authentication.UNLESS_SET_UP, decline="generic_decline"),
    "4000008400001280": Behaviour(authentication=Authentication.ALWAYS, lookup_error=True),
    "4000000000003055": Behaviour(authentication=Authentication.OPTIONAL),
    "4000000000003097": Behaviour(authentication=Authentication.OPTIONAL, lookup_error=True),
    # risk
    "4000000000004954": Behaviour(risk_level="highest"),
    "4000000000009235": Behaviour(risk_level="elevated"),
    "4100000000000019": Behaviour(decline="fraudulent", attaches=True, risk_level="highest"),
    # disputes, warnings and refunds
    "4000000000000259": Behaviour(dispute="fraudulent"),
    "4000000000002685": Behaviour(dispute="product_not_received"),
    "4000000000001976": Behaviour(dispute="fraudulent", inquiry=True),
    "4000000000005423": Behaviour(fraud_type="made_with_stolen_card"),
    "4000000000007726": Behaviour(refund="pends"),
    "4000000000005126": Behaviour(refund="fails"),
}

NETWORK_CODES = {
    # ISO 8583 field 39 as the networks use it
    "generic_decline": "01",
    "do_not_honor": "05",
    "incorrect_number": "14",
    "lost_card": "41",
    "stolen_card": "43",
    "insufficient_funds": "51",
    "expired_card": "54",
    "transaction_not_allowed": "57",
    "fraudulent": "59",
    "card_velocity_exceeded": "65",
    "authentication_required": "1A",
    "incorrect_cvc": "N7",
    "processing_error": "96",
    "try_again_later": "91",
}
_ADVICE = {
    "generic_decline": "try_again_later",
    "incorrect_number": "confirm_card_data",
    "incorrect_cvc": "confirm_card_data",
    "expired_card": "confirm_card_data",
    "lost_card": "do_not_try_again",
    "stolen_card": "do_not_try_again",
    "fraudulent": "do_not_try_again",
    "insufficient_funds": "try_again_later",
    "card_velocity_exceeded": "try_again_later",
    "processing_error": "try_again_later",
    "try_again_later": "try_again_later",
}
_UNCHALLENGED = {
    Authentication.NOT_ENROLLED: ("frictionless", "attempt_acknowledged"),
    Authentication.NOT_SUPPORTED: (None, "not_supported"),
}
_VERSION = "2.2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the issuer looks at. ``consented``: an earlier, proven consent to payments in her absence."""

    number: str
    amount: int
    in_date: bool
    off_session: bool = False
    consented: bool = False
    three_d_secure: str = "automatic"
    can_redirect: bool = True
    has_cvc: bool = False
    has_line1: bool = False
    has_postal_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``status``: approved, declined or action_required; ``after_challenge``: the decline that follows a passed one."""

    status: str
    decline_code: str | None = None
    after_challenge: str | None = None
    checks: dict[str, str | None] = field(default_factory=dict)
    three_d_secure: dict[str, str | None] | None = None
    funds_available_at_once: bool = False
    risk_level: str = "normal"


def network_code(decline_code: str) -> str:
    """The raw response code that goes with a normalised one."""
    return NETWORK_CODES.get(decline_code, NETWORK_CODES["do_not_honor"])


def advice(decline_code: str) -> str | None:
    """What the network advises the merchant to do."""
    return _ADVICE.get(decline_code)


def authenticated(flow: str | None, result: str, *, reason: str | None = None) -> dict[str, str | None]:
    """The record of a 3-D Secure try."""
    return {"authentication_flow": flow, "result": result, "result_reason": reason, "version": _VERSION}


def behaviour(number: str) -> Behaviour:
    """What the card with this number does."""
    like = script_of(number)
    return CARDS.get(like.number if like else number, ORDINARY)


def decide(question: Question) -> Decision:
    """How the issuer answers."""
    card = behaviour(question.number)
    decline = None if card.attaches and question.amount == 0 else card.decline
    if decline == "incorrect_cvc" and not question.has_cvc:
        decline = None  # a code that nobody gave cannot be wrong
    if not luhn_valid(question.number):
        decline = "incorrect_number"
    elif decline is None and not question.in_date:
        decline = "expired_card"
    status, decline_code, trial = _authenticate(card, question)
    after = None
    if status == "action_required":
        after = decline
    elif decline_code is None and decline is not None:
        status, decline_code = "declined", decline
    return Decision(
        status=status,
        decline_code=decline_code,
        after_challenge=after,
        checks={
            "cvc_check": card.cvc_check if question.has_cvc else None,
            "address_line1_check": card.address_line1_check if question.has_line1 else None,
            "address_postal_code_check": card.address_postal_code_check if question.has_postal_code else None,
        },
        three_d_secure=trial,
        funds_available_at_once=card.funds_available_at_once,
        risk_level=card.risk_level,
    )


def _authenticate(card: Behaviour, question: Question) -> tuple[str, str | None, dict[str, str | None] | None]:
    """Status, decline code and 3-D Secure record, before the question whether the money is there."""
    asked = question.three_d_secure != "automatic" and not question.off_session
    if card.authentication in _UNCHALLENGED:
        return "approved", None, authenticated(*_UNCHALLENGED[card.authentication]) if asked else None
    required = _required(card.authentication, question)
    if required and (question.off_session or not question.can_redirect):
        return "declined", "authentication_required", None
    if card.lookup_error and (required or asked):
        trial = authenticated(None, "processing_error", reason="network_error")
        return ("declined", "generic_decline", trial) if required else ("approved", None, trial)
    if required or (asked and question.can_redirect):
        return "action_required", None, None
    return "approved", None, None


def _required(authentication: Authentication, question: Question) -> bool:
    match authentication:
        case Authentication.UNLESS_SET_UP:
            return not (question.off_session and question.consented)
        case Authentication.ALREADY_SET_UP:
            return not question.off_session
        case _:
            return authentication is Authentication.ALWAYS
