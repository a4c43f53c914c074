"""One simulated try to pay, with its truth, and what of it a gateway may see, in the words of the catalogue."""

from dataclasses import dataclass

from lockgate.simulator.shoppers.world import COUNTRIES, DISPOSABLE_DOMAINS, Address

Fact = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Card:
    """A card by a serial number that no other card of the stream has; ``range`` is what its number begins with."""

    serial: int
    range: str
    country: str
    brand: str = "visa"
    funding: str = "credit"


@dataclass(frozen=True, slots=True)
class Visit:
    """What the payment page's collector would report; its absence is None. ``device`` is who the browser is."""

    device: str
    is_device_new: bool
    device_conflicts: int
    is_webdriver: bool
    is_timezone_foreign: bool
    bot_score: float
    form_seconds: float
    is_card_pasted: bool
    is_card_autofilled: bool
    typing_deviation: float | None
    pointer_straightness: float | None


@dataclass(frozen=True, slots=True)
class Payment:
    """One try. ``amount`` is US cents. ``order`` is what several tries of one payment share, ``tries`` how many came
    before. ``kind`` names the habit or the attack; ``decline`` is what the issuer will say, None for yes.
    ``known_at_ms`` is when the shop learns of the fraud: None for what never becomes known."""

    at_ms: int
    order: int
    tries: int
    amount: int
    card: Card
    customer: str | None
    email: str
    address: Address
    visit: Visit | None
    shipping_country: str | None
    billing_country: str | None
    is_setup: bool
    is_off_session: bool
    is_from_browser: bool
    is_card_saved: bool
    has_cvc: bool
    kind: str
    fraud: bool
    decline: str | None
    known_at_ms: int | None
    card_distance_km: float | None = None
    card_speed_kmh: float | None = None
    customer_distance_km: float | None = None
    customer_speed_kmh: float | None = None

    @property
    def approved(self) -> bool:
        return self.decline is None


def facts(payment: Payment) -> dict[str, Fact]:
    """What a gateway knows of this try before its history: names and meanings of the catalogue of attributes.

    What is not known is not there. Velocity, history, engine and score come from elsewhere.
    """
    local, _, domain = payment.email.partition("@")
    seconds = payment.at_ms // 1000
    found: dict[str, Fact | None] = {
        "amount": payment.amount,
        "currency": "usd",
        "is_setup": payment.is_setup,
        "is_off_session": payment.is_off_session,
        "is_from_browser": payment.is_from_browser,
        "hour_of_day": seconds // 3600 % 24,
        "day_of_week": (seconds // 86_400 + 3) % 7 + 1,  # the epoch was a Thursday
        "tries": payment.tries,
        "card_bin": payment.card.range,
        "card_brand": payment.card.brand,
        "card_funding": payment.card.funding,
        "card_country": payment.card.country,
        "is_card_saved": payment.is_card_saved,
        "has_cvc": payment.has_cvc,
        "email_domain": domain,
        "is_email_disposable": domain in DISPOSABLE_DOMAINS,
        "email_digits_share": sum(letter.isdigit() for letter in local) / len(local),
        "shipping_country": payment.shipping_country,
        "billing_country": payment.billing_country,
        "ip_country": payment.address.country,
        "ip_network": payment.address.network,
        "card_distance_km": payment.card_distance_km,
        "card_speed_kmh": payment.card_speed_kmh,
        "customer_distance_km": payment.customer_distance_km,
        "customer_speed_kmh": payment.customer_speed_kmh,
        "has_session": payment.visit is not None,
        **_seen(payment.visit),
    }
    return {name: value for name, value in found.items() if value is not None}


def _seen(visit: Visit | None) -> dict[str, Fact | None]:
    if visit is None:
        return {}
    return {
        name: getattr(visit, name)
        for name in (
            "is_device_new", "device_conflicts", "is_webdriver", "is_timezone_foreign", "bot_score", "form_seconds",
            "is_card_pasted", "is_card_autofilled", "typing_deviation", "pointer_straightness",
        )
    }  # fmt: skip


def place_of(country: str) -> tuple[float, float]:
    """Latitude and longitude of a country's middle, in degrees."""
    return COUNTRIES[country].latitude, COUNTRIES[country].longitude
