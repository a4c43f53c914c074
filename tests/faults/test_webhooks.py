"""What a receiver gets is signed so that the libraries merchants use accept it, and nothing altered or old."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import stripe

from lockgate.gateway.webhooks.core import sign
from tests.faults.merchant import merchant_of
from tests.faults.receiver import Delivery, receiving
from tests.support.running import Running

NODE = Path(__file__).parents[1] / "sdk" / "node"
TOLERANCE_S = 300


@dataclass(frozen=True)
class Received:
    """One endpoint's secret and what came to it."""

    secret: str
    deliveries: list[Delivery]

    @property
    def altered(self) -> Delivery:
        first = self.deliveries[0]
        return Delivery(first.body.replace(b'"amount":', b'"amount": 1'), first.headers)

    @property
    def old(self) -> Delivery:
        """Truly signed with the secret, but a second beyond what receivers tolerate."""
        first = self.deliveries[0]
        stamp = int(time.time()) - TOLERANCE_S - 1
        signed = sign.headers(first.id, first.body, timestamp=stamp, secrets=[self.secret])
        return Delivery(first.body, {**first.headers, **{name.lower(): value for name, value in signed.items()}})


async def receive(running: Running) -> Received:
    async with receiving() as receiver, merchant_of(running) as merchant:
        made = await merchant.post("webhook_endpoints", url=receiver.url, **{"enabled_events[0]": "*"})
        assert made.status == 200, made.body
        intent = await merchant.captured(3_100)
        await merchant.post("refunds", payment_intent=intent, amount=100)
        wanted = {"payment_intent.created", "payment_intent.succeeded", "charge.succeeded", "charge.refunded"}
        async with asyncio.timeout(20):
            while not wanted <= {json.loads(one.body)["type"] for one in receiver.deliveries}:
                await asyncio.sleep(0.1)
        await merchant.post(f"webhook_endpoints/{made.json['id']}", disabled="true")
    return Received(made.json["secret"], receiver.deliveries)


@pytest.fixture(scope="module")
def received(running: Running) -> Iterator[Received]:
    yield asyncio.run(receive(running))


def test_stripe_python_accepts_each_and_refuses_altered_and_old(received: Received) -> None:
    def check(one: Delivery) -> str:
        return stripe.Webhook.construct_event(one.body, one.headers["stripe-signature"], received.secret).id

    assert [check(one) for one in received.deliveries] == [one.id for one in received.deliveries]
    for wrong in (received.altered, received.old):
        with pytest.raises(stripe.SignatureVerificationError):
            check(wrong)


def test_standard_webhooks_accepts_each_and_refuses_altered_and_old(received: Received) -> None:
    judge = standardwebhooks.Webhook(received.secret)
    for one in received.deliveries:
        assert judge.verify(one.body, one.headers)["id"] == one.id
    for wrong in (received.altered, received.old):
        with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
            judge.verify(wrong.body, wrong.headers)


def test_the_libraries_for_node_do_the_same(received: Received) -> None:
    if not (NODE / "node_modules").is_dir():
        pytest.skip("the packages for Node are not installed: run npm ci in tests/sdk/node")
    wrong = [received.altered, received.old]
    order: dict[str, Any] = {
        "secret": received.secret,
        "deliveries": [{"body": one.body.decode(), "headers": one.headers} for one in received.deliveries + wrong],
    }
    done = subprocess.run(
        ["node", "construct_event.mjs"], cwd=NODE, input=json.dumps(order), capture_output=True, text=True, check=True
    )
    *right, altered, old = json.loads(done.stdout)
    assert right == [{"stripe": one.id, "standard": one.id} for one in received.deliveries]
    for verdict in (altered, old):
        assert verdict["stripe"] == "refused: StripeSignatureVerificationError"
        assert verdict["standard"] == "refused: WebhookVerificationError"
