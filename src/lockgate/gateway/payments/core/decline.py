"""What a decline means: the error code, the words for the merchant and for the shopper, and the charge's outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.gateway.processors.contract import AUTHENTICATION_FAILED, REVERSED

GENERIC = "generic_decline"

# Codes that are errors of their own; every other decline code comes under card_declined.
_OWN_CODES = frozenset(
    {
        "expired_card",
        "incorrect_cvc",
        "incorrect_number",
        "processing_error",
        "invalid_expiry_month",
        "invalid_expiry_year",
    }
)
_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
    "card_not_supported": "Your card is not supported.",
    "currency_not_supported": "Your card does not support this currency.",
}
_MESSAGE = "Your card was declined."
# The part of the card that is at fault.
_PARAMS = {"expired_card": "exp_month", "incorrect_cvc": "cvc", "incorrect_number": "number"}
_AUTHENTICATION_MESSAGE = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)
_CVC_GONE_MESSAGE = "Your card's security code is no longer held. Please enter your card details again."
# What a thief could learn from, or a shopper should not be told in a shop.
_HIDDEN = frozenset({"lost_card", "stolen_card", "fraudulent", "pickup_card"})
_WITHOUT_ISSUER = frozenset({AUTHENTICATION_FAILED, REVERSED, "cvc_gone"})


@dataclass(frozen=True, slots=True)
class Decline:
    """One refused try, in the dialect's words. ``sent`` says whether the issuer was asked for money."""

    code: str
    decline_code: str | None
    network_decline_code: str | None
    advice_code: str | None
    message: str
    sent: bool

    def outcome(self) -> dict[str, Any]:
        """The charge's ``outcome``."""
        return {
            "advice_code": self.advice_code,
            "network_advice_code": None,
            "network_decline_code": self.network_decline_code,
            "network_status": "declined_by_network" if self.sent else "not_sent_to_network",
            "reason": self.decline_code,
            "risk_level": "normal",
            "rule": None,
            "seller_message": _seller_message(self.decline_code),
            "type": "issuer_declined" if self.sent else "invalid",
        }

    def error(self, *, charge: str | None) -> dict[str, Any]:
        """``last_payment_error`` without its payment method, as the merchant's server sees it."""
        error: dict[str, Any] = {"type": "card_error", "code": self.code, "message": self.message}
        if self.code.endswith("_authentication_failure"):
            error["type"] = "invalid_request_error"
        for name, value in (
            ("decline_code", self.decline_code),
            ("network_decline_code", self.network_decline_code),
            ("advice_code", self.advice_code),
            ("charge", charge),
            ("param", _PARAMS.get(self.code)),
        ):
            if value is not None:
                error[name] = value
        return error


def decline(
    decline_code: str | None, *, network_decline_code: str | None = None, advice_code: str | None = None
) -> Decline:
    """The decline that a normalised code stands for."""
    word = decline_code or GENERIC
    if word == AUTHENTICATION_FAILED:
        return Decline("payment_intent_authentication_failure", None, None, None, _AUTHENTICATION_MESSAGE, sent=False)
    if word == REVERSED:
        return Decline(
            "processing_error", "processing_error", None, advice_code, _MESSAGES["processing_error"], sent=False
        )
    if word == "cvc_gone":
        return Decline("incorrect_cvc", "incorrect_cvc", None, None, _CVC_GONE_MESSAGE, sent=False)
    code = word if word in _OWN_CODES else "card_declined"
    if word == "authentication_required":
        code = "authentication_required"
    return Decline(code, word, network_decline_code, advice_code, _MESSAGES.get(word, _MESSAGE), sent=True)


def approved_outcome() -> dict[str, Any]:
    """The ``outcome`` of an accepted charge."""
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "rule": None,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def for_shopper(error: Mapping[str, Any]) -> dict[str, Any]:
    """``last_payment_error`` as a publishable key may see it: the exact reason stays with the merchant."""
    shown = {name: value for name, value in error.items() if name not in ("network_decline_code", "advice_code")}
    if shown.get("decline_code") in _HIDDEN:
        shown |= {"decline_code": GENERIC, "code": "card_declined", "message": _MESSAGE}
    return shown


def _seller_message(decline_code: str | None) -> str:
    if decline_code in (None, GENERIC):
        return "The bank did not return any further details with this decline."
    if decline_code in _WITHOUT_ISSUER:
        return "The payment was not sent to the bank."
    return f"The bank returned the decline code `{decline_code}`."
