"""What a decline means: the error code, the words for the merchant and for the shopper, and the charge's outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lockgate.gateway.processors.contract import AUTHENTICATION_FAILED, REVERSED, Result

GENERIC = "generic_decline"
NOT_HANDLED = "authentication_not_handled"
"""A challenge that the merchant, with error_on_requires_action, did not want to lead the shopper through."""

HIGHEST_RISK = "highest_risk_level"
"""The charge's reason when the processor's own screen blocked it, before any issuer was asked."""

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
    NOT_HANDLED: "This payment required an authentication action to complete, but `error_on_requires_action` was set.",
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
_WITHOUT_ISSUER = frozenset({AUTHENTICATION_FAILED, NOT_HANDLED, REVERSED, "cvc_gone"})


_OUTCOME: Mapping[str, Any] = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": None,
    "reason": None,
    "risk_level": None,
    "risk_score": None,
    "rule": None,
    "seller_message": None,
    "type": None,
}


@dataclass(frozen=True, slots=True)
class Decline:
    """One refused try, in the dialect's words.

    ``sent`` says whether the issuer was asked for money, ``charged`` whether there is a charge to show for it: where
    the cardholder did not prove who she is, there is none. ``risk_level`` is the processor's own view, ``verdict`` what
    our own verdict says where that is why nothing was sent.
    """

    code: str
    decline_code: str | None
    network_decline_code: str | None
    advice_code: str | None
    message: str
    sent: bool
    charged: bool = True
    risk_level: str = "normal"
    verdict: Mapping[str, Any] | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether our verdict refused it, or the processor's own screen."""
        return self.verdict is not None or (self.decline_code == "fraudulent" and self.risk_level == "highest")

    @property
    def is_a_refusal(self) -> bool:
        """Whether anybody refused the card, or its holder failed to prove herself: not that the order was lost."""
        return self.sent or self.is_blocked or not self.charged

    def outcome(self) -> dict[str, Any]:
        """The charge's ``outcome``."""
        if self.is_blocked:
            return {
                **_OUTCOME,
                "network_status": "not_sent_to_network",
                "reason": HIGHEST_RISK,
                "risk_level": self.risk_level,
                "seller_message": "This payment was blocked as too risky.",
                "type": "blocked",
                **_said(self.verdict or {}),
            }
        return {
            **_OUTCOME,
            "advice_code": self.advice_code,
            "network_decline_code": self.network_decline_code,
            "network_status": "declined_by_network" if self.sent else "not_sent_to_network",
            "reason": self.decline_code,
            "risk_level": self.risk_level,
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


def blocked(verdict: Mapping[str, Any]) -> Decline:
    """The refusal of a payment that was never sent, because of what ``verdict`` says."""
    return Decline(
        "card_declined", "fraudulent", None, None, _MESSAGE, sent=False, risk_level="highest", verdict=verdict
    )


def of(result: Result) -> Decline:
    """The decline that ``result`` is."""
    refused = decline(
        result.decline_code, network_decline_code=result.network_decline_code, advice_code=result.advice_code
    )
    refused = replace(refused, risk_level=result.risk_level or "normal")
    if refused.is_blocked:  # no network said anything
        return replace(refused, network_decline_code=None, advice_code=None, sent=False)
    return refused


def decline(
    decline_code: str | None, *, network_decline_code: str | None = None, advice_code: str | None = None
) -> Decline:
    """The decline that a normalised code stands for."""
    word = decline_code or GENERIC
    if word == AUTHENTICATION_FAILED:
        return Decline(
            "payment_intent_authentication_failure",
            None,
            None,
            None,
            _AUTHENTICATION_MESSAGE,
            sent=False,
            charged=False,
        )
    if word == NOT_HANDLED:
        return Decline("authentication_required", word, None, None, _MESSAGES[word], sent=False, charged=False)
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


ELEVATED = "elevated"
_LEVELS = ("not_assessed", "normal", ELEVATED, "highest")


def approved_outcome(risk_level: str | None, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The ``outcome`` of an accepted charge: the processor's view of its risk, and what our own ``verdict`` says.

    The higher of both levels counts. Elevated at the processor asks for a review, as our own verdict may.
    """
    accepted = {**_OUTCOME, "network_status": "approved_by_network"}
    if risk_level == ELEVATED:
        accepted |= {
            "reason": "elevated_risk_level",
            "seller_message": "This payment has an elevated risk and was put into the queue for manual review.",
            "type": "manual_review",
        }
    else:
        accepted |= {"seller_message": "Payment complete.", "type": "authorized"}
    return {**accepted, **_said(verdict), "risk_level": _higher(risk_level, verdict)}


def with_risk(outcome: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The ``outcome`` of a charge that somebody else declined, with the risk that our ``verdict`` saw."""
    return {
        **outcome,
        "risk_level": _higher(outcome["risk_level"], verdict),
        "risk_score": verdict.get("risk_score"),
    }


def _higher(risk_level: str | None, verdict: Mapping[str, Any]) -> str:
    return max(risk_level or "normal", verdict.get("risk_level") or "not_assessed", key=_LEVELS.index)


def _said(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a verdict for an outcome; where it has none, others find them."""
    return {name: verdict[name] for name in _OUTCOME if verdict.get(name) is not None}


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
