"""Has a browser work before its payment is tried, where what it does looks like trying out cards."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field

from lockgate.gateway.risk import store_puzzles
from lockgate.gateway.risk.core import puzzle, testing
from lockgate.gateway.risk.core.keyed import counted_address
from lockgate.gateway.risk.core.puzzle import Puzzle
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.ports import Box
from lockgate.gateway.risk.seats import Seats
from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.velocity.core.keys import Keys, index_name
from lockgate.gateway.velocity.find import history
from lockgate.kernel import clock
from lockgate.kernel.ids import random_token
from lockgate.kernel.operations import Call


@dataclass(frozen=True, slots=True)
class Defence:
    """What asking and checking needs: ``key`` signs puzzles. ``enforce_in_test``: they are asked in test mode too."""

    pool: Pool
    box: Box
    key: bytes = field(repr=False)
    enforce_in_test: bool = False
    seats: Seats = field(default_factory=Seats, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is to work for what. ``about`` as a Puzzle has it; ``request`` is this request's own id; ``solution`` is
    what the browser sent along."""

    account: str
    livemode: bool
    about: str
    request: str
    solution: str | None


async def demand(defence: Defence, asked: Asked, *, hard: bool = False) -> None:
    """Return if ``asked`` comes with a solved puzzle that was asked for just this, and was never used; else refuse.

    The refusal holds a puzzle. A solution is used up by the request that brings it, whatever becomes of that, but
    one request may be judged more than once.
    """
    now = clock.now()
    if asked.solution is not None:
        solved = puzzle.solved(defence.key, asked.solution, now=now)
        mine = (asked.account, asked.livemode, asked.about)
        fits = solved is not None and solved[:3] == mine and (not hard or solved.bits >= puzzle.HARD_BITS)
        if solved is not None and fits and await store_puzzles.use(defence.pool, solved, request=asked.request):
            return
    bits = puzzle.HARD_BITS if hard else puzzle.BITS
    fresh = Puzzle(asked.account, asked.livemode, asked.about, random_token(16), bits, now + puzzle.LIFE_S)
    raise puzzle.refusal(defence.key, fresh)


async def seat(defence: Defence, subject: Subject) -> int:
    """Wait until few enough tries of a browser's address and card are under way; returns for how many milliseconds.

    Comes before anything is counted: what ended meanwhile is to be seen.
    """
    if not subject.is_from_browser:
        return 0
    began = clock.monotonic()
    await defence.seats.take(_names(subject).values())
    return math.ceil((clock.monotonic() - began) * 1000)


def _names(subject: Subject) -> dict[str, Hashable]:
    place = (subject.account, subject.livemode)
    address = counted_address(subject.address) if subject.address else None
    found: dict[str, Hashable] = {"ip": (*place, "ip", address)} if address else {}
    if subject.card is not None:
        found["card"] = (*place, "card", subject.card.fingerprint)
    return found


async def before_a_try(defence: Defence, subject: Subject, attributes: Attributes) -> None:
    """Refuse a browser that has to work first; ``attributes`` are what is known of the attempt by now."""
    if not subject.is_from_browser:
        return
    found = testing.suspicions(attributes)
    if testing.is_shared_by_many(attributes) and "ip" in (names := _names(subject)):
        defence.seats.trust(names["ip"])
    if found:
        asked = Asked(
            account=subject.account,
            livemode=subject.livemode,
            about=subject.intent or subject.attempt,
            request=subject.request or subject.attempt,
            solution=subject.puzzle,
        )
        await demand(defence, asked, hard=len(found) > 1)


async def before_a_card(defence: Defence, call: Call) -> None:
    """Refuse a browser that gives a card to keep, when its address is one from which cards are tried out."""
    who = call.principal
    if who.sees_secrets or not (who.livemode or defence.enforce_in_test):
        return
    address = counted_address(who.address)
    if address is None:
        return
    attributes = await history(
        defence.pool,
        account=who.account,
        livemode=who.livemode,
        keys=Keys(ip=await defence.box.blind_index(who.account, index_name("ip"), address)),
        amount=0,
        now_ms=clock.now_ms() + call.ahead_s * 1000,
    )
    if testing.suspicions(attributes) or testing.tests(attributes):
        asked = Asked(
            account=who.account,
            livemode=who.livemode,
            about=call.operation.name,
            request=call.request_id,
            solution=call.puzzle,
        )
        await demand(defence, asked, hard=True)
