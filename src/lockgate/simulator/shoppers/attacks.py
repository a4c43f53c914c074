"""The six attacks: each is one campaign, a list of tries in time order, with stolen cards or in others' accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from lockgate.simulator.shoppers.habits import a_day
from lockgate.simulator.shoppers.payment import Payment, Visit
from lockgate.simulator.shoppers.people import DAY_MS, Serials, Shopper, a_card, an_email
from lockgate.simulator.shoppers.world import (
    BANKS,
    DISPOSABLE_DOMAINS,
    HIDEOUTS,
    HOMES,
    Address,
    a_home,
    address_in,
    hosted_address,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a campaign works with. ``size`` is how many tries one of many cards makes; None leaves it to chance."""

    random: Random
    shoppers: list[Shopper]
    serials: Serials
    at_ms: int
    size: int | None = None


def card_testing(scene: Scene) -> list[Payment]:
    """Many cards from one address, seconds apart, by a program: which of them still work?"""
    random = scene.random
    address = hosted_address(random) if random.random() < 0.6 else address_in(random, random.choice(HIDEOUTS))
    banks = [(a_home(random), random.randrange(BANKS)) for _ in range(random.randrange(1, 9))]
    pace = random.uniform(1.0, 15.0)
    return _tests(scene, size=scene.size or random.randrange(30, 220), kind="card_testing", pace_s=pace,
                  banks=banks, addresses=[address])  # fmt: skip


def rotating_testing(scene: Scene) -> list[Payment]:
    """Numbers of one bank's range, counted through, each try from another address."""
    random = scene.random
    size = scene.size or random.randrange(40, 260)
    addresses = [
        hosted_address(random) if random.random() < 0.3 else address_in(random, random.choice(HOMES + HIDEOUTS))
        for _ in range(size)
    ]
    bank = (a_home(random), random.randrange(BANKS))
    return _tests(scene, size=size, kind="rotating_testing", pace_s=random.uniform(3.0, 40.0), banks=[bank],
                  addresses=addresses)  # fmt: skip


def slow_drip(scene: Scene) -> list[Payment]:
    """A card every few minutes, for a day or two, from one or two addresses: below what is counted by the minute."""
    random = scene.random
    addresses = [address_in(random, random.choice(HOMES + HIDEOUTS)) for _ in range(random.choice((1, 1, 2)))]
    banks = [(a_home(random), random.randrange(BANKS)) for _ in range(random.randrange(1, 4))]
    return _tests(scene, size=scene.size or random.randrange(25, 110), kind="slow_drip",
                  pace_s=random.uniform(240, 1_500), banks=banks, addresses=addresses)  # fmt: skip


def reshipping(scene: Scene) -> list[Payment]:
    """A stolen card with all its data: dear goods, sent to somebody who sends them on."""
    random = scene.random
    card = a_card(random, a_home(random), scene.serials)
    where = random.random()
    address = (
        hosted_address(random) if where < 0.35
        else address_in(random, card.country) if where < 0.6
        else address_in(random, random.choice(HIDEOUTS))
    )  # fmt: skip
    drop = random.choice(HIDEOUTS) if random.random() < 0.55 else random.choice(HOMES)
    email = _made_up_email(random, scene.serials)
    device = f"f{scene.serials.next_order()}"
    customer = f"x{scene.serials.next_order()}" if random.random() < 0.3 else None
    at_ms, found = scene.at_ms, []
    is_seen = random.random() < 0.8
    for number in range(random.choices((1, 2, 3, 4), (35, 35, 20, 10))[0]):
        payment = Payment(
            at_ms=at_ms, order=scene.serials.next_order(), tries=0, amount=_dear(random), card=card,
            customer=customer, email=email, address=address,
            visit=_a_thief(random, device, is_new=number == 0, foreign=address.country != card.country)
            if is_seen else None,
            shipping_country=drop, billing_country=card.country if random.random() < 0.7 else None, is_setup=False,
            is_off_session=False, is_from_browser=True, is_card_saved=False, has_cvc=True, kind="reshipping",
            fraud=True, decline=_stolen_decline(random, number), known_at_ms=None,
        )  # fmt: skip
        found.append(_learned(random, payment, likely=0.9))
        at_ms += int(random.expovariate(1 / 3_000) * 1000) + 20_000
    return found


