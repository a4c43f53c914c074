"""Plays that try cards out, and honest ones, at a started Lockgate; and what the issuer saw of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from lockgate.simulator.shoppers.door import Door
from lockgate.simulator.shoppers.drive import Play, Played
from lockgate.simulator.shoppers.payment import Payment
from lockgate.simulator.shoppers.stream import Plan, campaign, stream

PAUSE_S = 8 * 86_400
"""Longer than any window that a condition looks at."""

LATE = "late"
"""Instead of a verdict, where the machine was too busy to judge within the deadline: held for a person, not stopped."""

_serials = count(0, 2_500)


@dataclass(frozen=True)
class Outcome:
    """``played`` with the verdict on each that was judged, None on those that were not."""

    played: Sequence[Played]
    verdicts: Sequence[str | None]

    @property
    def tries(self) -> int:
        """How many declines the issuer itself was made to give."""
        return sum(one.result == "declined" and verdict not in ("block", LATE) for one, verdict in self._both)

    @property
    def blocked(self) -> int:
        return sum(verdict == "block" for verdict in self.verdicts)

    @property
    def is_stopped(self) -> bool:
        """Whether something was blocked, and everything after it."""
        after = self.verdicts[self.verdicts.index("block") :] if "block" in self.verdicts else ["allow"]
        return set(after) <= {"block", LATE, None}

    @property
    def puzzled(self) -> int:
        """How many were asked for work, whether they did it or not."""
        return sum(one.puzzles > 0 or one.result == "puzzled" for one in self.played)

    @property
    def _both(self) -> Iterable[tuple[Played, str | None]]:
        return zip(self.played, self.verdicts, strict=True)

    def first(self, verdict: str) -> Played:
        """The first declined try with this verdict."""
        return next(one for one, said in self._both if said == verdict and one.result == "declined")


def play(door: Door, payments: Iterable[Payment], *, solves: bool = True) -> Outcome:
    """Play ``payments`` with cards that no play before had, after all windows of those before have closed."""
    door.server("/v1/test_helpers/clock/advance", {"seconds": PAUSE_S})
    performed = Play(door, serials=next(_serials), solves=solves)
    played: list[Played] = []
    performed.run(payments, played.append)
    left = verdicts_of(door, {one.intent for one in played})
    return Outcome(
        played, [left[one.intent].pop() if one.result not in ("puzzled", "capped") else None for one in played]
    )


def one_card(size: int, *, seed: int) -> list[Payment]:
    """One stolen number with one code after the other, each try from another address."""
    tries = campaign("rotating_testing", seed=seed, size=size)
    return [replace(one, card=tries[0].card, decline="incorrect_cvc", known_at_ms=None) for one in tries]


def retries(orders: int, *, seed: int) -> list[Payment]:
    """Payments of honest shoppers that were declined at first, with all their tries: ``orders`` of them."""
    kept: dict[int, list[Payment]] = {}
    again = 0
    for payment in stream(Plan(seed, shoppers=1_000, days=400, campaigns={})):
        kept.setdefault(payment.order, []).append(payment)
        again += payment.tries == 1
        if again > orders:
            break
    found = [tries for tries in kept.values() if len(tries) > 1][:orders]
    return sorted((payment for tries in found for payment in tries), key=lambda payment: payment.at_ms)


def verdicts_of(door: Door, intents: set[str]) -> dict[str, list[str]]:
    """What was decided of each intent's tries, the last first."""
    found: dict[str, list[str]] = {intent: [] for intent in intents}
    after = ""
    while True:
        page = door.server(f"/v1/risk/decisions?limit=100{after}", method="GET").body
        for decision in page["data"]:
            if decision["payment_intent"] in found:
                late = decision["rule"] == "builtin.degraded"
                found[decision["payment_intent"]].append(LATE if late else decision["verdict"])
        if not page["has_more"] or not any(one["payment_intent"] in found for one in page["data"]):
            return found
        after = f"&starting_after={page['data'][-1]['id']}"
