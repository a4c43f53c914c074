"""What an honest shopper does on one day: pays as usual, travels, gives, mistypes, and tries again after a decline."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from lockgate.simulator.shoppers.chance import poisson
from lockgate.simulator.shoppers.payment import Payment
from lockgate.simulator.shoppers.people import Serials, Shopper, a_visit, waking_ms
from lockgate.simulator.shoppers.world import HOMES, Address, address_in, hosted_address

_DECLINES = (("insufficient_funds", 0.5), ("generic_decline", 0.35), ("expired_card", 0.15))


def a_day(random: Random, shopper: Shopper, day_ms: int, *, serials: Serials) -> Iterator[Payment]:
    """The payments of ``shopper`` on the day that begins at ``day_ms``, in no order."""
    abroad = random.random() < shopper.travels
    away = address_in(random, random.choice(HOMES)) if abroad else None
    for _ in range(poisson(random, shopper.per_day)):
        yield from _a_purchase(random, shopper, waking_ms(random, shopper, day_ms), away=away, serials=serials)


def _a_purchase(
    random: Random, shopper: Shopper, at_ms: int, *, away: Address | None, serials: Serials
) -> Iterator[Payment]:
    address = away or _where(random, shopper)
    is_gift, is_new_device = random.random() < shopper.gives, random.random() < 0.02
    device = f"{shopper.devices[0]}.{at_ms}" if is_new_device else random.choice(shopper.devices)
    foreign = away is not None or address.country != shopper.country
    visit = a_visit(random, shopper, device=device, is_new=is_new_device, abroad=foreign)
    is_digital = random.random() < 0.2
    is_renewal = shopper.customer is not None and random.random() < 0.08
    is_saved = shopper.customer is not None and random.random() < 0.6
    first = Payment(
        at_ms=at_ms,
        order=serials.next_order(),
        tries=0,
        amount=max(100, round(random.lognormvariate(shopper.amount_log, 0.55))),
        card=shopper.cards[0] if is_renewal or random.random() < 0.75 else random.choice(shopper.cards),
        customer=shopper.customer,
        email=shopper.email,
        address=address,
        visit=None if is_renewal else visit,
        shipping_country=None if is_digital or is_renewal else random.choice(HOMES) if is_gift else shopper.country,
        billing_country=shopper.country if random.random() < 0.9 else None,
        is_setup=not is_renewal and random.random() < 0.02,
        is_off_session=is_renewal,
        is_from_browser=not is_renewal,
        is_card_saved=is_renewal or is_saved,
        has_cvc=not is_renewal and not (is_saved and random.random() < 0.5),
        kind="gift" if is_gift else "travel" if away else "renewal" if is_renewal else "usual",
        fraud=False,
        decline=None,
        known_at_ms=None,
    )
    yield from _until_paid(random, shopper, first)


def _until_paid(random: Random, shopper: Shopper, payment: Payment) -> Iterator[Payment]:
    """The first try and those after a decline: a mistyped code is typed anew, an empty card is put away for another."""
    while True:
        mistyped = payment.has_cvc and not payment.is_card_saved and random.random() < shopper.mistypes
        decline = "incorrect_cvc" if mistyped else _pick(random) if random.random() < 0.03 else None
        yield replace(payment, decline=decline)
        if decline is None or payment.is_off_session or payment.tries >= 3 or random.random() < 0.15:
            return
        others = [card for card in shopper.cards if card != payment.card]
        payment = replace(
            payment,
            at_ms=payment.at_ms + int(random.lognormvariate(3.6, 0.7) * 1000),
            tries=payment.tries + 1,
            kind="retry",
            card=random.choice(others) if others and not mistyped else payment.card,
            is_card_saved=False,
            has_cvc=True,
        )


def _where(random: Random, shopper: Shopper) -> Address:
    if shopper.tunnels:
        return hosted_address(random)
    if shopper.office and random.random() < 0.4:
        return shopper.office
    # a telephone's address: of the country, never the same
    return address_in(random, shopper.country) if random.random() < 0.2 else shopper.home


def _pick(random: Random) -> str:
    return random.choices([code for code, _ in _DECLINES], [weight for _, weight in _DECLINES])[0]
