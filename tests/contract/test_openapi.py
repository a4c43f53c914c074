"""The OpenAPI document is whole: every example is valid by its own schema, every reference leads somewhere."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from tools.contract.declared import operations

from lockgate.gateway.web.openapi import events, examples
from lockgate.gateway.web.openapi.document import whole
from lockgate.gateway.web.openapi.operation import refusals
from lockgate.gateway.webhooks.core.types import EVENT_TYPES
from lockgate.kernel.operations import Operation

REFUSALS = {"400", "401", "403", "404", "405", "409", "413", "415", "429", "500", "503"}


@pytest.fixture(scope="module")
def declared() -> list[Operation]:
    return operations()


@pytest.fixture(scope="module")
def document(declared: list[Operation]) -> dict[str, Any]:
    return json.loads(json.dumps(whole(declared)))


def described(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def faults(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    validator = jsonschema_rs.validator_for({**schema, "components": document["components"]})
    return [f"{list(error.instance_path)}: {error.message[:300]}" for error in validator.iter_errors(value)]


def test_every_example_of_an_answer_is_valid(document: dict[str, Any]) -> None:
    for operation in described(document):
        content = operation["responses"]["200"]["content"]["application/json"]
        example = content["examples"]["example"]
        value = _at(document, example["$ref"])["value"] if "$ref" in example else example["value"]
        assert not faults(document, content["schema"], value), operation["operationId"]


def test_every_example_of_a_request_is_valid(document: dict[str, Any]) -> None:
    seen = 0
    for operation in described(document):
        if "requestBody" in operation:
            (content,) = operation["requestBody"]["content"].values()
            if content["schema"].get("required"):
                assert "example" in content, operation["operationId"]
            assert not faults(document, content["schema"], content.get("example", {})), operation["operationId"]
            seen += 1
        for parameter in operation["parameters"]:
            if "example" in parameter:
                assert not faults(document, parameter["schema"], parameter["example"]), operation["operationId"]
                seen += 1
    assert seen > 60


def test_every_example_is_read_by_its_own_declaration(declared: list[Operation]) -> None:
    """Stricter than the schema: what a client that copies the example would send is accepted by the parameters."""
    for operation in declared:
        tree: dict[str, Any] = {}
        for name, value in examples.fields(examples.request(operation)):
            node, steps = tree, re.findall(r"[^\[\]]+", name)
            for step in steps[:-1]:
                node = node.setdefault(step, {})
            node[steps[-1]] = value
        operation.params.parse(tree, "")


def test_every_example_of_an_event_is_valid(document: dict[str, Any], declared: list[Operation]) -> None:
    assert set(document["webhooks"]) == set(EVENT_TYPES)
    shapes = examples.kinds(declared)
    for type_, webhook in document["webhooks"].items():
        assert events.carried(type_) in shapes, f"{type_} carries a kind that no operation answers"
        content = webhook["post"]["requestBody"]["content"]["application/json"]
        assert not faults(document, content["schema"], content["example"]), type_
        assert content["example"]["type"] == type_


def test_every_refusal_has_its_envelope_and_example(document: dict[str, Any], declared: list[Operation]) -> None:
    for name, response in document["components"]["responses"].items():
        content = response["content"]["application/json"]
        assert not faults(document, content["schema"], content["example"]), name
        assert "Request-Id" in response["headers"]
    by_name = {operation.name: operation for operation in declared}
    for operation in described(document):
        assert set(operation["responses"]) >= REFUSALS, operation["operationId"]
        assert ("402" in operation["responses"]) is by_name[operation["operationId"]].declines
    assert {"Retry-After", "Stripe-Rate-Limited-Reason"} <= document["components"]["responses"]["429"]["headers"].keys()


def test_every_reference_and_link_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))):
        assert _at(document, reference) is not None, reference
    names = {operation["operationId"] for operation in described(document)}
    links = [
        link for operation in described(document) for link in operation["responses"]["200"].get("links", {}).values()
    ]
    assert len(links) > 20 and {link["operationId"] for link in links} <= names


def test_every_operation_says_all_of_itself(document: dict[str, Any], declared: list[Operation]) -> None:
    assert len(list(described(document))) == len(declared) == len({operation.name for operation in declared})
    tags = {tag["name"] for tag in document["tags"]}
    for operation in declared:
        told = document["paths"][operation.path][operation.method.lower()]
        assert told["summary"] and told["description"] and set(told["tags"]) <= tags
        assert told["x-permissions"] == {"resource": operation.resource, "access": operation.access}
        assert told["x-audit"] == operation.audit and told["x-publishable"] is operation.publishable
        assert told.get("x-refused", {}) == dict(refusals(operation.params))
        path_params = {parameter["name"] for parameter in told["parameters"] if parameter["in"] == "path"}
        assert path_params == set(re.findall(r"\{([^}]+)\}", operation.path))
        if operation.method == "POST":
            assert "Idempotency-Key" in {parameter["name"] for parameter in told["parameters"]}
            assert "Idempotent-Replayed" in told["responses"]["200"]["headers"]
        assert not {operation.name for _, why in refusals(operation.params) if not why}, "refused without a reason"


def test_nested_parameters_say_how_they_are_written(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/payment_intents"]["post"]["requestBody"]["content"]
    encoding = body["application/x-www-form-urlencoded"]["encoding"]
    assert encoding["metadata"] == {"style": "deepObject", "explode": True} and "amount" not in encoding
    listed = document["paths"]["/v1/payment_intents"]["get"]["parameters"]
    assert {p["name"]: p.get("style") for p in listed}["created"] == "deepObject"


def _at(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found
