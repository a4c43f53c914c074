"""Requests that the official SDKs' own suites send: each inside the subset is accepted, or refused by the book."""

import collections
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from tools.contract import sdk
from tools.contract.declared import operations

from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import ADMINISTRATIVE
from tests.contract import world as make
from tests.contract.world import World
from tests.support.door import FORM, Client
from tests.support.running import Running

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "dialect"
FILES = ("requests_python_sdk.jsonl", "requests_node_sdk.jsonl")
BODY_CUT = 300
VERSION = "2026-09-30.dahlia"  # what the SDKs send where it must be sent

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded requests are not beside this checkout")

# Refusals that the dialect documents, by which a request of these suites may rightly be turned down.
DOCUMENTED = {
    "parameter_unknown", "parameter_unsupported", "parameter_missing", "parameter_invalid_integer",
    "parameter_invalid_empty", "parameters_exclusive", "expired_card", "invalid_expiry_year",
    "resource_already_exists", "account_invalid",
}
# Requests whose fixtures cannot be had here: an object in a state that only other payment methods reach.
ELSEWHERE = {"refund.cancel": "no refund of a card waits for an action"}
Maker = Callable[[World], str]
# For one operation, an object in the state that it expects; for all others any of its kind.
STATES: dict[str, Maker] = {
    "payment_intent.capture": lambda world: world.waiting(),
    "payment_intent.confirm": make.ready_intent,
    "payment_intent.increment_authorization": make.incrementable,
    "payment_method.attach": make.loose_method,
    "setup_intent.confirm": make.ready_setup,
    "charge.capture": make.uncaptured,
    "payout.reverse": make.paid_payout,
}
KINDS = {
    "pi": "payment_intent", "ch": "charge", "cus": "customer", "pm": "payment_method", "re": "refund", "fr": "refund",
    "seti": "setup_intent", "si": "setup_intent", "we": "webhook_endpoint", "evt": "event",
    "txn": "balance_transaction", "acct": "account", "dp": "dispute", "po": "payout", "prv": "review",
    "issfr": "radar.early_fraud_warning", "rsl": "radar.value_list", "rsli": "radar.value_list_item",
    "cs_test": "checkout.session", "sess": "checkout.session", "mandate": "mandate", "tok": "token",
    "ephkey": "ephemeral_key",
}  # fmt: skip
_FIXTURE = re.compile(rf"\b({'|'.join(sorted(KINDS, key=len, reverse=True))})_[A-Za-z0-9_]+")
_AS_SENT = "%=&[]+:'"  # the records hold some queries decoded
_PLAIN = re.compile(r"pm_card_\w+|tok_(visa|mastercard|amex)\w*|mandate_data")


def recorded() -> list[tuple[str, str, str, str]]:
    seen = {}
    for name in FILES:
        for line in (DATA / name).read_text().splitlines():
            method, path, query, body, _ = json.loads(line)
            if len(body) < BODY_CUT:  # a body cut in the middle is not a request that anybody sent
                seen[method, path, query, body] = None
    return list(seen)


def meant(declared: list[Operation], method: str, path: str) -> Operation | None:
    """The operation of a request: a fixed path goes before one with ids."""
    found = [
        operation
        for operation in declared
        if operation.method == method and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", operation.path), path)
    ]
    return min(found, key=lambda operation: operation.path.count("{"), default=None)


def real(world: World, operation: Operation, text: str, made: dict[str, str]) -> str:
    """``text`` with ids of real objects where a fixture's stand."""

    def fixture(match: re.Match[str]) -> str:
        word = match[0]
        if _PLAIN.fullmatch(word):
            return word
        if word not in made:
            kind = KINDS[match[1]]
            own = STATES.get(operation.name) if kind == operation.returns.kind else None
            if kind == "token" and operation.name != "token.get":
                made[word] = "tok_visa"  # a recorded token was a card's
            else:
                made[word] = (own or make.MAKERS[kind])(world)
        return made[word]

    return _FIXTURE.sub(fixture, text)


def test_each_recorded_request_is_accepted_or_refused_by_the_book(
    lockgate: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = operations()
    client = Client(lockgate["api"], lockgate["ca_file"], lockgate["secret_key"])
    world = World(client, lockgate["account"])
    tally: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    wrong = []
    for method, path, query, body in recorded():
        operation = meant(declared, method, path)
        if operation is None or operation.resource in ADMINISTRATIVE:  # /v1/apps/secrets is another's, not ours
            continue
        made: dict[str, str] = {}
        real_path, real_query, real_body = (real(world, operation, text, made) for text in (path, query, body))
        target = real_path + (f"?{quote(real_query, safe=_AS_SENT)}" if real_query else "")
        headers = {"Content-Type": FORM, "Stripe-Version": VERSION}
        reply = client.request(method, target, headers=headers, body=real_body.encode() if method == "POST" else None)
        code = reply.error.get("code") if reply.status >= 400 else None
        if reply.status == 200:
            tally[operation.name]["accepted"] += 1
        elif operation.name in ELSEWHERE and reply.status == 400:
            tally[operation.name][f"refused: {ELSEWHERE[operation.name]}"] += 1
        elif reply.status in (400, 402) and code in DOCUMENTED:
            tally[operation.name][f"refused: {code} {reply.error.get('param', '')}".strip()] += 1
        else:
            wrong.append((method, unquote(real_path), real_query, real_body, reply.status, reply.text[:300]))
    with capsys.disabled():
        print()
        for name, counts in sorted(tally.items()):
            print(f"  {name:42} {', '.join(f'{count} {what}' for what, count in counts.items())}")
    assert not wrong, "\n".join(map(str, wrong))
    assert len(tally) >= 80, "hardly any operation was asked for"
    assert sum(counts["accepted"] for counts in tally.values()) >= 90


def test_the_subset_is_what_is_declared() -> None:
    """Eighty-six operations that clients of the dialect know; what else there is, is Lockgate's own."""
    known = [operation for operation in operations() if sdk.parameters(operation) is not None]
    assert len(known) >= 84