def takeover(scene: Scene) -> list[Payment]:
    """Somebody else in a shopper's account, with the card that is saved there, on a device never seen."""
    random = scene.random
    victims = [shopper for shopper in scene.shoppers if shopper.customer]
    victim = random.choice(victims)
    address = (
        hosted_address(random) if random.random() < 0.4
        else address_in(random, random.choice(HIDEOUTS) if random.random() < 0.6 else victim.country)
    )  # fmt: skip
    device, at_ms, found = f"f{scene.serials.next_order()}", scene.at_ms, []
    is_seen = random.random() < 0.8
    for number in range(random.choice((1, 2, 2, 3))):
        visit = _a_thief(random, device, is_new=number == 0, foreign=address.country != victim.country)
        payment = Payment(
            at_ms=at_ms, order=scene.serials.next_order(), tries=0, amount=_dear(random), card=victim.cards[0],
            customer=victim.customer, email=victim.email, address=address,
            visit=replace(visit, typing_deviation=round(random.lognormvariate(0.9, 0.4), 3)) if is_seen else None,
            shipping_country=random.choice(HIDEOUTS) if random.random() < 0.5 else victim.country,
            billing_country=victim.country, is_setup=False, is_off_session=False, is_from_browser=True,
            is_card_saved=True, has_cvc=False, kind="takeover", fraud=True, decline=_stolen_decline(random, number),
            known_at_ms=None,
        )  # fmt: skip
        found.append(_learned(random, payment, likely=0.95))
        at_ms += int(random.expovariate(1 / 1_800) * 1000) + 15_000
    return found


def bust_out(scene: Scene) -> list[Payment]:
    """An account that behaves for weeks, then buys as much as it can in two days and denies it all."""
    random = scene.random
    model = random.choice(scene.shoppers)
    number = scene.serials.next_order()
    patient = replace(
        model, id=-number, customer=f"b{number}", email=an_email(random, number),
        home=address_in(random, model.country), office=None, devices=(f"f{number}",), per_day=0.25, amount_log=7.8,
        cards=(a_card(random, model.country, scene.serials),), travels=0.0, gives=0.0, tunnels=False,
    )  # fmt: skip
    found, days = [], random.randrange(18, 40)
    for day in range(days):
        found += a_day(random, patient, scene.at_ms - scene.at_ms % DAY_MS + day * DAY_MS, serials=scene.serials)
    end = replace(patient, per_day=3.0, amount_log=10.4)
    burst: list[Payment] = []
    for day in range(days, days + 2):
        burst += a_day(random, end, scene.at_ms - scene.at_ms % DAY_MS + day * DAY_MS, serials=scene.serials)
    burst = [replace(payment, kind="bust_out", fraud=True, known_at_ms=None) for payment in burst]
    found = [replace(payment, kind="usual") for payment in found if payment.at_ms >= scene.at_ms]
    return sorted([*found, *(_learned(random, payment, likely=0.97, days=30.0) for payment in burst)],
                  key=lambda payment: payment.at_ms)  # fmt: skip


ATTACKS: Mapping[str, Callable[[Scene], list[Payment]]] = {
    "card_testing": card_testing,
    "rotating_testing": rotating_testing,
    "slow_drip": slow_drip,
    "reshipping": reshipping,
    "takeover": takeover,
    "bust_out": bust_out,
}
"""Every attack by its name."""

TESTING = ("card_testing", "rotating_testing", "slow_drip")
"""Those that try cards out."""


