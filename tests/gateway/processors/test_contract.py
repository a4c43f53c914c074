"""What every registered processor must keep to, whatever it is fed. A new adapter's failures are its checklist."""

import inspect
import json
import re
from typing import Any

import pytest

from lockgate.gateway.processors import registry
from lockgate.gateway.processors.contract import Answered, Derived, Lost, NotSent, Outcome, Result
from lockgate.kernel.orders import from_wire, to_wire
from tests.gateway.processors.driving import (
    METHODS,
    QUESTIONS,
    TRANSCRIPTS,
    build,
    drive,
    render_order,
    render_result,
    reply_from,
    settings_of,
    slots,
)

EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "authorize": [
        {"step": "pa_1", "amount": 1099, "currency": "usd", "card": "tok_v1", "has_cvc": True},
        {"step": "pa_2", "amount": 0, "currency": "eur", "card": "tok_v2", "setup": True, "return_url": "https://a.test/"},
    ],
    "complete": [{"step": "pa_3", "processor_reference": "auth-1", "continuation": {}}],
    "capture": [{"step": "pa_4", "processor_reference": "auth-1", "amount": 500, "currency": "usd", "final": False}],
    "void": [{"step": "pa_5", "processor_reference": "auth-1"}],
    "refund": [{"step": "re_6", "processor_reference": "auth-1", "amount": 5, "currency": "usd"}],
    "inquire": [{"step": "in_7", "reference": "pa_1"}],
    "reverse": [{"step": "rv_8", "reference": "pa_1"}],
    "increment": [{"step": "in_9", "processor_reference": "auth-1", "amount": 1500, "currency": "usd"}],
    "payout": [{"step": "po_1", "amount": 700, "currency": "usd", "arrival_date": 1_900_000_000, "now": 1_890_000_000}],
    "cancel_payout": [{"step": "po_2", "processor_reference": "payout-1"}],
    "reverse_payout": [{"step": "po_3", "processor_reference": "payout-1", "amount": 700, "currency": "usd"}],
    "submit_evidence": [
        {"step": "ev_1", "dispute": "dispute-1", "fields": ("receipt",), "text": 'a "quoted" \u2665\n'},
        {"step": "ev_2", "dispute": "dispute-1", "fields": (), "submit": False},
    ],
    "accept_dispute": [{"step": "ac_1", "dispute": "dispute-1"}],
    "inquire_dispute": [{"step": "iq_1", "reference": "dispute-1", "now": 1_900_000_000}],
    "inquire_warning": [{"step": "iq_2", "reference": "warning-1", "now": 1_900_000_000}],
    "inquire_payout": [{"step": "iq_3", "reference": "payout-1", "now": 1_900_000_000}],
    "list_changes": [
        {"step": "lc_1", "cursor": "", "limit": 100},
        {"step": "lc_2", "cursor": "17", "limit": 5, "now": 1_900_000_000},
    ],
}
HOSTILE = {
    "lost": Lost("timeout"),
    "500": Answered(500, body=b'{"status":"approved"}'),
    "502 page": Answered(502, body=b"<html>Bad Gateway</html>"),
    "503 empty": Answered(503),
    "redirect": Answered(302, (("location", "https://elsewhere.example/"),)),
    "empty": Answered(200),
    "garbage": Answered(200, body=b"\x00\xff\xfe{{{"),
    "truncated": Answered(200, body=b'{"status":"approved","id":"x'),
    "list": Answered(200, body=b"[1,2]"),
    "null": Answered(200, body=b"null"),
    "number": Answered(200, body=b"1e999"),
    "empty object": Answered(200, body=b"{}"),
    "deep": Answered(200, body=b"[" * 200_000),
    "another's": Answered(200, body=b'{"id":"x","reference":"another","status":"approved","amount":1099,"found":true}'),
    "wrong types": Answered(200, body=b'{"id":[1],"reference":{"a":1},"status":7,"amount":"1099","found":"yes"}'),
}
WRONG_VALUES = [None, [], {}, "", "unheard_of", -1, 3.5, True, "x" * 100_000]


@pytest.fixture(params=sorted(registry.installed()))
def processor(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=sorted(QUESTIONS))
def question(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=sorted(METHODS | QUESTIONS))
def either(request: pytest.FixtureRequest) -> str:
    return request.param


def run(processor: str, method: str, fields: dict[str, Any], *replies: Any) -> tuple[list[Any], Any]:
    return drive(registry.get(processor), method, build(processor, method, **fields), replies=replies)


