"""Short stories in which rarely filled fields come to hold something: declines, challenges, second thoughts."""

from typing import Any

from tests.contract import world as make
from tests.contract.asking import Asker

PAGES = (
    "/v1/payment_intents", "/v1/charges", "/v1/refunds", "/v1/setup_intents", "/v1/events", "/v1/disputes",
    "/v1/payouts", "/v1/balance_transactions", "/v1/reviews", "/v1/checkout/sessions", "/v1/customers",
    "/v1/webhook_endpoints",
)  # fmt: skip


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
    for path in PAGES:
        asker.remember(world.get(path, limit=100))
