"""What a payment looks like by which somebody finds out whether a stolen card still works: conditions in our language.

A try is a declined attempt. Raw counts alone would stop a carrier's address or a popular bank's first six digits, for
many honest people stand behind them. So a condition that counts something shared asks for four things at once: many
cards, many declines, that declines are most of what was tried, and that hardly a card is tried twice. An honest shop
declines one payment in twenty; where people mistype and try the same card again, one in two; who tries out cards, nine
in ten. What our own verdicts stopped says nothing of the issuers' answers and is left out of the share; otherwise a
defence that works would switch itself off.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.rules.core.evaluate import Predicate, compiled
from lockgate.gateway.rules.core.parser import parse

_MORE_THAN_HALF, _MOST, _NEARLY_ALL = (3, 5), (3, 4), (9, 10)
# Nobody tries out a card that paid here before: who shares an address or a bank with those who do may go on with it.
_UNPROVEN = "(is_missing(:amount:) or :card_amount_30d: <= :amount:)"


def _tested(
    key: str, window: str, *, cards: int, declines: int, share: tuple[int, int], ips: int = 0, sprayed: bool = True
) -> str:
    """Many cards under one key, and declines at least ``share`` (parts, of so many) of the earlier tries that went out.

    ``sprayed``: hardly a card is tried twice, as those of people who mistype are. ``ips``: and from many addresses,
    a new one at every fourth try at least; who uses fewer is seen by their address.
    """
    parts, of = share
    out = f"(:{key}_attempts_{window}: - :{key}_blocks_{window}:)"
    conditions = [
        _UNPROVEN,
        f":{key}_cards_{window}: >= {cards}",
        f":{key}_declines_{window}: >= {declines}",
        f":{key}_declines_{window}: * {of} >= ({out} - 1) * {parts}",
    ]
    if sprayed:
        conditions.append(f":{key}_cards_{window}: * 4 >= {out} * 3")
    if ips:
        conditions += [f":{key}_ips_{window}: >= {ips}", f":{key}_ips_{window}: * 4 >= {out}"]
    return " and ".join(conditions)


CONDITIONS: Mapping[str, str] = {
    # One card again and again, with other codes and dates.
    "card_tried": ":card_declines_1h: >= 4 or :card_declines_24h: >= 8",
    # Many cards from one address, device or e-mail address, by the minute ...
    "ip_tests_cards": _tested("ip", "1h", cards=5, declines=4, share=_MORE_THAN_HALF),
    "device_tests_cards": _tested("device", "1h", cards=5, declines=4, share=_MORE_THAN_HALF),
    "email_tests_cards": _tested("email", "1h", cards=5, declines=4, share=_MORE_THAN_HALF),
    # ... a few cards in turn, so that none of them is tried too often ...
    "ip_turns_cards": _tested("ip", "1h", cards=3, declines=10, share=_NEARLY_ALL, sprayed=False),
    "device_turns_cards": _tested("device", "1h", cards=3, declines=8, share=_NEARLY_ALL, sprayed=False),
    # ... and slowly, below what an hour shows.
    "ip_drips": _tested("ip", "24h", cards=8, declines=8, share=_MOST),
    "device_drips": _tested("device", "24h", cards=6, declines=6, share=_MOST),
    "ip_drips_for_days": _tested("ip", "7d", cards=12, declines=12, share=_MOST),
    # One bank's cards from many addresses.
    "bin_tested": _tested("bin", "1h", cards=8, declines=12, share=_MOST, ips=6),
    # Slowly: half of it is longer ago than what an hour shows, so that the day after one burst is no block for a bank.
    "bin_drips": (
        f"{_tested('bin', '24h', cards=15, declines=20, share=_MOST, ips=8)}"
        " and :bin_declines_1h: * 2 <= :bin_declines_24h:"
    ),
}
"""Name -> when a payment tries out a card, beyond doubt enough to stop it."""

SUSPICIONS: Mapping[str, str] = {
    "ip_suspect": _tested("ip", "24h", cards=5, declines=5, share=(7, 10)),
    "device_suspect": _tested("device", "24h", cards=4, declines=4, share=(7, 10)),
    "bin_suspect": _tested("bin", "1h", cards=6, declines=7, share=(7, 10), ips=4),
    # A popular bank's digits under attack: honest customers thin out the share, but not to what is usual for them.
    "bin_worse_than_usual": (
        f"{_UNPROVEN} and :bin_declines_1h: >= 15 and :bin_cards_1h: >= 15"
        " and :bin_declines_1h: * :bin_attempts_30d: >= :bin_declines_30d: * :bin_attempts_1h: * 3"
        " and :bin_declines_1h: * 4 >= :bin_attempts_1h: - :bin_blocks_1h:"
    ),
}
"""Name -> when a browser has to do some work before its payment is tried: cheap for one shopper, dear for a thousand
cards, and unlike a block it costs an honest person who stands among them nothing but a moment."""


# An address like a carrier's: many people pay from it, and hardly more is declined than anywhere.
_BUSY = ":ip_attempts_1h: - :ip_blocks_1h: > 20 and :ip_declines_1h: * 10 <= (:ip_attempts_1h: - :ip_blocks_1h:) * 3"


@lru_cache(maxsize=1)
def _busy() -> Predicate:
    return compiled(parse(f"block if {_BUSY}").when)


def is_shared_by_many(attributes: Attributes) -> bool:
    """Whether many honest people seem to stand behind the payment's address."""
    return bool(_busy()(attributes, {}))


def suspicions(attributes: Attributes) -> list[str]:
    """The names of the suspicions that a payment with ``attributes`` falls under."""
    return _that_hold("suspicions", attributes)


def tests(attributes: Attributes) -> list[str]:
    """The names of the conditions under which a payment with ``attributes`` tries out a card."""
    return _that_hold("conditions", attributes)


def _that_hold(of: Literal["suspicions", "conditions"], attributes: Attributes) -> list[str]:
    return [name for name, holds in _compiled(of).items() if holds(attributes, {})]


@lru_cache(maxsize=2)
def _compiled(of: Literal["suspicions", "conditions"]) -> Mapping[str, Predicate]:
    texts = SUSPICIONS if of == "suspicions" else CONDITIONS
    return {name: compiled(parse(f"block if {text}").when) for name, text in texts.items()}