def test_every_method_is_written_as_a_generator(processor: str, either: str):
    end = "what it found, or None" if either in QUESTIONS else "a Result"
    assert inspect.isgeneratorfunction(getattr(registry.get(processor), either, None)), (
        f"processors/{processor}.py: write {either}() as a generator that yields an Order and returns {end}"
    )


def test_what_was_not_sent_has_failed(processor: str, method: str):
    for fields in EXAMPLES[method]:
        _, result = run(processor, method, fields, NotSent("unreachable"))
        expected = Outcome.UNKNOWN if method == "inquire" else Outcome.FAILED
        assert result.outcome is expected, f"{method}: nothing was sent, so the outcome is {expected.value}"


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_what_cannot_be_understood_is_unknown(processor: str, method: str, kind: str):
    for fields in EXAMPLES[method]:
        _, result = run(processor, method, fields, HOSTILE[kind])
        assert result.outcome is Outcome.UNKNOWN, f"{method}: {kind} proves nothing"


@pytest.mark.parametrize("kind", ["not sent", *sorted(HOSTILE)])
def test_a_question_that_was_not_answered_has_found_nothing(processor: str, question: str, kind: str):
    for fields in EXAMPLES[question]:
        reply = NotSent("unreachable") if kind == "not sent" else HOSTILE[kind]
        _, found = run(processor, question, fields, reply)
        assert found is None, f"{question}: {kind} tells nothing"


@pytest.mark.parametrize("kind", sorted(name for name, reply in HOSTILE.items() if isinstance(reply, Answered)))
def test_a_notification_that_cannot_be_read_points_at_nothing(processor: str, kind: str):
    reply = HOSTILE[kind]
    assert isinstance(reply, Answered)
    assert registry.get(processor).notification(settings_of(processor), reply.body) is None


def test_an_order_stays_within_the_manifest(processor: str, either: str):
    adapter, settings = registry.get(processor), settings_of(processor)
    manifest = adapter.manifest(settings)
    for fields in EXAMPLES[either]:
        orders, _ = run(processor, either, fields, Lost("timeout"))
        for order in orders:
            assert order.processor == processor
            origin, path = re.fullmatch(r"(https://[^/]+)(/[^?#]*)?.*", order.url).groups()
            assert origin in manifest["origins"], f"{either}: {origin} is not among the manifest's origins"
            for slot in slots(order):
                assert any(
                    rule["slot"] == slot.name
                    and rule["method"] in ("*", order.method)
                    and re.fullmatch(rule["path"], path or "/")
                    for rule in manifest["slots"]
                ), f"{either}: the manifest gives {slot.name} no place in {order.method} {path}"
            for header, parts in order.headers:
                for derived in (part for part in parts if isinstance(part, Derived)):
                    assert any(
                        (rule["kind"], rule["key"], rule["header"]) == (derived.kind, derived.key, header.lower())
                        and rule["method"] in ("*", order.method)
                        and re.fullmatch(rule["path"], path or "/")
                        for rule in manifest["derived"]
                    ), f"{either}: the manifest grants no {derived.kind} in {header} of {order.method} {path}"
            assert from_wire(to_wire(order)) == order, f"{either}: the vault would not read this order"
            if any(slot.name.startswith("card.") for slot in slots(order)):
                assert order.card == fields["card"]


def test_every_order_has_its_own_step_id_and_the_request_s_limits(processor: str, either: str):
    for fields in EXAMPLES[either]:
        request = build(processor, either, **fields)
        orders, _ = drive(registry.get(processor), either, request, replies=[Lost("timeout")])
        assert orders[0].step == request.step
        assert len({order.step for order in orders}) == len(orders)
        for order in orders:
            assert order.step == request.step or re.fullmatch(re.escape(request.step) + r"\.\d+", order.step)
            assert (order.send_before_ms, order.timeout_ms) == (request.send_before_ms, request.timeout_ms)


def test_money_moving_orders_are_posts(processor: str, method: str):
    """The HTTP client may resend other methods by itself when a kept-alive connection drops."""
    if method != "inquire":
        for fields in EXAMPLES[method]:
            orders, _ = run(processor, method, fields, Lost("timeout"))
            assert {order.method for order in orders} == {"POST"}


def test_the_cvc_is_asked_for_only_when_there_is_one(processor: str):
    base = EXAMPLES["authorize"][0]
    for has_cvc in (True, False):
        orders, _ = run(processor, "authorize", {**base, "has_cvc": has_cvc}, Lost("timeout"))
        assert any(slot.name == "card.cvc" for order in orders for slot in slots(order)) is has_cvc


