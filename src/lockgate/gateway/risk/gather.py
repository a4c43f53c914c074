"""Reads everything that a verdict rests on, in the order in which one thing is needed for the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lockgate.gateway.geography.core.known import Known
from lockgate.gateway.geography.tables import Tables
from lockgate.gateway.identity.core.place import UNKNOWN, Place
from lockgate.gateway.identity.remembered import Remembered
from lockgate.gateway.risk.core.armed import Armed
from lockgate.gateway.risk.core.facts import facts, listed, travel
from lockgate.gateway.risk.core.gathered import Gathered
from lockgate.gateway.risk.core.keyed import keyed
from lockgate.gateway.risk.find_history import history
from lockgate.gateway.risk.find_settings import Kept
from lockgate.gateway.risk.memberships import Lists
from lockgate.gateway.rules.active import Active
from lockgate.gateway.rules.core.catalogue import Value
from lockgate.gateway.signals import find as find_signals
from lockgate.gateway.signals.core import judge as signals
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.gateway.velocity.core.keys import Keys, index_name


class Places(Protocol):
    """Where addresses are."""

    def of(self, address: str) -> Place: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where everything is read. ``settings`` are the accounts' own, by account and mode."""

    pool: Pool
    box: PersonalBox
    lists: Lists
    settings: Remembered[tuple[str, bool], Kept]
    active: Active
    tables: Tables
    places: Places
    armed: dict[tuple[str, bool], Armed] = field(default_factory=dict)


_MOST_ARMED = 1_000


async def gather(sources: Sources, seen: Gathered, *, enforced: bool) -> None:
    """Fill ``seen``. Whatever this raises, what was read before it stands there."""
    subject = seen.subject
    place = (subject.account, subject.livemode)
    kept = await sources.settings.get(place)
    merchant = await sources.active.of(*place)
    seen.armed = _armed(sources, place, kept, merchant, enforced=enforced)
    seen.stage = "tables"
    known = await sources.tables.now()
    address = await _session(sources, seen)
    seen.stage = "facts"
    seen.place = sources.places.of(address) if address else UNKNOWN
    seen.attributes = facts(subject, place=seen.place, known=known)
    if subject.session is not None or seen.session is not None:
        seen.attributes |= _signals(seen, known)
    else:
        seen.attributes["has_session"] = False
    seen.stage = "keys"
    device = seen.session.device if seen.session is not None else None
    values = listed(subject, seen.attributes, device=device.hex() if device else None)
    if address:
        values["ip_address"] = address
    seen.keys = await _keys(sources, subject.account, values)
    await _history(sources, seen, values)


async def salvage(sources: Sources, seen: Gathered) -> None:
    """What a payment is counted by, and for how much, where reading it failed before that: it counts all the same."""
    subject = seen.subject
    card = {"card_bin": subject.card.bin} if subject.card is not None and subject.card.bin else {}
    seen.keys = await _keys(sources, subject.account, card | listed(subject, seen.attributes))
    if "amount" not in seen.attributes:
        amount = sources.tables.last.rates.to_usd_cents(subject.amount, subject.currency)
        seen.attributes |= {} if amount is None else {"amount": amount}


def _armed(sources: Sources, place: tuple[str, bool], kept: Kept, merchant: Any, *, enforced: bool) -> Armed:
    found = sources.armed.get(place)
    if found is None or not found.serves(merchant, version=kept.version):
        if len(sources.armed) >= _MOST_ARMED:
            sources.armed.clear()
        found = sources.armed[place] = Armed(kept.settings, merchant, version=kept.version, enforced=enforced)
    return found


async def _session(sources: Sources, seen: Gathered) -> str | None:
    """Read the radar session that the payment names; the shopper's address, by the payment or else by it."""
    subject = seen.subject
    seen.stage = "session"
    if subject.session is not None:
        seen.session = await find_signals.session(
            sources.pool, sources.box, subject, subject.session,
            now=subject.now, customer=subject.customer.id if subject.customer else None,
        )  # fmt: skip
    if subject.address is None and seen.session is not None and seen.session.address:
        seen.from_session = True
        return seen.session.address
    return subject.address


def _signals(seen: Gathered, known: Known) -> dict[str, Value]:
    country = seen.place.country
    return signals.attributes(seen.session, is_foreign=lambda zone: known.zones.is_foreign(zone, country))


async def _keys(sources: Sources, account: str, values: Mapping[str, str]) -> Keys:
    """The keyed hashes of what the payment is counted by."""
    present = keyed(values)
    names = [(index_name(kind), value) for kind, value in present.items()]
    return Keys(**dict(zip(present, await sources.box.blind_indexes(account, names), strict=True)))


async def _history(sources: Sources, seen: Gathered, values: Mapping[str, str]) -> None:
    """What the payment's keys were used for before, in which lists its values stand, and where they were last."""
    subject = seen.subject
    whose = {"account": subject.account, "livemode": subject.livemode}
    amount = seen.attributes.get("amount", 0)
    assert isinstance(amount, int), "an amount is in whole cents"
    asked = await sources.lists.ask(**whose, values=values)
    seen.stage = "history"
    past = await history(
        sources.pool, **whose, keys=seen.keys, amount=amount, now_ms=subject.now_ms,
        hashes=asked.hashes if asked.holds.item_types else None,
    )  # fmt: skip
    seen.attributes |= past.counted
    seen.attributes |= travel(seen.place, subject.now_ms, past.last)
    seen.stage = "lists"
    found = sources.lists.read(asked, past.lists)
    if found is None:  # a list of another type, or a range, was made a moment ago
        asked, found = await sources.lists.find(sources.pool, **whose, values=values)
    seen.lists = found
    for hash_, names in asked.meant.items():
        for name in names:
            seen.hashes.setdefault(name, []).append(hash_.hex())