def _tests(
    scene: Scene, *, size: int, kind: str, pace_s: float, banks: list[tuple[str, int]], addresses: list[Address]
) -> list[Payment]:
    random = scene.random
    is_shown, steered = random.random() < 0.5, random.random() < 0.5
    one_device, one_order = random.random() < 0.5, random.random() < 0.3
    setups, works = random.random() < 0.2, random.uniform(0.02, 0.12)
    device, order, tries = f"f{scene.serials.next_order()}", scene.serials.next_order(), 0
    at_ms, found = scene.at_ms, []
    amount = random.choice((100, 100, 199, 500, 999))
    for number in range(size):
        country, bank = random.choice(banks)
        if not (one_order and tries and found[-1].decline is not None and random.random() < 0.8):
            order, tries = scene.serials.next_order(), 0
        if not one_device:
            device = f"f{order}"
        payment = Payment(
            at_ms=at_ms, order=order, tries=tries, amount=amount if random.random() < 0.8 else amount + number,
            card=a_card(random, country, scene.serials, bank=bank), customer=None,
            email=_made_up_email(random, scene.serials), address=addresses[number % len(addresses)],
            visit=_a_bot(random, device, is_new=not one_device or number == 0, steered=steered) if is_shown else None,
            shipping_country=None, billing_country=None, is_setup=setups, is_off_session=False, is_from_browser=True,
            is_card_saved=False, has_cvc=random.random() < 0.6, kind=kind, fraud=True,
            decline=None if random.random() < works else random.choice(("generic_decline", "incorrect_cvc",
                                                                         "stolen_card", "expired_card")),
            known_at_ms=None,
        )  # fmt: skip
        found.append(_learned(random, payment, likely=0.6))
        tries += 1
        at_ms += int(random.expovariate(1 / pace_s) * 1000) + 300
    return found


def _a_bot(random: Random, device: str, *, is_new: bool, steered: bool) -> Visit:
    """A program in a real browser: ``steered`` ones say so, the others hide it more or less well."""
    return Visit(
        device=device,
        is_device_new=is_new,
        device_conflicts=random.choices((0, 1, 2, 3), (30, 30, 25, 15))[0],
        is_webdriver=steered,
        is_timezone_foreign=random.random() < 0.5,
        bot_score=round(min(100.0, max(0.0, random.gauss(88 if steered else 55, 18))), 1),
        form_seconds=round(random.lognormvariate(0.9, 0.7), 2),
        is_card_pasted=random.random() < 0.7,
        is_card_autofilled=False,
        typing_deviation=None,
        pointer_straightness=None if random.random() < 0.6 else round(random.uniform(0.9, 1.0), 3),
    )


def _a_thief(random: Random, device: str, *, is_new: bool, foreign: bool) -> Visit:
    """A person who reads the card's data off a list."""
    return Visit(
        device=device,
        is_device_new=is_new,
        device_conflicts=random.choices((0, 1, 2), (60, 28, 12))[0],
        is_webdriver=False,
        is_timezone_foreign=random.random() < (0.75 if foreign else 0.15),
        bot_score=round(min(80.0, random.expovariate(1 / 10)), 1),
        form_seconds=round(random.lognormvariate(3.9, 0.6), 2),
        is_card_pasted=random.random() < 0.6,
        is_card_autofilled=False,
        typing_deviation=None,
        pointer_straightness=None if random.random() < 0.4 else round(min(1.0, random.gauss(0.68, 0.14)), 3),
    )


def _learned(random: Random, payment: Payment, *, likely: float, days: float = 10.0) -> Payment:
    """The payment with the moment its fraud is reported: only what went through is ever missed by anybody."""
    if payment.decline is not None or random.random() > likely:
        return payment
    late = min(90.0, random.lognormvariate(0, 0.7) * days)
    return replace(payment, known_at_ms=payment.at_ms + int(max(0.5, late) * DAY_MS))


def _stolen_decline(random: Random, number: int) -> str | None:
    return random.choice(("insufficient_funds", "stolen_card", "generic_decline")) if (
        random.random() < 0.2 + 0.15 * number
    ) else None  # fmt: skip


def _dear(random: Random) -> int:
    return min(250_000, max(2_000, round(random.lognormvariate(10.0, 0.75))))


def _made_up_email(random: Random, serials: Serials) -> str:
    number = serials.next_order()
    if random.random() < 0.45:
        return an_email(random, number)
    local = "".join(random.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(random.randrange(4, 9)))
    domain = random.choice(DISPOSABLE_DOMAINS) if random.random() < 0.35 else "example.com"
    return f"{local}{random.randrange(100, 10**6)}@{domain}"
