"""Our objects have every field that the official SDK's types know, so that no client meets a missing attribute."""

import json
from pathlib import Path

import pytest
from tools.contract.declared import operations

from lockgate.kernel.shapes import Shape

LIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "dialect" / "subset_fields.json"
# The SDK's class names, and what the wire calls the same thing.
KINDS = {
    "PaymentIntent": "payment_intent", "SetupIntent": "setup_intent", "PaymentMethod": "payment_method",
    "Customer": "customer", "Charge": "charge", "Refund": "refund", "Event": "event",
    "WebhookEndpoint": "webhook_endpoint", "Balance": "balance", "BalanceTransaction": "balance_transaction",
    "Account": "account", "Session": "checkout.session", "Payout": "payout", "Dispute": "dispute", "Review": "review",
    "ValueList": "radar.value_list", "ValueListItem": "radar.value_list_item", "Token": "token", "Mandate": "mandate",
    "EarlyFraudWarning": "radar.early_fraud_warning", "EphemeralKey": "ephemeral_key", "SetupAttempt": "setup_attempt",
}
# Fields that only the SDK's types have: what is sent only once, or on request.
NOT_ALWAYS = {
    "WebhookEndpoint": {"secret"},
    "Event": {"account", "context", "reason"},
}


def shapes() -> dict[str, Shape]:
    return {operation.returns.kind: operation.returns for operation in operations()}


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
    erased = {("Mandate", "customer_acceptance")}  # says where a person was: null once the person is erased
    wrong = [
        f"{name}.{field}"
        for name, kind in KINDS.items()
        for field, type_ in objects[name]["fields"].items()
        if not type_.startswith("Optional") and field in known[kind].fields and known[kind].fields[field].nullable
        and (name, field) not in erased
    ]
    assert not wrong, wrong
