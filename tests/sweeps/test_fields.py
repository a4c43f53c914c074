"""Our objects have every field that the official SDK's types know, so that no client meets a missing attribute."""

import json
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from lockgate.gateway.customers import api as customers_api
from lockgate.gateway.identity import api as identity_api
from lockgate.gateway.payments import api as payments_api
from lockgate.gateway.settlement import api as settlement_api
from lockgate.gateway.webhooks import api as webhooks_api
from lockgate.kernel.operations import Operation
from lockgate.kernel.shapes import Shape

LIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "dialect" / "subset_fields.json"
# The SDK's class names, and what the wire calls the same thing.
KINDS = {
    "PaymentIntent": "payment_intent", "SetupIntent": "setup_intent", "PaymentMethod": "payment_method",
    "Customer": "customer", "Charge": "charge", "Refund": "refund", "Event": "event",
    "WebhookEndpoint": "webhook_endpoint", "Balance": "balance", "BalanceTransaction": "balance_transaction",
    "Account": "account",
}
# Fields that only the SDK's types have: what is sent only once, or on request.
NOT_ALWAYS = {
    "WebhookEndpoint": {"secret"},
    "Event": {"account", "context", "reason"},
}


def shapes() -> dict[str, Shape]:
    rooms = (payments_api, customers_api, settlement_api, webhooks_api, identity_api)
    declared: list[Operation] = [operation for room in rooms for operation in room.operations(MagicMock())]
    return {operation.returns.kind: operation.returns for operation in declared}


@pytest.mark.skipif(not LIST.exists(), reason="the list of the SDK's fields is not beside this repository")
@pytest.mark.parametrize("name", KINDS)
def test_every_field_is_there(name: str) -> None:
    wanted = json.loads(LIST.read_text())["objects"][name]["fields"]
    ours = shapes()[KINDS[name]].fields
    lacking = {field for field in wanted if field not in ours} - NOT_ALWAYS.get(name, set())
    lacking -= {"deleted", "last_response"}
    assert not lacking, f"{name} lacks {sorted(lacking)}"


@pytest.mark.skipif(not LIST.exists(), reason="the list of the SDK's fields is not beside this repository")
def test_what_must_not_be_null_is_not() -> None:
    """A field that the SDK's types hold to be there always has no null in our shape."""
    objects = json.loads(LIST.read_text())["objects"]
    known = shapes()
    wrong = [
        f"{name}.{field}"
        for name, kind in KINDS.items()
        for field, type_ in objects[name]["fields"].items()
        if not type_.startswith("Optional") and field in known[kind].fields and known[kind].fields[field].nullable
    ]
    assert not wrong, wrong