def test_the_manifest_has_the_vault_s_shape(processor: str):
    manifest = registry.get(processor).manifest(settings_of(processor))
    assert set(manifest) - {"ca_file", "derived", "notifications"} == {"name", "origins", "slots", "reference_fields"}
    assert manifest["name"] == processor
    assert manifest["origins"] and all(re.fullmatch(r"https://[^/]+", origin) for origin in manifest["origins"])
    for rule in manifest["slots"]:
        assert set(rule) == {"slot", "method", "path", "place"}
        assert re.fullmatch(r"(body|form|header):.+", rule["place"])
    for grant in manifest.get("derived", []):
        assert set(grant) == {"kind", "key", "method", "path", "header"}
    if "notifications" in manifest:
        assert set(manifest["notifications"]) == {"header", "scheme", "secret"}
    json.dumps(manifest)


def test_the_fee_is_a_whole_number_that_grows_with_the_amount(processor: str):
    adapter, settings = registry.get(processor), settings_of(processor)
    fees = [adapter.fee(settings, amount, "usd") for amount in range(0, 20_000, 7)]
    assert all(type(fee) is int and fee >= 0 for fee in fees)
    assert fees == sorted(fees)


def test_each_method_has_a_golden_transcript(processor: str, either: str):
    found = [
        json.loads(file.read_text())["method"]
        for file in (TRANSCRIPTS / processor).glob("*.json")
        if file.name != "settings.json"
    ]
    assert either in found, f"add transcripts/{processor}/{either}_*.json"


def test_one_wrong_field_in_a_good_answer_never_becomes_an_approval(processor: str):
    """Spoil the last answer of each transcript that ends well, field by field: nothing raises or is invented."""
    spoilt = 0
    for file in sorted((TRANSCRIPTS / processor).glob("*.json")):
        told = json.loads(file.read_text())
        if file.name == "settings.json" or told["method"] in QUESTIONS or told["result"]["outcome"] != "approved":
            continue
        request = build(processor, told["method"], **told["request"])
        last = told["exchanges"][-1]["reply"]
        for name in last["body"]:
            for value in WRONG_VALUES:
                if value == last["body"][name]:
                    continue
                body = json.dumps({**last["body"], name: value}).encode()
                spoiled = [reply_from(exchange["reply"]) for exchange in told["exchanges"][:-1]]
                spoiled.append(Answered(200, body=body))
                _, result = drive(registry.get(processor), told["method"], request, replies=spoiled)
                assert isinstance(result, Result)
                if name in ("status", "reference") or (name == "id" and value != "unheard_of"):
                    assert result.outcome is not Outcome.APPROVED, f"{file.name}: {name}={value!r:.20}"
                spoilt += 1
    assert spoilt, "there is no transcript of an approval to spoil"


def test_one_wrong_field_in_what_was_found_is_never_passed_on(processor: str, question: str):
    """Spoil a good answer field by field: what a question finds has the right types, or it has found nothing."""
    spoilt = 0
    for file in sorted((TRANSCRIPTS / processor).glob(f"{question}_*.json")):
        told = json.loads(file.read_text())
        if told["result"] is None:
            continue
        request, last = build(processor, question, **told["request"]), told["exchanges"][-1]["reply"]
        for name in last["body"]:
            for value in WRONG_VALUES:
                body = json.dumps({**last["body"], name: value}).encode()
                spoiled = [reply_from(exchange["reply"]) for exchange in told["exchanges"][:-1]]
                spoiled.append(Answered(200, body=body))
                _, found = drive(registry.get(processor), question, request, replies=spoiled)
                shown = render_result(found)
                if shown is not None:
                    for known, good in told["result"].items():
                        kinds = (type(None), str if good is None else type(good))
                        assert type(shown[known]) in kinds, f"{file.name}: {name}"
                if name in ("id", "status", "found", "since", "notices") and value != last["body"][name]:
                    assert found is None, f"{file.name}: {name}={value!r:.20}"
                spoilt += 1
    assert spoilt, f"there is no transcript of a {question} that found something"


def test_orders_carry_nothing_that_the_adapter_should_not_know(processor: str):
    for method, examples in EXAMPLES.items():
        for fields in examples:
            for order in run(processor, method, fields, Lost("timeout"))[0]:
                sent = json.dumps({**render_order(order), "card": None})
                assert "tok_v" not in sent, "the vault token is not for outside"
