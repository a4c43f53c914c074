"""The catalogue of attributes: everything that a rule may name and a score may use, with its type and its meaning.

An attribute that is not known for a payment is missing: it stands in no mapping, and any predicate over it is false.
Money is in US cents, converted at the day's rate; times are in hours, distances in kilometres.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Type = Literal["money", "number", "text", "boolean"]
Source = Literal["payment", "card", "person", "place", "device", "behaviour", "velocity", "history", "engine", "score"]
Value = int | float | str | bool
Attributes = Mapping[str, Value]

WINDOWS: Mapping[str, int] = {"1m": 60, "1h": 3600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
"""Name -> seconds. 1m and 1h slide exactly; 24h goes by whole hours (UTC), 7d and 30d by whole days."""

KEYS: Mapping[str, str] = {
    "card": "the card", "customer": "the customer", "ip": "the shopper's address", "device": "the device",
    "email": "the e-mail address", "bin": "the card's first six digits",
}  # fmt: skip
"""What payments are counted by."""

DISTINCT = (
    ("ip", "cards"), ("device", "cards"), ("email", "cards"), ("customer", "cards"), ("bin", "cards"), ("bin", "ips"),
    ("card", "ips"), ("card", "devices"), ("card", "emails"), ("card", "customers"), ("ip", "emails"),
    ("device", "emails"), ("device", "ips"), ("email", "ips"),
)  # fmt: skip
"""(key, others): how many different others were seen with the key."""

DISTINCT_WINDOWS = ("1h", "24h", "7d")


HABITS: Mapping[str, tuple[Type, str]] = {
    "past_payments": ("number", "How many earlier payments with {what} are looked back over, 50 at most."),
    "usual_amount": ("money", "What those payments with {what} were over on average; known frauds do not count."),
    "usual_deviation": ("money", "How far amounts with {what} commonly lie from that average (standard deviation)."),
    "past_frauds": ("number", "How many of the last 50 payments with {what} are known as fraud."),
    "highest_7d": ("money", "The most that one payment with {what} was over in the last 7 days, of the last 50; known"
                            " frauds do not count."),
    "clean_last_h": ("number", "Hours since the last payment with {what} that is 7 days old and not known as fraud, of"
                               " the last 50."),
    "fraud_run": ("number", "How many with {what} that are known as fraud came after that clean one, of the last 50."),
    "fraud_run_first_h": ("number", "Hours since the first of those frauds with {what} after a clean one was made."),
    "fraud_run_lowest": ("money", "The least that one of those frauds with {what} after a clean one was over."),
    "fraud_last_h": ("number", "Hours since the last payment with {what} known as fraud was made, of the last 50."),
    "clean_since_fraud": ("number", "How many with {what} came after that, are 7 days old, and not known as fraud."),
}  # fmt: skip
"""What is said of the last payments with a card, customer or device: see scoring/core/habits.py."""

HABIT_KEYS = ("card", "customer", "device")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. ``item_type`` is the type of value list in which its value may stand; such values are never
    stored with a decision, only their keyed hashes. ``listed_only``: it can be looked for in a list, and nothing else.
    """

    name: str
    type: Type
    source: Source
    meaning: str
    item_type: str | None = None
    listed_only: bool = False


def _counted() -> list[Attribute]:
    found = []
    for key, what in KEYS.items():
        for window in WINDOWS:
            found += [
                Attribute(f"{key}_attempts_{window}", "number", "velocity",
                          f"Payments tried with {what} in the last {window}, this one with them."),
                Attribute(f"{key}_amount_{window}", "money", "velocity",
                          f"Money asked for with {what} in the last {window}, this payment's with it; what was declined"
                          " or blocked does not count, what is still uncertain does."),
                Attribute(f"{key}_declines_{window}", "number", "velocity",
                          f"Declined payments with {what} in the last {window}."),
                Attribute(f"{key}_blocks_{window}", "number", "velocity",
                          f"Payments with {what} that a verdict stopped in the last {window}."),
            ]  # fmt: skip
        found += [
            Attribute(f"{key}_age_h", "number", "velocity", f"Hours since {what} was first seen; 0 the first time."),
            Attribute(f"{key}_frauds_7d", "number", "history",
                      f"Payments with {what} that became known as fraud in the last 7 days."),
            Attribute(f"{key}_frauds_30d", "number", "history",
                      f"Payments with {what} that became known as fraud in the last 30 days."),
        ]  # fmt: skip
    for key, others in DISTINCT:
        found += [
            Attribute(f"{key}_{others}_{window}", "number", "velocity",
                      f"Different {others} seen with {KEYS[key]} in the last {window}, this payment's with them.")
            for window in DISTINCT_WINDOWS
        ]  # fmt: skip
    for key in HABIT_KEYS:
        found += [
            Attribute(f"{key}_{name}", type_, "history", meaning.format(what=KEYS[key]))
            for name, (type_, meaning) in HABITS.items()
        ]
    return found


