"""A shop's payments in time order, with the truth about each: the same plan always gives the same stream."""

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from lockgate.simulator.shoppers.attacks import ATTACKS, Scene
from lockgate.simulator.shoppers.chance import poisson
from lockgate.simulator.shoppers.habits import a_day
from lockgate.simulator.shoppers.payment import Payment, place_of
from lockgate.simulator.shoppers.people import DAY_MS, Serials, population

START_MS = 1_767_225_600_000
"""The first of January 2026, UTC: where a stream begins that nobody told otherwise."""

CAMPAIGNS: Mapping[str, float] = {
    "card_testing": 0.12,
    "rotating_testing": 0.06,
    "slow_drip": 0.08,
    "reshipping": 1.4,
    "takeover": 0.7,
    "bust_out": 0.3,
}
"""How many campaigns of each attack begin on an average day, for a shop of 2,000 shoppers."""

_USUAL_SHOPPERS = 2_000
_EARTH_KM = 6_371.0
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate. ``campaigns`` per day and attack, for this shop whatever its size; an attack that is not named
    does not happen; None takes CAMPAIGNS, scaled to the shop's size. ``openings`` are attacks that certainly begin,
    once each, in the middle of the first day; ``size`` is how many tries those of many cards make there."""

    seed: int
    shoppers: int = _USUAL_SHOPPERS
    days: int = 60
    start_ms: int = START_MS
    campaigns: Mapping[str, float] | None = field(default=None)
    openings: tuple[str, ...] = ()
    size: int | None = None

    def rates(self) -> Mapping[str, float]:
        if self.campaigns is not None:
            return self.campaigns
        return {name: rate * self.shoppers / _USUAL_SHOPPERS for name, rate in CAMPAIGNS.items()}


def stream(plan: Plan) -> Iterator[Payment]:
    """The payments of ``plan`` by time; what a campaign would do after the last day is cut off.

    Raises ValueError for a plan that cannot be.
    """
    unknown = sorted({*plan.rates(), *plan.openings} - set(ATTACKS))
    if unknown:
        raise ValueError(f"no such attack: {unknown[0]}")
    if plan.shoppers < 1 or plan.days < 1 or plan.start_ms % DAY_MS:
        raise ValueError("a plan has shoppers and days, and begins at midnight")
    random, serials = Random(f"shoppers/{plan.seed}"), Serials()  # noqa: S311 - a seeded play, no secret
    shoppers = population(random, plan.shoppers, serials=serials)
    waiting: list[tuple[int, int, Payment]] = []
    travels = _Travels()
    number = 0
    for day in range(plan.days):
        day_ms = plan.start_ms + day * DAY_MS
        today = [payment for shopper in shoppers for payment in a_day(random, shopper, day_ms, serials=serials)]
        for name, rate in plan.rates().items():
            for _ in range(poisson(random, rate)):
                scene = Scene(random, shoppers, serials, day_ms + random.randrange(DAY_MS))
                today += ATTACKS[name](scene)
        for name in plan.openings if day == 0 else ():
            today += ATTACKS[name](Scene(random, shoppers, serials, day_ms + DAY_MS // 2, plan.size))
        for payment in today:
            number += 1
            heapq.heappush(waiting, (payment.at_ms, number, payment))
        while waiting and waiting[0][0] < day_ms + DAY_MS:
            yield travels.of(heapq.heappop(waiting)[2])


def campaign(attack: str, *, seed: int, size: int | None = None, start_ms: int = START_MS) -> list[Payment]:
    """One campaign alone, its tries in time order: for tests of a defence. Raises KeyError for an unknown attack."""
    random, serials = Random(f"campaign/{attack}/{seed}"), Serials()  # noqa: S311 - a seeded play, no secret
    shoppers = population(random, 50, serials=serials)
    travels = _Travels()
    return [travels.of(payment) for payment in ATTACKS[attack](Scene(random, shoppers, serials, start_ms, size))]


class _Travels:
    """Where each card and customer was last, and so how far and how fast she would have come."""

    def __init__(self) -> None:
        self._last: dict[object, tuple[int, str]] = {}

    def of(self, payment: Payment) -> Payment:
        card = self._step(("card", payment.card.serial), payment)
        customer = self._step(("customer", payment.customer), payment) if payment.customer else (None, None)
        return replace(payment, card_distance_km=card[0], card_speed_kmh=card[1], customer_distance_km=customer[0],
                       customer_speed_kmh=customer[1])  # fmt: skip

    def _step(self, who: object, payment: Payment) -> tuple[float | None, float | None]:
        before = self._last.get(who)
        self._last[who] = (payment.at_ms, payment.address.country)
        if before is None:
            return None, None
        distance = distance_km(before[1], payment.address.country)
        hours = max(payment.at_ms - before[0], 60_000) / _HOUR_MS
        return round(distance, 1), round(distance / hours, 1)


def distance_km(one: str, other: str) -> float:
    """Between the middles of two countries, over the great circle (haversine)."""
    (lat1, lon1), (lat2, lon2) = place_of(one), place_of(other)
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half = math.sin((phi2 - phi1) / 2) ** 2 + math.cos(phi1) * math.cos(phi2) * (
        math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * _EARTH_KM * math.asin(math.sqrt(half))
