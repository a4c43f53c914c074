"""What every published test card does in every flow: the facts that the tests hold a running Lockgate to."""

from dataclasses import dataclass, field
from typing import Any

OK = "succeeded"
CHALLENGE = "challenge"


@dataclass(frozen=True)
class Refused:
    """How a decline shows: in the error, in the charge and in the charge's outcome."""

    code: str
    decline_code: str | None
    message: str
    advice_code: str | None = None
    network_decline_code: str | None = None
    param: str | None = None
    charged: bool = True
    shopper_code: str | None = None
    shopper_decline_code: str | None = None
    shopper_message: str | None = None
    outcome: dict[str, Any] = field(default_factory=dict)


_DECLINED = "Your card was declined."
_AUTHENTICATE = "Your card was declined. This transaction requires authentication."
_NO_DETAILS = "The bank did not return any further details with this decline."
_HIDDEN = {"shopper_code": "card_declined", "shopper_decline_code": "generic_decline", "shopper_message": _DECLINED}


def _by_issuer(
    decline_code: str, network: str, advice: str | None, *, code: str = "card_declined", message: str = _DECLINED,
    seller_message: str | None = None, **more: Any,
) -> Refused:
    return Refused(
        code, decline_code, message, advice, network,
        outcome={
            "advice_code": advice, "network_advice_code": None, "network_decline_code": network,
            "network_status": "declined_by_network", "reason": decline_code, "risk_level": "normal",
            "risk_score": None, "rule": None, "type": "issuer_declined",
            "seller_message": seller_message or f"The bank returned the decline code `{decline_code}`.",
        },
        **more,
    )  # fmt: skip


REFUSALS = {
    "generic": _by_issuer("generic_decline", "01", "try_again_later", seller_message=_NO_DETAILS),
    "insufficient": _by_issuer(
        "insufficient_funds", "51", "try_again_later", message="Your card has insufficient funds."
    ),
    "lost": _by_issuer("lost_card", "41", "do_not_try_again", **_HIDDEN),
    "stolen": _by_issuer("stolen_card", "43", "do_not_try_again", **_HIDDEN),
    "velocity": _by_issuer(
        "card_velocity_exceeded", "65", "try_again_later",
        message="Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    ),
    "expired": _by_issuer(
        "expired_card", "54", "confirm_card_data", code="expired_card", message="Your card has expired.",
        param="exp_month",
    ),
    "cvc": _by_issuer(
        "incorrect_cvc", "N7", "confirm_card_data", code="incorrect_cvc",
        message="Your card's security code is incorrect.", param="cvc",
    ),
    "processing": _by_issuer(
        "processing_error", "96", "try_again_later", code="processing_error",
        message="An error occurred while processing your card. Try again in a little bit.",
    ),
    "authentication": _by_issuer(
        "authentication_required", "1A", None, code="authentication_required", message=_AUTHENTICATE
    ),
    "blocked": Refused(
        "card_declined", "fraudulent", _DECLINED, **_HIDDEN,
        outcome={
            "advice_code": None, "network_advice_code": None, "network_decline_code": None,
            "network_status": "not_sent_to_network", "reason": "highest_risk_level", "risk_level": "highest",
            "risk_score": None, "rule": None, "type": "blocked",
            "seller_message": "This payment was blocked as too risky.",
        },
    ),
}  # fmt: skip


def accepted(risk_level: str) -> dict[str, Any]:
    """The outcome of a charge that went through; one at risk waits for somebody to look at it."""
    outcome = {
        "advice_code": None, "network_advice_code": None, "network_decline_code": None,
        "network_status": "approved_by_network", "reason": None, "risk_level": risk_level, "risk_score": None,
        "rule": None, "seller_message": "Payment complete.", "type": "authorized",
    }  # fmt: skip
    if risk_level != "normal":
        outcome |= {
            "reason": f"{risk_level}_risk_level", "type": "manual_review",
            "seller_message": "This payment has an elevated risk and was put into the queue for manual review.",
        }  # fmt: skip
    return outcome


UNPROVEN = "We are unable to authenticate your payment method. Please choose a different payment method and try again."


@dataclass(frozen=True)
class Card:
    """``OK``, ``CHALLENGE`` or a word of REFUSALS for each flow.

    ``present`` is a payment with the cardholder there, ``after`` what follows her passed challenge; ``setup`` and
    ``after_setup`` the same for a setup intent; ``attach`` keeps the card without asking her; then ``absent`` charges
    it off session, and ``absent_set_up`` does so after a setup. ``checks`` are line 1, postal code and security code;
    ``tried`` is the 3-D Secure result of an unchallenged payment that asked for it (``CHALLENGE``: she is asked).
    """

    present: str = OK
    after: str = OK
    setup: str = OK
    after_setup: str = OK
    attach: str = OK
    absent: str = OK
    absent_set_up: str = OK
    checks: tuple[str, str, str] = ("pass", "pass", "pass")
    risk_level: str = "normal"
    tried: str | None = "attempt_acknowledged"

    @property
    def is_looked_at(self) -> bool:
        """Whether a person has to look at its payments before they are taken."""
        return self.present == OK and self.risk_level != "normal"


def _declines(word: str, **more: Any) -> Card:
    return Card(present=word, setup=word, attach=word, **more)


_PRESENT: dict[str, Any] = {"present": CHALLENGE, "setup": CHALLENGE, "tried": CHALLENGE}

CARDS = {
    "4242424242424242": Card(),
    "5555555555554444": Card(),
    "378282246310005": Card(tried="not_supported"),
    "4000000000000002": _declines("generic"),
    "4000000000009995": _declines("insufficient"),
    "4000000000009987": _declines("lost"),
    "4000000000009979": _declines("stolen"),
    "4000000000006975": _declines("velocity"),
    "4000000000000069": _declines("expired"),
    "4000000000000127": _declines("cvc", checks=("pass", "pass", "fail")),
    "4000000000000119": _declines("processing"),
    "4000000000000341": Card(present="generic", absent="generic", absent_set_up="generic"),
    "4000000000000101": Card(checks=("pass", "pass", "fail")),
    "4000000000000010": Card(checks=("fail", "fail", "pass")),
    "4000000000000028": Card(checks=("fail", "pass", "pass")),
    "4000000000000036": Card(checks=("pass", "fail", "pass")),
    "4000000000000044": Card(checks=("unavailable", "unavailable", "pass")),
    "4000000000000077": Card(),
    "4000002500003155": Card(**_PRESENT, absent="authentication"),
    "4000002760003184": Card(**_PRESENT, absent="authentication", absent_set_up="authentication"),
    "4000003800000446": Card(**_PRESENT),
    "4000008260003178": Card(
        **_PRESENT, after="insufficient", absent="authentication", absent_set_up="insufficient"
    ),
    "4000000000003220": Card(**_PRESENT, absent="authentication"),
    "4000008400001629": Card(**_PRESENT, after="generic", after_setup="generic", absent="authentication"),
    "4000008400001280": Card(present="generic", setup="generic", absent="authentication", tried=None),
    "4000000000003055": Card(tried=CHALLENGE),
    "4000000000003097": Card(tried="processing_error"),
    "4000000000004954": Card(risk_level="highest"),
    "4000000000009235": Card(risk_level="elevated"),
    "4100000000000019": Card(
        present="blocked", absent="blocked", absent_set_up="blocked", risk_level="highest", tried=None
    ),
    "4000000000000259": Card(),
    "4000000000002685": Card(),
    "4000000000001976": Card(),
    "4000000000005423": Card(),
    "4000000000007726": Card(),
    "4000000000005126": Card(),
}  # fmt: skip
