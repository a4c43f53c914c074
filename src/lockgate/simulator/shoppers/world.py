"""The world of simulated shoppers: countries, where they lie, when they wake, and what addresses they have."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Country:
    """``share`` of the shop's customers; ``prefixes`` are the first two bytes of consumers' addresses there, each with
    the number of its network; ``offset_h`` is the hour's distance from UTC."""

    code: str
    share: float
    latitude: float
    longitude: float
    offset_h: int
    prefixes: tuple[tuple[str, int], ...]


COUNTRIES = {
    country.code: country
    for country in (
        Country("US", 0.30, 39.8, -98.6, -6, (("73.162", 7922), ("71.190", 701), ("99.7", 7018))),
        Country("GB", 0.14, 54.0, -2.0, 0, (("86.150", 2856), ("90.207", 5607))),
        Country("DE", 0.18, 51.2, 10.4, 1, (("91.12", 3320), ("84.150", 3320), ("178.200", 3209))),
        Country("FR", 0.10, 46.2, 2.2, 1, (("90.40", 3215), ("82.64", 12322))),
        Country("NL", 0.05, 52.1, 5.3, 1, (("84.84", 1136), ("77.248", 33915))),
        Country("IT", 0.04, 41.9, 12.6, 1, (("79.20", 3269),)),
        Country("ES", 0.04, 40.5, -3.7, 1, (("80.28", 3352),)),
        Country("AT", 0.03, 47.5, 14.6, 1, (("62.46", 8447),)),
        Country("CH", 0.03, 46.8, 8.2, 1, (("85.3", 3303),)),
        Country("CA", 0.05, 56.1, -106.3, -5, (("70.26", 577),)),
        Country("AU", 0.03, -25.3, 133.8, 10, (("1.128", 1221),)),
        Country("JP", 0.01, 36.2, 138.3, 9, (("126.72", 17676),)),
        # few customers live here; parcels go here, and addresses to hide behind are rented here
        Country("NG", 0.0, 9.1, 8.7, 1, (("105.112", 36873),)),
        Country("RO", 0.0, 45.9, 25.0, 2, (("86.124", 8708),)),
        Country("VN", 0.0, 14.1, 108.3, 7, (("14.162", 45899),)),
        Country("BR", 0.0, -14.2, -51.9, -3, (("177.32", 28573),)),
        Country("ID", 0.0, -0.8, 113.9, 7, (("36.72", 7713),)),
        Country("UA", 0.0, 48.4, 31.2, 2, (("46.118", 15895),)),
    )
}
HOMES = tuple(code for code, country in COUNTRIES.items() if country.share)
HIDEOUTS = tuple(code for code, country in COUNTRIES.items() if not country.share)
_SHARES = tuple(COUNTRIES[code].share for code in HOMES)
HOSTED = (("3.88", 14618, "US"), ("51.68", 16276, "FR"), ("88.198", 24940, "DE"), ("165.22", 14061, "US"))
"""Rented machines: prefix, network, country. Bots run there, and so do honest people's tunnels."""

MAIL_DOMAINS = ("example.com", "example.net", "example.org")
DISPOSABLE_DOMAINS = ("mailinator.com", "yopmail.com", "guerrillamail.com")
BANKS = 6
"""Ranges of card numbers per country; a simulated range is 99, the country, the bank: no network has numbers there."""


@dataclass(frozen=True, slots=True)
class Address:
    """An internet address, where it is said to be, and its network's number."""

    ip: str
    country: str
    network: int


def a_home(random: Random) -> str:
    return random.choices(HOMES, _SHARES)[0]


def address_in(random: Random, country: str) -> Address:
    """A consumer's address in ``country``."""
    prefix, network = random.choice(COUNTRIES[country].prefixes)
    return Address(f"{prefix}.{random.randrange(256)}.{random.randrange(1, 255)}", country, network)


def hosted_address(random: Random) -> Address:
    """An address of a rented machine."""
    prefix, network, country = random.choice(HOSTED)
    return Address(f"{prefix}.{random.randrange(256)}.{random.randrange(1, 255)}", country, network)


def card_range(country: str, bank: int) -> str:
    """The six digits that cards of this bank begin with."""
    return f"99{list(COUNTRIES).index(country):02d}{bank:02d}"
