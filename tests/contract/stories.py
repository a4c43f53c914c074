"""Short stories in which rarely filled fields come to hold something: declines, challenges, second thoughts."""

import time
from collections.abc import Callable
from typing import Any

from tests.contract import world as make
from tests.contract.asking import Asker

PAGES = (
    "/v1/payment_intents", "/v1/charges", "/v1/refunds", "/v1/setup_intents", "/v1/events", "/v1/disputes",
    "/v1/payouts", "/v1/balance_transactions", "/v1/reviews", "/v1/checkout/sessions", "/v1/customers",
    "/v1/webhook_endpoints",
)  # fmt: skip


def until(done: Callable[[], bool]) -> None:
    """Wait for what the outside tells a little later."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def tell(asker: Asker) -> None:
    """All of them; everything that can be listed afterwards is remembered."""
    world = asker.world

    def declined(**params: Any) -> None:
        given = {"amount": 700, "currency": "usd", "confirm": "true", **params}
        reply = world.client.post("/v1/payment_intents", given)
        assert reply.status == 402, reply.text

    declined(payment_method="pm_card_chargeDeclined")
    world.post("/v1/payment_intents", amount=900, currency="usd", confirm="true", return_url="https://shop.example/r",
               payment_method="pm_card_threeDSecure2Required")  # fmt: skip
    canceled = world.waiting()
    world.post(f"/v1/payment_intents/{canceled}/cancel", cancellation_reason="abandoned")
    world.post(f"/v1/setup_intents/{make.setup(world)}/cancel", cancellation_reason="abandoned")
    reply = world.client.post(
        "/v1/setup_intents", {"confirm": "true", "payment_method": "pm_card_chargeDeclined", "return_url": "https://a.b/"}
    )
    assert reply.status == 402, reply.text
    world.post("/v1/setup_intents", confirm="true", payment_method="pm_card_threeDSecure2Required",
               return_url="https://shop.example/r")  # fmt: skip
    attempted = world.get("/v1/setup_intents", limit=5)["data"]
    for one in attempted:
        asker.remember(world.get("/v1/setup_attempts", setup_intent=one["id"]))
    failing = world.paid("4000000000005126")
    refund = world.post("/v1/refunds", charge=failing["latest_charge"])["id"]
    waiting = world.paid("4000000000007726")["latest_charge"]
    asker.remember(world.post("/v1/refunds", charge=waiting))
    world.paid("4000000000000077", amount=9000)
    world.client.post("/v1/payouts", {"amount": 4111, "currency": "usd"})
    until(lambda: world.get(f"/v1/refunds/{refund}")["status"] == "failed")
    asker.remember(world.get(f"/v1/charges/{failing['latest_charge']}", **{"expand[0]": "refunds"}))
    asker.remember(world.get(f"/v1/checkout/sessions/{world.one('checkout.session')}", **{"expand[0]": "line_items"}))
    asker.remember(world.post("/v1/risk/rules/check", rule="block if :card_contry: = 'US'"))
    lists = {f"expand[{number}]": name for number, name in enumerate(("sources", "subscriptions", "tax_ids"))}
    asker.remember(world.get(f"/v1/customers/{world.one('customer')}", **lists))
    for path in PAGES:
        asker.remember(world.get(path, limit=100))
