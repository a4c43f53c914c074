"""The card numbers that test mode takes, and the synthetic range of a sandbox: pure data."""

from dataclasses import dataclass

from lockgate.kernel.luhn import luhn_valid, with_check_digit

SYNTHETIC_PREFIX = "400055"
SYNTHETIC_LENGTH = 16
SCRIPTED_PREFIX = f"{SYNTHETIC_PREFIX}99"
SCRIPTS = (
    "visa", "charge_declined", "insufficient_funds", "incorrect_cvc", "stolen_card", "expired_card",
    "dispute_fraudulent", "early_fraud_warning", "processing_error", "velocity_exceeded",
)  # fmt: skip
"""What a scripted number does: as the published card of this name, by the digit after the prefix."""

SCRIPTED_COUNTRIES = ("US", "GB", "DE", "FR", "NL", "IT", "ES", "CA", "AU", "JP")
"""Where a scripted number was issued, by the digit after that."""


@dataclass(frozen=True, slots=True)
class TestCard:
    """A published test number and what its range says about it. ``name`` is ours, stable, and no secret."""

    __test__ = False  # not a test case, whatever its name makes pytest think

    name: str
    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"


_CARDS = (
    # brands
    TestCard("visa", "4242424242424242"),
    TestCard("visa_debit", "4000056655665556", funding="debit"),
    TestCard("mastercard", "5555555555554444", "mastercard"),
    TestCard("mastercard_2_series", "2223003122003222", "mastercard"),
    TestCard("mastercard_debit", "5200828282828210", "mastercard", "debit"),
    TestCard("mastercard_prepaid", "5105105105105100", "mastercard", "prepaid"),
    TestCard("amex", "378282246310005", "amex"),
    TestCard("amex_2", "371449635398431", "amex"),
    TestCard("discover", "6011111111111117", "discover"),
    TestCard("discover_2", "6011000990139424", "discover"),
    TestCard("discover_debit", "6011981111111113", "discover", "debit"),
    TestCard("diners", "3056930009020004", "diners"),
    TestCard("diners_14_digits", "36227206271667", "diners"),
    TestCard("jcb", "3566002020360505", "jcb", country="JP"),
    TestCard("unionpay", "6200000000000005", "unionpay", country="CN"),
    TestCard("unionpay_debit", "6200000000000047", "unionpay", "debit", "CN"),
    TestCard("unionpay_19_digits", "6205500000000000004", "unionpay", country="CN"),
    # countries
    TestCard("br", "4000000760000002", country="BR"),
    TestCard("ca", "4000001240000000", country="CA"),
    TestCard("mx", "4000004840008001", country="MX"),
    TestCard("at", "4000000400000008", country="AT"),
    TestCard("be", "4000000560000004", country="BE"),
    TestCard("dk", "4000002080000001", country="DK"),
    TestCard("fi", "4000002460000001", country="FI"),
    TestCard("fr", "4000002500000003", country="FR"),
    TestCard("de", "4000002760000016", country="DE"),
    TestCard("ie", "4000003720000005", country="IE"),
    TestCard("it", "4000003800000008", country="IT"),
    TestCard("nl", "4000005280000002", country="NL"),
    TestCard("no", "4000005780000007", country="NO"),
    TestCard("pl", "4000006160000005", country="PL"),
    TestCard("pt", "4000006200000007", country="PT"),
    TestCard("es", "4000007240000007", country="ES"),
    TestCard("se", "4000007520000008", country="SE"),
    TestCard("ch", "4000007560000009", country="CH"),
    TestCard("gb", "4000008260000000", country="GB"),
    TestCard("gb_debit", "4000058260000005", funding="debit", country="GB"),
    TestCard("au", "4000000360000006", country="AU"),
    TestCard("cn", "4000001560000002", country="CN"),
    TestCard("hk", "4000003440000004", country="HK"),
    TestCard("in", "4000003560000008", country="IN"),
    TestCard("jp", "4000003920000003", country="JP"),
    TestCard("my", "4000004580000002", country="MY"),
    TestCard("nz", "4000005540000008", country="NZ"),
    TestCard("sg", "4000007020000003", country="SG"),
    # declines
    TestCard("charge_declined", "4000000000000002"),
    TestCard("insufficient_funds", "4000000000009995"),
    TestCard("lost_card", "4000000000009987"),
    TestCard("stolen_card", "4000000000009979"),
    TestCard("expired_card", "4000000000000069"),
    TestCard("incorrect_cvc", "4000000000000127"),
    TestCard("processing_error", "4000000000000119"),
    TestCard("velocity_exceeded", "4000000000006975"),
    TestCard("customer_charge_declined", "4000000000000341"),
    # checks of the code and the address
    TestCard("cvc_check_fail", "4000000000000101"),
    TestCard("avs_fail", "4000000000000010"),
    TestCard("avs_line1_fail", "4000000000000028"),
    TestCard("avs_postal_code_fail", "4000000000000036"),
    TestCard("avs_unchecked", "4000000000000044"),
    TestCard("bypass_pending", "4000000000000077"),
    # 3-D Secure
    TestCard("authentication_required_unless_set_up", "4000002500003155", country="FR"),
    TestCard("authentication_required", "4000002760003184", country="DE"),
    TestCard("authentication_already_set_up", "4000003800000446", country="IT"),
    TestCard("authentication_then_insufficient_funds", "4000008260003178", country="GB"),
    TestCard("three_d_secure_required", "4000000000003220"),
    TestCard("three_d_secure_required_then_declined", "4000008400001629"),
    TestCard("three_d_secure_required_lookup_error", "4000008400001280"),
    TestCard("three_d_secure_optional", "4000000000003055"),
    TestCard("three_d_secure_optional_error", "4000000000003097"),
    # risk and disputes
    TestCard("highest_risk", "4000000000004954"),
    TestCard("always_blocked", "4100000000000019"),
    TestCard("elevated_risk", "4000000000009235"),
    TestCard("dispute_fraudulent", "4000000000000259"),
    TestCard("dispute_not_received", "4000000000002685"),
    TestCard("dispute_inquiry", "4000000000001976"),
    TestCard("early_fraud_warning", "4000000000005423"),
    TestCard("refund_pending", "4000000000007726"),
    TestCard("refund_fail", "4000000000005126"),
)
BY_NUMBER = {card.number: card for card in reversed(_CARDS)}
"""Number -> TestCard; a number with two names keeps its first."""

