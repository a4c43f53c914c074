"""The log at the door of a started Lockgate: who may read it, what it shows, and that nothing happens without it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support.cluster import run_apart
from tests.support.door import Client
from tests.support.running import Running, discard, start_lockgate

VERIFIER = Path(__file__).resolve().parents[3] / "tools" / "verify_audit.py"
QUIET = ("audit", "audit_seal", "audit_node", "audit_checkpoint", "job", "limit_state", "alert_cursor",
         "notification_cursor")
"""Tables that are written by the clock, or by every request: they count, and are no effect of an operation."""
PARTS = {"mail": "(select id from gateway.mail where kind <> 'alert')"}
"""Of a letter that an operation wrote, that it is there: the worker sends it when it can, and writes of alerts."""


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


@pytest.fixture(scope="module")
def merchant(running: Running) -> Client:
    return Client(running["api"], running["ca_file"], running["secret_key"])


@pytest.fixture(scope="module")
def auditor(running: Running) -> Client:
    made = running.command("keys", "create", "--kind", "restricted", "--permission", "audit=read", "--name", "auditor")
    return Client(running["api"], running["ca_file"], made.stdout.split()[0])


def database(running: Running, work: Callable[[asyncpg.Connection], Any], *, superuser: bool = False) -> Any:
    async def run() -> Any:
        settings = running.settings()["database"]
        user, program = ("postgres", "postgres") if superuser else ("lockgate_owner", "owner")
        connection = await asyncpg.connect(
            host=settings["host"], port=settings["port"], database=settings["name"], user=user,
            password=running.secrets(program)["database_password"],
        )
        try:
            return await work(connection)
        finally:
            await connection.close()

    return run_apart(run())


def test_only_who_was_granted_it_reads_the_log(running: Running, merchant: Client, auditor: Client) -> None:
    both = ("/v1/audit_records", "/v1/audit_checkpoints")
    for path in (*both, f"{both[0]}/aud_x", f"{both[1]}/acp_1"):
        assert merchant.get(path).status == 403, path
        assert Client(running["api"], running["ca_file"], running["publishable_key"]).get(path).status == 403
    assert auditor.get("/v1/audit_records").status == 200
    assert auditor.get("/v1/customers").status == 403


def test_records_are_filtered_and_paged(merchant: Client, auditor: Client) -> None:
    made = [merchant.post("/v1/customers", {"name": f"Ada {number}"}).json["id"] for number in range(5)]
    listed = auditor.get("/v1/audit_records", {"action": "customer.create", "limit": 100}).json["data"]
    assert [row["object_id"] for row in listed][:5] == made[::-1]
    assert all(row["action"] == "customer.create" and row["livemode"] is False for row in listed)
    first = auditor.get("/v1/audit_records", {"action": "customer.create", "limit": 2}).json
    assert first["has_more"] is True
    second = auditor.get(
        "/v1/audit_records", {"action": "customer.create", "limit": 2, "starting_after": first["data"][-1]["id"]}
    ).json
    assert [row["object_id"] for row in [*first["data"], *second["data"]]] == made[:0:-1]
    back = auditor.get(
        "/v1/audit_records", {"action": "customer.create", "limit": 2, "ending_before": second["data"][0]["id"]}
    ).json
    assert back["data"] == first["data"]
    one = listed[0]
    for name, value in (("object", one["object_id"]), ("actor", one["actor"]), ("address", one["address"])):
        asked = {name: value, "created[gte]": one["created"], "limit": 100}
        found = auditor.get("/v1/audit_records", asked).json["data"]
        assert one["id"] in {row["id"] for row in found}, name
    assert auditor.get("/v1/audit_records", {"outcome": "refused", "action": "customer.create"}).json["data"] == []
    assert auditor.get("/v1/audit_records", {"created[lt]": 1}).json["data"] == []
    assert auditor.get("/v1/audit_records", {"starting_after": "aud_none"}).status == 400
    assert auditor.get("/v1/audit_records", {"colour": "red"}).status == 400
    assert "Ada" not in json.dumps(listed), "no person's data stands in the log"


def test_reading_is_itself_on_record(auditor: Client) -> None:
    auditor.get("/v1/audit_records", {"address": "203.0.113.9"})
    newest = auditor.get("/v1/audit_records", {"action": "audit.read", "limit": 2}).json["data"]
    assert newest[1]["detail"]["operation"] == "audit_record.list"
    assert newest[1]["detail"]["filters"] == ["address"] and "203.0.113.9" not in json.dumps(newest)


def test_a_record_comes_with_a_proof_that_stands_alone(
    running: Running, merchant: Client, auditor: Client, tmp_path: Path
) -> None:
    merchant.post("/v1/customers", {"name": "Ada"})
    [row] = auditor.get("/v1/audit_records", {"action": "customer.create", "limit": 1}).json["data"]
    assert row["proof"] is None
    kept = running.command("audit", "checkpoint").stdout
    merchant.post("/v1/customers", {"name": "Eve"})
    running.command("audit", "checkpoint")
    proven = auditor.get(f"/v1/audit_records/{row['id']}").json
    assert {**proven, "proof": None} == row
    checkpoints = auditor.get("/v1/audit_checkpoints", {"limit": 100}).json["data"]
    newest, oldest = checkpoints[0], checkpoints[-1]["id"]
    assert kept in {one["note"] for one in checkpoints} and newest["id"] != oldest
    assert [c["size"] for c in checkpoints] == sorted((c["size"] for c in checkpoints), reverse=True)
    continued = auditor.get(f"/v1/audit_checkpoints/{newest['id']}", {"continues": oldest}).json
    for proof in (proven["proof"], continued["proof"]):
        file = tmp_path / proof["type"]
        file.write_text(json.dumps(proof))
        alone = subprocess.run(
            [sys.executable, "-I", str(VERIFIER), str(file), "--key", newest["key"]],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert alone.returncode == 0, alone.stdout + alone.stderr
    assert auditor.get("/v1/audit_checkpoints/acp_0").status == 404
    assert auditor.get(f"/v1/audit_checkpoints/{oldest}", {"continues": newest["id"]}).status == 400
    assert auditor.get("/v1/audit_records/aud_none").status == 404


def test_one_account_never_sees_anothers_records(running: Running, auditor: Client) -> None:
    other = running.command("accounts", "create", "--name", "Other").stdout
    account = next(word for word in other.split() if word.startswith("acct_")).rstrip(".,:")
    made = running.command(
        "keys", "create", "--kind", "restricted", "--permission", "audit=read", "--account", account
    ).stdout.split()[0]
    stranger = Client(running["api"], running["ca_file"], made)
    mine = auditor.get("/v1/audit_records", {"limit": 100}).json["data"]
    theirs = stranger.get("/v1/audit_records", {"limit": 100}).json["data"]
    assert mine and theirs and not {row["id"] for row in mine} & {row["id"] for row in theirs}
    assert stranger.get(f"/v1/audit_records/{mine[0]['id']}").status == 404


@contextmanager
def without_a_log(running: Running) -> Iterator[None]:
    """Nobody can write audit records for a while."""
    change = "{} insert on gateway.audit {} lockgate_gateway, lockgate_worker"

    def order(verb: str, word: str) -> Callable[[asyncpg.Connection], Any]:
        return lambda connection: connection.execute(change.format(verb, word))

    database(running, order("revoke", "from"))
    try:
        yield
    finally:
        database(running, order("grant", "to"))


async def _state(connection: asyncpg.Connection) -> dict[str, str]:
    """A digest of every table of the gateway's that requests change."""
    names = await connection.fetch("select tablename from pg_tables where schemaname = 'gateway' order by 1")
    found = {}
    for row in names:
        name = row["tablename"]
        if name not in QUIET:
            found[name] = await connection.fetchval(
                "select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0))::text, '')"
                f" from {PARTS.get(name, f'gateway.{name}')} t"
            )
    return found