_ALL = (
    # payment
    Attribute("amount", "money", "payment", "What is to be paid."),
    Attribute("currency", "text", "payment", "The currency that is asked for, in small letters."),
    Attribute("is_setup", "boolean", "payment", "Whether a card is saved, and nothing paid."),
    Attribute("is_off_session", "boolean", "payment", "Whether the cardholder is absent, as the merchant says."),
    Attribute("is_from_browser", "boolean", "payment", "Whether a publishable or ephemeral key confirms it."),
    Attribute("hour_of_day", "number", "payment", "0 to 23, UTC."),
    Attribute("day_of_week", "number", "payment", "1 (Monday) to 7, UTC."),
    Attribute("tries", "number", "payment", "How often this very payment was tried before."),
    # card
    Attribute("card_fingerprint", "text", "card", "The card, as its fingerprint.", "card_fingerprint", True),
    Attribute("card_bin", "text", "card", "The card's first six digits.", "card_bin"),
    Attribute("card_brand", "text", "card", "visa, mastercard, amex and so on."),
    Attribute("card_funding", "text", "card", "credit, debit or prepaid, where it is known."),
    Attribute("card_country", "text", "card", "Where the card was issued, by the table of card ranges.", "country"),
    Attribute("card_issuer", "text", "card", "Who issued the card, where the imported table of card ranges names it."),
    Attribute("is_card_saved", "boolean", "card", "Whether the card belongs to a customer already."),
    Attribute("has_cvc", "boolean", "card", "Whether a security code goes with the payment."),
    # person
    Attribute("customer", "text", "person", "The customer.", "customer_id", True),
    Attribute("customer_made_h", "number", "person", "Hours since the customer was made."),
    Attribute("email", "text", "person", "The shopper's e-mail address.", "email", True),
    Attribute("email_domain", "text", "person", "What stands after its @.", "case_sensitive_string"),
    Attribute("is_email_disposable", "boolean", "person", "Whether that domain gives throw-away addresses."),
    Attribute("email_digits_share", "number", "person", "Which part of what stands before the @ is digits, 0 to 1."),
    Attribute("shipping_country", "text", "person", "Where the goods go.", "country"),
    Attribute("billing_country", "text", "person", "The country of the billing address.", "country"),
    # place
    Attribute("ip_address", "text", "place", "The shopper's address.", "ip_address", True),
    Attribute("ip_country", "text", "place", "Where that address is said to be.", "country"),
    Attribute("ip_network", "number", "place", "The number of its network (ASN), where a table knows it."),
    Attribute("card_distance_km", "number", "place", "How far from the card's last use."),
    Attribute("card_speed_kmh", "number", "place", "How fast somebody would have travelled from there."),
    Attribute("customer_distance_km", "number", "place", "How far from the customer's last payment."),
    Attribute("customer_speed_kmh", "number", "place", "How fast the customer would have travelled from there."),
    # device
    Attribute("has_session", "boolean", "device", "Whether the payment page's collector reported."),
    Attribute("device", "text", "device", "The device, as this merchant's keyed hash.", "case_sensitive_string", True),
    Attribute("is_device_new", "boolean", "device", "Whether its signed cookie was made in this visit."),
    Attribute("device_conflicts", "number", "device", "How many of its signals contradict each other."),
    Attribute("is_webdriver", "boolean", "device", "Whether a program says that it steers the browser."),
    Attribute("is_timezone_foreign", "boolean", "device", "Whether its time zone is not one of the address's country."),
    Attribute("bot_score", "number", "device", "How sure the collector's signals are that nobody is there, 0 to 100."),
    # behaviour
    Attribute("form_seconds", "number", "behaviour", "From the page's first sign of life to the submit."),
    Attribute("is_card_pasted", "boolean", "behaviour", "Whether the card number was pasted."),
    Attribute("is_card_autofilled", "boolean", "behaviour", "Whether the browser filled the card number in."),
    Attribute("typing_deviation", "number", "behaviour", "How unlike the customer's own typing, 0 alike; few samples."),
    Attribute("pointer_straightness", "number", "behaviour", "Path of the pointer against the straight way, 0 to 1."),
    Attribute("pointer_deviation", "number", "behaviour", "How unlike the customer's own pointer, 0 alike; weak."),
    # outside engines
    Attribute("engine_score", "number", "engine", "What an outside engine says, 0 to 100."),
    Attribute("engine_decision", "text", "engine", "allow, review, challenge or block, as an outside engine says."),
    *_counted(),
    # score
    Attribute("risk_score", "number", "score", "The model's score, 0 to 100, calibrated."),
    Attribute("risk_level", "text", "score", "normal, elevated or highest, by the score."),
)

ATTRIBUTES: Mapping[str, Attribute] = {attribute.name: attribute for attribute in _ALL}
"""Every attribute by its name."""

assert len(ATTRIBUTES) == len(_ALL), "an attribute stands twice in the catalogue"