BY_NAME = {card.name: card for card in _CARDS}

_COUNTRIES = (
    "br", "ca", "mx", "at", "be", "dk", "fi", "fr", "de", "ie", "it", "nl", "no", "pl", "pt", "es", "se", "ch", "gb",
    "au", "cn", "hk", "in", "jp", "my", "nz", "sg",
)  # fmt: skip
READY_MADE = {
    f"pm_card_{suffix}": BY_NAME[name].number
    for suffix, name in {
        "visa": "visa",
        "visa_debit": "visa_debit",
        "mastercard": "mastercard",
        "mastercard_debit": "mastercard_debit",
        "mastercard_prepaid": "mastercard_prepaid",
        "amex": "amex",
        "discover": "discover",
        "diners": "diners",
        "jcb": "jcb",
        "unionpay": "unionpay",
        "us": "visa",
        **{code: code for code in _COUNTRIES},
        **{
            f"{brand}chargeDeclined{suffix}": name
            for brand in ("", "visa_")
            for suffix, name in {
                "": "charge_declined",
                "InsufficientFunds": "insufficient_funds",
                "LostCard": "lost_card",
                "StolenCard": "stolen_card",
                "ExpiredCard": "expired_card",
                "IncorrectCvc": "incorrect_cvc",
                "ProcessingError": "processing_error",
                "VelocityLimitExceeded": "velocity_exceeded",
                "Fraudulent": "always_blocked",
            }.items()
        },
        "chargeCustomerFail": "customer_charge_declined",
        "cvcCheckFail": "cvc_check_fail",
        "avsFail": "avs_fail",
        "avsLine1Fail": "avs_line1_fail",
        "avsZipFail": "avs_postal_code_fail",
        "avsUnchecked": "avs_unchecked",
        "bypassPending": "bypass_pending",
        "threeDSecure2Required": "three_d_secure_required",
        "threeDSecureRequired": "three_d_secure_required",
        "threeDSecureRequiredChargeDeclined": "three_d_secure_required_then_declined",
        "threeDSecureRequiredProcessingError": "three_d_secure_required_lookup_error",
        "threeDSecureOptional": "three_d_secure_optional",
        "threeDSecureOptionalProcessingError": "three_d_secure_optional_error",
        "amex_threeDSecureNotSupported": "amex",
        "authenticationRequired": "authentication_required",
        "authenticationRequiredOnSetup": "authentication_required_unless_set_up",
        "authenticationRequiredSetupForOffSession": "authentication_already_set_up",
        "authenticationRequiredChargeDeclinedInsufficientFunds": "authentication_then_insufficient_funds",
        "riskLevelHighest": "highest_risk",
        "radarBlock": "always_blocked",
        "riskLevelElevated": "elevated_risk",
        "createDispute": "dispute_fraudulent",
        "createDisputeProductNotReceived": "dispute_not_received",
        "createDisputeInquiry": "dispute_inquiry",
        "createIssuerFraudRecord": "early_fraud_warning",
        "pendingRefund": "refund_pending",
        "refundFail": "refund_fail",
    }.items()
}
"""Names that a merchant may give instead of a payment method, each with the number it stands for."""


