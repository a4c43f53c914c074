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

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, KEYS, Attributes, Value

VERSION = 1
"""Changes with the names, their order or what they mean: a model is only given the features that it was trained on."""

_PRIOR_PAYMENTS = 5.0
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
        found += [(f"{key}_attempts_{window}", 1.0, False) for window in ("1h", "24h", "7d", "30d")]
        found += [(f"{key}_declines_{window}", 0.0, False) for window in ("1h", "24h")]
        found += [(f"{key}_age_h", 0.0, False)]
        found += [(f"{key}_frauds_{window}", 0.0, False) for window in ("7d", "30d")]
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
_COMPARED = ("card", "customer", "ip", "device", "email")
_SHARED = ("ip", "device", "bin")
for _key in _COMPARED:
    _MADE += [
        Feature(f"{_key}_mean", f"What other payments with {KEYS[_key]} were over in the last 30d, on average."),
        Feature(f"{_key}_ratio", f"This amount against the average of others with {KEYS[_key]} in the last 30d."),
        Feature(f"{_key}_fraud_share", f"Which part of what was paid with {KEYS[_key]} is known as fraud."),
    ]
for _key in _SHARED:
    _MADE.append(Feature(f"{_key}_decline_share", f"Which part of the tries with {KEYS[_key]} failed in the last 24h."))

FEATURES: tuple[Feature, ...] = (
    *(Feature(name, ATTRIBUTES[name].meaning, raising) for name, _, raising in _PLAIN),
    *_MADE,
)
"""All of them, in the order of a vector."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
MEANINGS: Mapping[str, str] = {feature.name: feature.meaning for feature in FEATURES}
RAISING: frozenset[str] = frozenset(feature.name for feature in FEATURES if feature.raising)

ATTRIBUTES_USED: frozenset[str] = frozenset(
    {name for name, _ in _GIVEN}
    | {"amount", "card_funding", "card_country", "ip_country", "shipping_country", "billing_country"}
    | {f"{key}_{measure}_30d" for key in _COMPARED for measure in ("attempts", "amount", "frauds")}
    | {f"{key}_attempts_7d" for key in _COMPARED}
    | {f"{key}_{measure}_24h" for key in _SHARED for measure in ("attempts", "declines")}
)
"""What a vector is made of: these must be read before a payment can be scored."""


def vector(attributes: Attributes) -> NDArray[np.float32]:
    """The features of one payment in the order of ``NAMES``; attributes as ``rules.core.packed`` settles them."""
    get = attributes.get
    row: list[float] = [get(name, absent) for name, absent in _GIVEN]  # type: ignore[misc] - numbers and booleans all
    amount = float(get("amount", 0))
    row += (
        math.log1p(amount),
        1.0 if get("card_funding") == "prepaid" else 0.0,
        _differ(get, "card_country", "ip_country"),
        _differ(get, "card_country", "shipping_country"),
        _differ(get, "card_country", "billing_country"),
        _differ(get, "ip_country", "shipping_country"),
    )
    for attempts_30d, attempts_7d, amount_30d, frauds_30d in _BY_KEY:
        tried = get(attempts_30d, 1)
        others = (get(amount_30d, amount) - amount) / (tried - 1) if tried > 1 else 0.0
        frauds = get(frauds_30d, 0)
        # What was tried in the last week is too young to be known of: it would make every key look honest.
        settled = max(tried - get(attempts_7d, 1), frauds)
        row += (
            others,
            amount / others if others > 0 else 1.0,
            (frauds + _PRIOR_SHARE * _PRIOR_PAYMENTS) / (settled + _PRIOR_PAYMENTS),
        )
    for attempts, declines in _BY_SHARED:
        row.append(get(declines, 0) / max(get(attempts, 1), 1))
    return np.array(row, dtype=np.float32)


_BY_KEY = tuple((f"{k}_attempts_30d", f"{k}_attempts_7d", f"{k}_amount_30d", f"{k}_frauds_30d") for k in _COMPARED)
_BY_SHARED = tuple((f"{k}_attempts_24h", f"{k}_declines_24h") for k in _SHARED)
