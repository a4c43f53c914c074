"""The API's surface as a started Lockgate describes it in /openapi.json: what the sweeps are made from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# What a parameter's id names, by the parameter's last name; cursors name what the list lists.
ID_PARAMS = {
    "customer": "customers",
    "payment_method": "payment_methods",
    "default_payment_method": "payment_methods",
    "payment_intent": "payment_intents",
    "charge": "charges",
    "source": "charges",
    "related_object": "charges",
    "webhook_endpoint": "webhook_endpoints",
    "default_source": "payment_methods",
    "mandate": "mandates",
    "payout": "payouts",
    "setup_intent": "setup_intents",
    "value_list": "value_lists",
    "risk_rule": "rules",
    "session": "radar_sessions",
}
CURSORS = {"starting_after", "ending_before"}
NOT_IDS = {
    "business_name", "carrier", "city", "client_secret", "description", "email",
    "expected_payment_method_type", "individual_name", "ip_address", "line1", "line2",
    "access_activity_log", "address_city", "address_country", "address_line1", "address_line2", "address_state",
    "address_zip", "alias", "cancel_url", "client_reference_id", "contains", "customer_email", "images", "locale",
    "page", "query",
    "return_url", "success_url", "value", "currency",
    "name", "number", "cvc", "phone", "postal_code", "sealed", "state", "statement_descriptor",
    "statement_descriptor_suffix", "tax_id", "token", "tracking_number", "type", "url", "user_agent",
    "notice", "rule",
}
# Values for what an operation cannot do without.
NEEDED = {
    "alias": "sweep",
    "amount": "500",
    "card": ("card[number]", "4242424242424242"),
    "mode": "payment",
    "name": "Sweep",
    "query": "created>1",
    "value": "sweep",
    "fraud": "true",
    "signals": ("signals[version]", "1"),
    "rule": "flag if :amount: = 123456.78 USD",
    "currency": "usd",
    "type": "card",
    "url": "https://127.0.0.1:9/sweep",
    "enabled_events": ("enabled_events[0]", "refund.failed"),
}

# What some operations cannot do without although no declaration says so: it depends on their other parameters.
ALSO = {
    "charge.create": {"amount": "500", "currency": "usd"},
    "checkout_session.create": {
        "success_url": "https://shop.example/thanks", "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": "500",
        "line_items[0][price_data][product_data][name]": "Sweep",
    },
}


DESCRIBED_CARD = {
    "payment_method_data[type]": "card", "payment_method_data[card][number]": "4242424242424242",
    "payment_method_data[card][exp_month]": "12", "payment_method_data[card][exp_year]": "2040",
}


@dataclass(frozen=True)
class Operation:
    """One operation as documented."""

    name: str
    method: str
    path: str
    resource: str
    access: str
    returns_public: bool
    params: Mapping[str, Any] = field(repr=False)
    required: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def wants_client_secret(self) -> bool:
        return "client_secret" in self.params

    @property
    def collections(self) -> tuple[str, ...]:
        """The kinds of ids in the path, in order."""
        found = re.findall(r"/([a-z_]+)/\{", self.path)
        return ("radar_sessions",) if self.path.startswith("/v1/radar/sessions") and found else tuple(found)

    @property
    def listed(self) -> str:
        """What the path's last collection is, for cursors. An endpoint's deliveries have ids of their own."""
        return [part for part in self.path.split("/") if not part.startswith("{")][-1]

    def url(self, objects: Mapping[str, str]) -> str:
        """The path with the ids of ``objects``."""
        path = self.path
        for collection in self.collections:
            path = re.sub(r"\{[^}]+\}", objects[collection], path, count=1)
        return path

    def needed(self, objects: Mapping[str, str]) -> dict[str, str]:
        """The required parameters, with ids from ``objects``."""
        found = dict(ALSO.get(self.name, {}))
        for name in self.required:
            if name in ID_PARAMS:
                found[name] = objects[ID_PARAMS[name]]
                continue
            value = NEEDED[name]  # a KeyError: say above what to send for a new required parameter
            found |= {name: value} if isinstance(value, str) else {value[0]: value[1]}
        return found

    def beside(self, param: str) -> dict[str, str]:
        """What makes a request right but for the id in ``param``."""
        if self.name == "charge.create" and param.startswith("radar_options"):
            return {"source": "tok_visa"}
        return DESCRIBED_CARD if param.startswith("payment_method_data") else {}

    def id_params(self) -> Iterator[tuple[str, str]]:
        """Every parameter that takes an id: its bracket name, and the collection it names."""
        for path, schema in _leaves(self.params):
            last = path.rpartition("[")[2].rstrip("]")
            if last in CURSORS:
                yield path, self.listed
            elif last in ID_PARAMS:
                yield path, ID_PARAMS[last]
            elif path.startswith("evidence["):
                continue  # words of the merchant's; files are refused by name
            elif schema.get("type") == "string" and not {"enum", "pattern", "const"} & set(schema):
                assert last in NOT_IDS, f"{self.name}: say in surface.py whether {path} takes an id"


def _leaves(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, schema in params.items():
        path = f"{prefix}[{name}]" if prefix else name
        for option in schema.get("anyOf", [schema]):
            if "properties" in option:
                yield from _leaves(option["properties"], path)
            elif option.get("const") != "":
                yield path, option


def read(document: Mapping[str, Any]) -> list[Operation]:
    """All operations of an OpenAPI document."""
    found = []
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            params, required = _params(described)
            asked = described["x-permissions"]
            answers = str(described["responses"]["200"]["content"]["application/json"]["schema"])
            found.append(
                Operation(
                    described["operationId"], method.upper(), path, asked["resource"], asked["access"],
                    returns_public="_public'" in answers, params=params, required=required,
                )
            )
    return found


def _params(described: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    if "requestBody" in described:
        (content,) = described["requestBody"]["content"].values()
        return content["schema"]["properties"], tuple(content["schema"].get("required", ()))
    query = [param for param in described["parameters"] if param["in"] == "query"]
    return {p["name"]: p["schema"] for p in query}, tuple(p["name"] for p in query if p["required"])