def rest(running: Running, *, within_s: float = 90) -> None:
    """Wait until the worker has nothing left to do: no table has changed for three seconds."""
    end, last = time.monotonic() + within_s, database(running, _state)
    while time.monotonic() < end:
        time.sleep(3)
        now = database(running, _state)
        if now == last:
            return
        last = now
    raise AssertionError(f"the worker is still busy after {within_s} s\n{running.tail()}")


def test_no_operation_has_an_effect_without_its_record(running: Running, merchant: Client) -> None:
    """Every kind of write that a merchant can do, while the log cannot be written: all fail, and nothing is left."""
    customer = merchant.post("/v1/customers", {"name": "Ada"}).json["id"]
    method = merchant.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer}).json["id"]
    base = {"amount": 1000, "currency": "usd", "payment_method": method, "customer": customer, "off_session": "true"}
    open_intent = merchant.post("/v1/payment_intents", {"amount": 900, "currency": "usd"}).json["id"]
    held = merchant.post("/v1/payment_intents", {**base, "confirm": "true", "capture_method": "manual"}).json["id"]
    paid = merchant.post("/v1/payment_intents", {**base, "confirm": "true"}).json
    assert paid["status"] == "succeeded"
    refund = merchant.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 100}).json["id"]
    setup = merchant.post("/v1/setup_intents", {"customer": customer}).json["id"]
    values = merchant.post("/v1/radar/value_lists", {"alias": "bad", "name": "Bad"}).json["id"]
    item = merchant.post("/v1/radar/value_list_items", {"value_list": values, "value": "x"}).json["id"]
    endpoint = merchant.post("/v1/webhook_endpoints", {"url": "https://shop.test/hook", "enabled_events[]": "*"}).json
    assert endpoint["id"], endpoint
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/customers", {"name": "Eve"}),
        ("POST", f"/v1/customers/{customer}", {"name": "Eve"}),
        ("DELETE", f"/v1/customers/{customer}", {}),
        ("POST", "/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"}),
        ("POST", f"/v1/payment_methods/{method}", {"metadata[a]": "b"}),
        ("POST", f"/v1/payment_methods/{method}/detach", {}),
        ("POST", "/v1/payment_intents", {"amount": 900, "currency": "usd"}),
        ("POST", "/v1/payment_intents", {**base, "confirm": "true"}),
        ("POST", f"/v1/payment_intents/{open_intent}", {"metadata[a]": "b"}),
        ("POST", f"/v1/payment_intents/{open_intent}/confirm", {"payment_method": method}),
        ("POST", f"/v1/payment_intents/{open_intent}/cancel", {}),
        ("POST", f"/v1/payment_intents/{held}/capture", {}),
        ("POST", f"/v1/payment_intents/{held}/cancel", {}),
        ("POST", "/v1/refunds", {"payment_intent": paid["id"], "amount": 100}),
        ("POST", f"/v1/refunds/{refund}", {"metadata[a]": "b"}),
        ("POST", f"/v1/charges/{paid['latest_charge']}", {"metadata[a]": "b"}),
        ("POST", "/v1/setup_intents", {"customer": customer}),
        ("POST", f"/v1/setup_intents/{setup}/confirm", {"payment_method": method}),
        ("POST", f"/v1/setup_intents/{setup}/cancel", {}),
        ("POST", "/v1/checkout/sessions", {
            "mode": "payment", "success_url": "https://shop.test/", "line_items[0][quantity]": 1,
            "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": 500,
            "line_items[0][price_data][product_data][name]": "Tea"}),
        ("POST", "/v1/payouts", {"amount": 1, "currency": "usd"}),
        ("POST", "/v1/radar/value_lists", {"alias": "good", "name": "Good"}),
        ("POST", f"/v1/radar/value_lists/{values}", {"name": "Worse"}),
        ("POST", "/v1/radar/value_list_items", {"value_list": values, "value": "y"}),
        ("DELETE", f"/v1/radar/value_list_items/{item}", {}),
        ("DELETE", f"/v1/radar/value_lists/{values}", {}),
        ("POST", "/v1/webhook_endpoints", {"url": "https://shop.test/hook2", "enabled_events[]": "*"}),
        ("POST", f"/v1/webhook_endpoints/{endpoint['id']}", {"metadata[a]": "b"}),
        ("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}", {}),
        ("POST", "/v1/test_helpers/clock/advance", {"seconds": 5}),
    ]  # fmt: skip
    merchant.get("/v1/balance")
    rest(running)
    with without_a_log(running):
        before = database(running, _state)
        done = {}
        for number, (verb, path, params) in enumerate(writes):
            reply = merchant.request(verb, path, params, headers={"Idempotency-Key": f"dark-{number}"})
            done[f"{verb} {path}"] = reply.status
        wrong = Client(running["api"], running["ca_file"], running["secret_key"][:-1] + "x")
        assert wrong.get("/v1/customers").status == 500, "a refusal that cannot be recorded is a fault"
        after = database(running, _state)
    assert {path: status for path, status in done.items() if status < 400} == {}
    changed = {name for name, digest in after.items() if before[name] != digest}
    assert changed <= {"api_key"}, changed  # when it was last used
    assert merchant.post("/v1/customers", {"name": "Eve"}).status == 200
    assert "as they were sealed" in running.command("audit", "verify").stdout
