"""Features: the numbers that a model is given, made of the attributes of one payment and of nothing else.

Online and in training the same function makes them of the same attributes, so they cannot differ. Nothing is missing in
a vector: what is not known of a payment counts as it would for somebody who was never seen before. A card, device or
address that is absent therefore looks like a new one, and hiding it gains nothing. What a shopper's own browser or
typing tells (``RAISING``) may only raise a score: a model is held to that in training, so that forging it gains nothing
against not telling it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, HABIT_KEYS, KEYS, Attributes, Value

VERSION = 2
"""Changes with the names, their order or what they mean: a model is only given the features that it was trained on."""

NEVER_H = 100_000.0  # longer ago than anything
_PRIOR_PAYMENTS = 2.0
_PRIOR_SHARE = 0.005  # of payments that turn out to be fraud, where nothing is known of a key


@dataclass(frozen=True, slots=True)
class Feature:
    """One number. ``meaning`` is for people; ``raising``: it may only raise a score."""

    name: str
    meaning: str
    raising: bool = False


def _plain() -> list[tuple[str, float, bool]]:
    """Attributes that are features as they stand: name, what absence counts as, whether it may only raise."""
    found: list[tuple[str, float, bool]] = [
        (name, 0.0, False)
        for name in ("hour_of_day", "day_of_week", "tries", "is_setup", "is_off_session", "is_from_browser",
                     "is_card_saved", "has_cvc")
    ]  # fmt: skip
    found += [
        (name, 0.0, True)
        for name in ("is_email_disposable", "email_digits_share", "card_distance_km", "card_speed_kmh",
                     "customer_distance_km", "customer_speed_kmh", "device_conflicts", "is_webdriver",
                     "is_timezone_foreign", "bot_score")
    ]  # fmt: skip
    for key in ("card", "customer", "ip", "device", "email"):
        found += [(f"{key}_attempts_{window}", 1.0, False) for window in ("1h", "24h", "30d")]
        found += [(f"{key}_declines_{window}", 0.0, False) for window in ("1h", "24h")]
        found += [(f"{key}_age_h", 0.0, False)]
        found += [(f"{key}_frauds_{window}", 0.0, False) for window in ("7d", "30d")]
    for key in HABIT_KEYS:
        found += [
            (f"{key}_{habit}", 0.0, False)
            for habit in ("past_payments", "past_frauds", "clean_since_fraud", "fraud_run", "fraud_run_lowest")
        ]
        found += [(f"{key}_{when}_h", NEVER_H, False) for when in ("fraud_last", "fraud_run_first", "clean_last")]
    found += [("bin_attempts_1h", 1.0, False), ("bin_declines_1h", 0.0, False), ("bin_frauds_30d", 0.0, False)]
    found += [
        (name, 1.0, False)
        for name in ("ip_cards_24h", "device_cards_24h", "email_cards_24h", "customer_cards_7d", "bin_cards_1h",
                     "bin_ips_1h", "card_ips_24h", "card_devices_24h", "ip_emails_24h")
    ]  # fmt: skip
    return found


_PLAIN = _plain()
_GIVEN = tuple((name, absent) for name, absent, _ in _PLAIN)


def _differ(get: Callable[..., Value | None], one: str, other: str) -> float:
    """Whether both countries are known and differ."""
    first, second = get(one), get(other)
    return 1.0 if first is not None and second is not None and first != second else 0.0


_MADE: list[Feature] = [
    Feature("log_amount", "What is to be paid, on a logarithmic scale."),
    Feature("is_prepaid", "Whether the card is prepaid."),
    Feature("card_ip_differ", "Whether the card's country is not the address's.", raising=True),
    Feature("card_shipping_differ", "Whether the card's country is not where the goods go.", raising=True),
    Feature("card_billing_differ", "Whether the card's country is not the billing address's.", raising=True),
    Feature("ip_shipping_differ", "Whether the address's country is not where the goods go.", raising=True),
]
_SHARED = ("ip", "device", "bin")
for _key in HABIT_KEYS:
    _MADE += [
        Feature(f"{_key}_usual", f"What payments with {KEYS[_key]} are over on average."),
        Feature(f"{_key}_ratio", f"This amount against that average with {KEYS[_key]}."),
        Feature(
            f"{_key}_deviation", f"How many usual deviations this amount is above what is usual with {KEYS[_key]}."
        ),
        Feature(f"{_key}_recent_ratio", f"Other amounts of the last 7d with {KEYS[_key]} against what is usual."),
        Feature(f"{_key}_highest_ratio", f"The largest amount of the last 7d with {KEYS[_key]} against what is usual."),
        Feature(f"{_key}_fraud_share", f"Of older payments with {KEYS[_key]}, which part is known as fraud."),
    ]
for _key in _SHARED:
    _MADE.append(Feature(f"{_key}_decline_share", f"Which part of the tries with {KEYS[_key]} failed in the last 24h."))

_HABITS = tuple(
    tuple(f"{key}_{name}" for name in ("usual_amount", "usual_deviation", "attempts_7d", "amount_7d", "highest_7d",
                                       "attempts_30d", "frauds_30d"))
    for key in HABIT_KEYS
)  # fmt: skip
_FAILED = tuple((f"{key}_attempts_24h", f"{key}_declines_24h") for key in _SHARED)

FEATURES: tuple[Feature, ...] = (
    *(Feature(name, ATTRIBUTES[name].meaning, raising) for name, _, raising in _PLAIN),
    *_MADE,
)
"""All of them, in the order of a vector."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
MEANINGS: Mapping[str, str] = {feature.name: feature.meaning for feature in FEATURES}
RAISING: frozenset[str] = frozenset(feature.name for feature in FEATURES if feature.raising)


def vector(attributes: Attributes) -> NDArray[np.float32]:
    """The features of one payment in the order of ``NAMES``; attributes as ``rules.core.packed`` settles them."""
    get: Callable[..., Any] = attributes.get
    row: list[float] = [get(name, absent) for name, absent in _GIVEN]
    amount = float(get("amount", 0))
    row += (
        math.log1p(amount),
        1.0 if get("card_funding") == "prepaid" else 0.0,
        _differ(get, "card_country", "ip_country"),
        _differ(get, "card_country", "shipping_country"),
        _differ(get, "card_country", "billing_country"),
        _differ(get, "ip_country", "shipping_country"),
    )
    for (
        usual_amount,
        usual_deviation,
        attempts_7d,
        amount_7d,
        highest,
        attempts_30d,
        frauds_30d,
    ) in _HABITS:
        usual = get(usual_amount, 0)
        tried = get(attempts_7d, 1)
        frauds = get(frauds_30d, 0)
        # What was tried in the last week is too young to be known of: it would make every key look honest.
        older = max(get(attempts_30d, 1) - tried, frauds)
        if usual > 0:
            recent = (get(amount_7d, amount) - amount) / (tried - 1) if tried > 1 else usual
            row += (
                usual,
                amount / usual,
                (amount - usual) / max(get(usual_deviation, 0), usual / 10),
                recent / usual,
                get(highest, 0) / usual,
            )
        else:
            row += (0.0, 1.0, 0.0, 1.0, 0.0)
        row.append(share(frauds, older))
    for attempts, declines in _FAILED:
        row.append(get(declines, 0) / max(get(attempts, 1), 1))
    return np.array(row, dtype=np.float32)


def share(frauds: Any, payments: Any) -> Any:
    """Of few payments a share says little: it is drawn towards what is common."""
    return (frauds + _PRIOR_SHARE * _PRIOR_PAYMENTS) / (payments + _PRIOR_PAYMENTS)