def is_published(number: str) -> bool:
    """Whether ``number`` is one of the published test numbers."""
    return number in BY_NUMBER


def is_synthetic(number: str) -> bool:
    """Whether ``number`` lies in the range reserved for a sandbox's live mode.

    Sixteen digits under 400055 with a right check digit: card-like to every sweep for card numbers, taken in live mode
    by a sandbox alone, and refused by production and, but for the scripted ones, by test mode. No published test
    number lies in it.
    """
    return (
        len(number) == SYNTHETIC_LENGTH
        and number.startswith(SYNTHETIC_PREFIX)
        and number.isascii()
        and number.isdigit()
        and luhn_valid(number)
    )


def synthetic(serial: int) -> str:
    """The ``serial``-th synthetic number, 0 to 999,999,999."""
    if not 0 <= serial < 10**9:
        raise ValueError("a serial has at most nine digits")
    return with_check_digit(f"{SYNTHETIC_PREFIX}{serial:09d}")


def scripted(script: str, *, country: str, serial: int) -> str:
    """The ``serial``-th number, 0 to 99,999, that does what the published card ``script`` does.

    These are the synthetic numbers that a sandbox's test mode takes too: a hundred thousand different cards where the
    published ones are a few dozen, for whatever counts cards. Raises ValueError for what no scripted number does.
    """
    if not 0 <= serial < 10**5:
        raise ValueError("a serial has at most five digits")
    digits = f"{SCRIPTS.index(script)}{SCRIPTED_COUNTRIES.index(country)}"
    return with_check_digit(f"{SCRIPTED_PREFIX}{digits}{serial:05d}")


def script_of(number: str) -> TestCard | None:
    """The published card that a scripted number acts like, with the scripted one's country; None for any other."""
    if not (is_synthetic(number) and number.startswith(SCRIPTED_PREFIX)):
        return None
    script, country = (int(digit) for digit in number[len(SCRIPTED_PREFIX) :][:2])
    like = BY_NAME[SCRIPTS[script]]
    return TestCard(like.name, like.number, like.brand, like.funding, SCRIPTED_COUNTRIES[country])
