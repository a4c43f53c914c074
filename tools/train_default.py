"""Trains the model that Lockgate ships, on our own simulated shop: the same file every time, and a digest to pin.

``python -m tools.train_default`` writes src/lockgate/gateway/scoring/default/model.bin and its digest beside it.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from lockgate.gateway.scoring.core.replay import Paid, table
from lockgate.gateway.scoring.train import Plan, train
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.simulator.shoppers.payment import Payment, facts
from lockgate.simulator.shoppers.stream import Plan as ShopPlan
from lockgate.simulator.shoppers.stream import stream

SEEDS = (1, 2, 3)
DAYS = 60
ORIGIN = (
    "Trained on Lockgate's own simulator of shoppers and fraudsters, on no real payment: it knows the patterns that we"
    " thought of. Train a model on your own history as soon as there is one."
)
DEFAULT = Path(__file__).resolve().parents[1] / "src" / "lockgate" / "gateway" / "scoring" / "default"


def paid(shop: int, payment: Payment) -> Paid:
    """One simulated payment as the history of a shop; shops have nothing in common."""
    visit = payment.visit
    return Paid(
        at_ms=payment.at_ms,
        amount=payment.amount,
        keys=Keys(
            card=_key(shop, "card", payment.card.serial),
            customer=_key(shop, "customer", payment.customer) if payment.customer else None,
            ip=_key(shop, "ip", payment.address.ip),
            device=_key(shop, "device", visit.device) if visit else None,
            email=_key(shop, "email", payment.email),
            bin=_key(shop, "bin", payment.card.range),
        ),
        facts=facts(payment),
        state="approved" if payment.approved else "declined",
        known_ms=payment.known_at_ms if payment.fraud else None,
    )


def history() -> Iterator[Paid]:
    """The shops' payments, merged by time."""
    shops = [[paid(seed, payment) for payment in stream(ShopPlan(seed, days=DAYS))] for seed in SEEDS]
    return iter(sorted((one for shop in shops for one in shop), key=lambda one: one.at_ms))


def _key(shop: int, kind: str, value: object) -> bytes:
    return hashlib.blake2b(f"{shop}/{kind}/{value}".encode(), digest_size=16).digest()


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


def main() -> int:
    data = table(history())
    _tell(f"{len(data)} payments, {int(data.fraud.sum())} known frauds")
    known_until = int(data.at_ms[-1])
    model = train(data, now_ms=known_until, origin=ORIGIN, plan=Plan(), tell=_tell)
    DEFAULT.mkdir(exist_ok=True)
    (DEFAULT / "model.bin").write_bytes(model.file)
    _tell(f"{model.id}, {len(model.file)} bytes: {model.header['metrics']}")
    sys.stdout.write(model.sha256 + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
