"""What a payment itself, its card, its payer and their place say, as attributes of the catalogue. Pure.

What is not known is left out: a card whose country no table knows has no ``card_country``, and a currency without a
rate leaves the payment without ``amount``, so that every limit in money fails closed (``review``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.geography.core import domains
from lockgate.gateway.geography.core.bins import NOTHING
from lockgate.gateway.geography.core.known import Known
from lockgate.gateway.identity.core.earth import apart_km, speed_km_h
from lockgate.gateway.identity.core.place import Place
from lockgate.gateway.risk.core.subject import Card, Subject
from lockgate.gateway.rules.core.catalogue import Value

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S
_FIRST_WEEKDAY = 3  # the epoch began on a Thursday, the fourth day of its week
UNKNOWN = "unknown"
_COARSE_KM = 8  # the middle of a square of a tenth of a degree is not further than that from its corners


def facts(subject: Subject, *, place: Place, known: Known) -> dict[str, Value]:
    """The attributes of the sources payment, card, person and place, without the distances (see `travel`)."""
    found: dict[str, Value | None] = {
        "amount": known.rates.to_usd_cents(subject.amount, subject.currency),
        "currency": subject.currency,
        "is_setup": subject.setup,
        "is_off_session": subject.off_session,
        "is_from_browser": subject.is_from_browser,
        "hour_of_day": subject.now // _HOUR_S % 24,
        "day_of_week": (subject.now // _DAY_S + _FIRST_WEEKDAY) % 7 + 1,
        "tries": subject.tries,
        "shipping_country": _country(subject.shipping_country),
        "billing_country": _country(subject.billing_country),
        "ip_country": place.country,
        "ip_network": place.network,
    }
    if subject.card is not None:
        found |= _of_card(subject.card, known)
    if subject.customer is not None:
        found["customer_made_h"] = round(max(0, subject.now - subject.customer.created) / _HOUR_S, 2)
    if subject.email is not None:
        found |= _of_email(subject.email, known)
    return {name: value for name, value in found.items() if value is not None}


def listed(subject: Subject, attributes: Mapping[str, Value], *, device: str | None = None) -> dict[str, str]:
    """Every value of the payment that may stand in a value list, by its attribute; those that may stand nowhere else
    with them. ``device`` is the merchant's keyed hash of it."""
    values = {name: value for name, value in attributes.items() if isinstance(value, str)}
    alone = {
        "card_fingerprint": subject.card.fingerprint if subject.card else None,
        "customer": subject.customer.id if subject.customer else None,
        "email": subject.email,
        "ip_address": subject.address,
        "device": device,
    }
    return values | {name: value for name, value in alone.items() if value}


def coarse(place: Place) -> tuple[float, float, float] | None:
    """What is kept of a place with an event: a tenth of a degree (11 km) exact, and how far that may be off."""
    if place.latitude is None or place.longitude is None:
        return None
    return round(place.latitude, 1), round(place.longitude, 1), float(max(place.radius_km, _COARSE_KM))


def travel(place: Place, now_ms: int, last: Sequence[Any]) -> dict[str, Value]:
    """How far, and how fast, from where the card and the customer were last: ``last`` is place and time of each.

    What either place may be off by is taken from the distance: it is never overstated.
    """
    found: dict[str, Value] = {}
    here = coarse(place)
    for name, there, at_ms in (("card", *last[0:2]), ("customer", *last[2:4])):
        distance = None if here is None or there is None else apart_km(_place(there), _place(here))
        if distance is not None:
            found[f"{name}_distance_km"] = round(distance)
            found[f"{name}_speed_kmh"] = round(speed_km_h(distance, abs(now_ms - at_ms)))
    return found


def _place(kept: Sequence[float]) -> Place:
    latitude, longitude, radius_km = kept
    return Place(None, latitude, longitude, int(radius_km))


def _of_card(card: Card, known: Known) -> dict[str, Value | None]:
    """Published test cards are what their table says; other cards what the table of card ranges says of them."""
    issued = NOTHING if card.test is not None else known.bins.of(card.bin)
    return {
        "card_bin": card.bin,
        "card_brand": _said(card.brand),
        "card_funding": issued.funding or _said(card.funding),
        "card_country": issued.country or _country(card.country),
        "card_issuer": issued.issuer,
        "is_card_saved": card.saved,
        "has_cvc": card.has_cvc,
    }


def _of_email(email: str, known: Known) -> dict[str, Value | None]:
    name, at, domain = email.strip().lower().rpartition("@")
    if not at or not name or not domain:
        return {}
    return {
        "email_domain": domain,
        "is_email_disposable": domains.is_disposable(known.domains, domain),
        "email_digits_share": round(sum(letter in "0123456789" for letter in name) / len(name), 3),
    }


def _country(given: str | None) -> str | None:
    said = _said(given)
    return None if said is None else said.upper()


def _said(given: str | None) -> str | None:
    return None if given is None or given in {"", UNKNOWN} else given
