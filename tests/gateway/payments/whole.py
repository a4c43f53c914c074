"""A merchant who talks to a whole Lockgate over HTTP, with a browser and a cardholder beside her."""

from dataclasses import dataclass
from typing import Any

from tests.support import cardholder
from tests.support.door import Client

RETURN_URL = "https://shop.test/back"


@dataclass
class Shop:
    """A merchant's server, and a browser with the publishable key."""

    server: Client
    browser: Client
    ca_file: str

    def customer(self) -> str:
        return self.server.post("/v1/customers").json["id"]

    def intent(self, **more: Any) -> dict[str, Any]:
        return self.server.post("/v1/payment_intents", {"amount": 2000, "currency": "usd", **more}).json

    def read(self, made: dict[str, Any]) -> dict[str, Any]:
        kind = "payment_intents" if made["object"] == "payment_intent" else "setup_intents"
        return self.server.get(f"/v1/{kind}/{made['id']}").json

    def charge(self, id_: str) -> dict[str, Any]:
        return self.server.get(f"/v1/charges/{id_}").json

    def answer(self, made: dict[str, Any], result: str) -> dict[str, Any]:
        """The cardholder answers the challenge; the intent as it then is."""
        landed = cardholder.answer(made["next_action"], result, ca_file=self.ca_file)
        status = "succeeded" if self.read(made)["status"] in ("succeeded", "requires_capture") else "failed"
        assert landed is not None and landed.startswith(RETURN_URL) and f"redirect_status={status}" in landed
        return self.read(made)


def raw(number: str, prefix: str = "payment_method_data") -> dict[str, str]:
    card = f"{prefix}[card]" if prefix else "card"
    kind = f"{prefix}[type]" if prefix else "type"
    cvc = "1234" if number.startswith("3") else "123"
    return {
        kind: "card", f"{card}[number]": number, f"{card}[exp_month]": "12", f"{card}[exp_year]": "2040",
        f"{card}[cvc]": cvc,
    }  # fmt: skip
