"""G8: how many tries somebody gets who tries cards out, at a started Lockgate, and how many honest people it costs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lockgate.simulator.shoppers.door import Door
from lockgate.simulator.shoppers.payment import Payment
from lockgate.simulator.shoppers.stream import campaign
from tests.bench.risk.figures import Figure, Options
from tests.gateway.risk.card_tests import one_card, play, retries
from tests.gateway.risk.enforced import open_door, start_enforced
from tests.support.running import discard

PROTOCOL = (
    "simulated campaigns and shoppers (seeded) pay through the API of a started Lockgate in test mode with"
    " risk.enforce_in_test; a try is a decline that the issuer was made to give; the attackers solve every puzzle they"
    " get, the honest none"
)
PUBLISHED = "four checks"
SEED = 2_026


def measure(options: Options) -> list[Figure]:
    """All five of G8."""
    part = 8 if options.quick else 1
    attacks: Sequence[tuple[str, int, list[Payment]]] = (
        ("200 cards from one address", 5, campaign("card_testing", seed=SEED, size=200 // part)),
        ("one card, 50 tries", 5, one_card(50 // min(part, 4), seed=SEED)),
        ("rotating addresses, one BIN", 20, campaign("rotating_testing", seed=SEED, size=200 // part)),
        ("slow drip", 30, campaign("slow_drip", seed=SEED, size=200 // part)),
    )
    figures = []
    with _door() as door:
        normal = play(door, retries(1_000 // (part * 4 if options.quick else 1), seed=SEED), solves=False)
        people = len({one.payment.order for one in normal.played})
        stopped = normal.blocked + normal.puzzled
        for name, goal, payments in attacks:
            outcome = play(door, payments)
            shown = f"{outcome.tries} of {len(outcome.played)}"
            holds = 1 <= outcome.tries <= goal and outcome.blocked > 0
            figures.append(Figure("G8", name, shown, PUBLISHED, f"within {goal} tries", holds, PROTOCOL))
    figures.append(
        Figure("G8", "normal retries stopped", f"{stopped} of {people}", PUBLISHED, "0 of 1,000", not stopped, PROTOCOL)
    )
    return figures


@contextmanager
def _door() -> Iterator[Door]:
    running = start_enforced()
    door = open_door(running)
    try:
        yield door
    finally:
        door.close()
        discard(running)
