"""Honest shoppers: who they are, what they own, and the families and offices that share an address."""

from dataclasses import dataclass
from random import Random

from lockgate.simulator.shoppers.payment import Card, Visit
from lockgate.simulator.shoppers.world import (
    BANKS,
    COUNTRIES,
    MAIL_DOMAINS,
    Address,
    a_home,
    address_in,
    card_range,
)

DAY_MS = 86_400_000
_NAMES = (
    "anna", "ben", "carla", "david", "eva", "felix", "greta", "hugo", "ines", "jonas", "kim", "lena", "mia", "noah",
    "olga", "paul", "rosa", "sam", "tara", "uwe", "vera", "will", "yara", "zoe",
)  # fmt: skip
_BRANDS = (("visa", 0.6), ("mastercard", 0.33), ("amex", 0.07))
_FUNDINGS = (("credit", 0.5), ("debit", 0.45), ("prepaid", 0.05))


@dataclass(frozen=True, slots=True)
class Shopper:
    """One honest person and her habits. ``per_day`` payments on an average day; ``amount_log`` is the middle of her
    amounts' logarithm (US cents); ``waking_h`` the local hour she shops around; shares are 0 to 1."""

    id: int
    country: str
    cards: tuple[Card, ...]
    email: str
    customer: str | None
    home: Address
    office: Address | None
    devices: tuple[str, ...]
    per_day: float
    amount_log: float
    waking_h: float
    form_seconds: float
    straightness: float
    is_seen: bool
    autofills: float
    mistypes: float
    gives: float
    travels: float
    tunnels: bool
    returns: float


@dataclass(slots=True)
class Serials:
    """Numbers for cards and orders, never used twice in one stream."""

    card: int = 0
    order: int = 0

    def next_card(self) -> int:
        self.card += 1
        return self.card

    def next_order(self) -> int:
        self.order += 1
        return self.order


def population(random: Random, count: int, *, serials: Serials) -> list[Shopper]:
    """``count`` shoppers in households of one to five, some of them colleagues behind one office's address."""
    found: list[Shopper] = []
    offices: dict[str, Address] = {}
    while len(found) < count:
        country = a_home(random)
        home = address_in(random, country)
        shared = f"d{len(found)}.shared"
        for _ in range(min(random.choices((1, 2, 3, 4, 5), (40, 30, 14, 12, 4))[0], count - len(found))):
            if random.random() < 0.25:
                office = offices.setdefault(f"{country}/{random.randrange(4)}", address_in(random, country))
            else:
                office = None
            found.append(_a_shopper(random, len(found), country=country, home=home, office=office, shared=shared,
                                    serials=serials))  # fmt: skip
    return found


def _a_shopper(
    random: Random, number: int, *, country: str, home: Address, office: Address | None, shared: str,
    serials: Serials,
) -> Shopper:  # fmt: skip
    cards = tuple(a_card(random, country, serials) for _ in range(random.choices((1, 2, 3), (60, 30, 10))[0]))
    devices = [f"d{number}.{index}" for index in range(random.choices((1, 2, 3), (45, 40, 15))[0])]
    if random.random() < 0.3:
        devices.append(shared)
    return Shopper(
        id=number,
        country=country,
        cards=cards,
        email=an_email(random, number),
        customer=f"c{number}" if random.random() < 0.7 else None,
        home=home,
        office=office,
        devices=tuple(devices),
        per_day=min(2.0, random.lognormvariate(-2.2, 0.8)),
        amount_log=random.gauss(8.4, 0.7),
        waking_h=random.choice((9.0, 12.5, 18.0, 20.5)),
        form_seconds=random.lognormvariate(3.6, 0.4),
        straightness=random.uniform(0.45, 0.9),
        is_seen=random.random() < 0.88,
        autofills=random.choice((0.0, 0.2, 0.9)),
        mistypes=random.uniform(0.0, 0.06),
        gives=random.choice((0.0, 0.02, 0.15)),
        travels=random.choice((0.0, 0.0, 0.05, 0.2)),
        tunnels=random.random() < 0.03,
        returns=random.uniform(0.0, 0.12),
    )


def a_card(random: Random, country: str, serials: Serials, *, bank: int | None = None) -> Card:
    """A new card issued in ``country``, of one ``bank`` if given."""
    return Card(
        serials.next_card(),
        card_range(country, random.randrange(BANKS) if bank is None else bank),
        country,
        _pick(random, _BRANDS),
        _pick(random, _FUNDINGS),
    )


def an_email(random: Random, number: int) -> str:
    """An address as people have them: a name, often an initial, sometimes a year."""
    initial = random.choice(("", ".", "_")) + random.choice("abcdefghijklmnopqrstuvwxyz")
    digits = random.choice(("", "", "", str(random.randrange(10, 100)), str(random.randrange(1950, 2010))))
    return f"{random.choice(_NAMES)}{initial}{_letters(number)}{digits}@{random.choice(MAIL_DOMAINS)}"


def a_visit(random: Random, shopper: Shopper, *, device: str, is_new: bool, abroad: bool) -> Visit | None:
    """What the collector sees of an honest person; None where she does not consent or blocks scripts."""
    if not shopper.is_seen or random.random() < 0.03:
        return None
    autofilled = random.random() < shopper.autofills
    return Visit(
        device=device,
        is_device_new=is_new,
        device_conflicts=1 if random.random() < 0.04 else 0,
        is_webdriver=False,
        is_timezone_foreign=abroad and random.random() < 0.8,
        bot_score=round(min(60.0, random.expovariate(1 / 5)), 1),
        form_seconds=round(shopper.form_seconds * random.lognormvariate(0, 0.4) * (0.4 if autofilled else 1.0), 2),
        is_card_pasted=not autofilled and random.random() < 0.05,
        is_card_autofilled=autofilled,
        typing_deviation=None if autofilled or shopper.customer is None else round(random.lognormvariate(0, 0.35), 3),
        pointer_straightness=None if random.random() < 0.4 else round(
            min(1.0, max(0.1, random.gauss(shopper.straightness, 0.08))), 3
        ),
    )  # fmt: skip


def waking_ms(random: Random, shopper: Shopper, day_ms: int) -> int:
    """A moment of the day that begins at ``day_ms`` (UTC) at which she is awake."""
    hour = min(23.9, max(0.1, random.gauss(shopper.waking_h, 2.8)))
    local = (hour - COUNTRIES[shopper.country].offset_h) % 24
    return day_ms + int(local * 3_600_000)


def _pick(random: Random, weighted: tuple[tuple[str, float], ...]) -> str:
    return random.choices([name for name, _ in weighted], [weight for _, weight in weighted])[0]


def _letters(number: int) -> str:
    found = ""
    while True:
        number, rest = divmod(number, 26)
        found = chr(97 + rest) + found
        if not number:
            return found
