"""Limits and address rules of a whole Lockgate: through the API, by the operator, and across a killed gateway."""

import json
import os
import signal
import time

import pytest

from tests.support.door import Client
from tests.support.running import discard, start_lockgate

OFFICE = "127.0.0.0/8"


@pytest.fixture(scope="module")
def running():
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


def made(running, *words):
    """A new key's text and id, from the operator's own hands."""
    text, line = running.command("keys", "create", *words).stdout.splitlines()
    return text, line.split()[1].rstrip(".")


def client(running, key):
    return Client(running["api"], running["ca_file"], key)


def until(check, within_s=3.0):
    """Try until ``check`` is true: what is set is felt within a second."""
    end = time.monotonic() + within_s
    while not (found := check()):
        assert time.monotonic() < end, "never happened"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def admin(running):
    text, _ = made(
        running, "--kind", "restricted", "--permission", "limits=write", "--permission", "address_rules=write"
    )
    return client(running, text)


@pytest.fixture(scope="module")
def shop(running):
    return client(running, made(running, "--name", "shop")[0])


def test_what_holds_is_listed_and_a_secret_key_may_not_see_it(admin, shop):
    listed = admin.get("/v1/rate_limits", {"limit": 100}).json
    defaults = {(one["scope"], one["class"]): one for one in listed["data"]}
    assert defaults[("key", None)]["set_by"] == "default"
    assert (defaults[("key", "payment")]["rate"], defaults[("key", "payment")]["burst"]) == (100, 20)
    assert defaults[("address", "payment")]["burst"] == 20
    assert defaults[("address", "login")]["set_by"] == "default"
    first = admin.get("/v1/rate_limits", {"limit": 1}).json
    assert first["has_more"] and first["data"] == listed["data"][:1]
    second = admin.get("/v1/rate_limits", {"limit": 1, "starting_after": first["data"][0]["id"]}).json
    assert second["data"] == listed["data"][1:2]
    assert shop.get("/v1/rate_limits").status == 403


def test_a_limit_is_set_felt_kept_over_a_kill_and_removed(running, admin):
    text, id_ = made(running)
    key = client(running, text)
    set_ = admin.post("/v1/rate_limits", {
        "scope": "key", "subject": id_, "class": "payment", "rate": 1, "per_seconds": 600, "burst": 3,
    }, headers={"Idempotency-Key": "limit-1"})  # fmt: skip
    assert set_.status == 200, set_.text
    limit = set_.json
    assert (limit["set_by"], limit["burst"], limit["subject"], limit["class"]) == ("account", 3, id_, "payment")
    again = admin.post("/v1/rate_limits", {
        "scope": "key", "subject": id_, "class": "payment", "rate": 1, "per_seconds": 600, "burst": 3,
    }, headers={"Idempotency-Key": "limit-1"})  # fmt: skip
    assert again.json == limit
    assert admin.get(f"/v1/rate_limits/{limit['id']}").json == limit
    time.sleep(1.1)
    answers = [key.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"}) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 3 + [429] * 3
    assert answers[-1].error["code"] == "rate_limit"
    assert answers[-1].headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 600
    assert key.get("/v1/payment_intents").status == 200

    time.sleep(1.1)  # the state is noted once a second
    old = running.kill("gateway")
    running.wait_restarted("gateway", old)
    key.close(), admin.close()
    assert until(lambda: key.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})).status == 429

    gone = admin.request("DELETE", f"/v1/rate_limits/{limit['id']}")
    assert gone.json == {"id": limit["id"], "object": "rate_limit", "deleted": True}
    until(lambda: key.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"}).status == 200)
    assert admin.get(f"/v1/rate_limits/{limit['id']}").status == 404


def test_what_the_operator_set_an_account_does_not_change(running, admin):
    line = running.command("limits", "set", "key", "--rate", "90", "--burst", "90", "--class", "search").stdout
    id_ = line.split()[0]
    given = {"scope": "key", "class": "search", "rate": 1000, "burst": 1000}
    for answer in (admin.post("/v1/rate_limits", given), admin.request("DELETE", f"/v1/rate_limits/{id_}")):
        assert (answer.status, answer.error["code"]) == (403, "limit_set_by_operator")
    assert id_ in running.command("limits", "list").stdout
    assert admin.get(f"/v1/rate_limits/{id_}").json["set_by"] == "operator"
    running.command("limits", "remove", id_)
    assert id_ not in running.command("limits", "list").stdout
    wide = running.command("limits", "set", "address", "--class", "login", "--rate", "2", "--burst", "9", "--platform")
    until(lambda: wide.stdout.split()[0] in admin.get("/v1/rate_limits", {"limit": 100}).text)
    running.command("limits", "remove", wide.stdout.split()[0], "--platform")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"scope": "key", "rate": 0, "burst": 1}, "rate"),
        ({"scope": "key", "rate": 1, "burst": 0}, "burst"),
        ({"scope": "key", "rate": 1}, "burst"),
        ({"scope": "galaxy", "rate": 1, "burst": 1}, "scope"),
        ({"scope": "key", "rate": 1, "burst": 1, "class": "login"}, "class"),
        ({"scope": "account", "rate": 1, "burst": 1, "subject": "key_1"}, "subject"),
        ({"scope": "address", "rate": 1, "burst": 1, "at_once": 2}, "at_once"),
        ({"scope": "key", "rate": 1, "burst": 1, "per_seconds": 100000}, "per_seconds"),
    ],
)
def test_a_limit_that_says_nothing_is_refused(admin, given, param):
    answer = admin.post("/v1/rate_limits", given)
    assert (answer.status, answer.error["param"]) == (400, param)


def test_a_limit_on_trial_counts_and_refuses_nothing(running, admin):
    text, id_ = made(running)
    key = client(running, text)
    limit = admin.post("/v1/rate_limits", {
        "scope": "key", "subject": id_, "rate": 1, "per_seconds": 600, "burst": 2, "mode": "observe",
    }).json  # fmt: skip
    assert limit["observed"] == {"asked": 0, "would_refuse": 0}
    time.sleep(1.1)
    assert [key.get("/v1/balance").status for _ in range(6)] == [200] * 6
    until(
        lambda: admin.get(f"/v1/rate_limits/{limit['id']}").json["observed"] == {"asked": 6, "would_refuse": 4},
        within_s=15,
    )


def test_an_address_rule_is_felt_within_a_second_whatever_headers_say(running, admin, shop):
    made_ = admin.post("/v1/address_rules", {
        "scope": "class", "subject": "refunds", "networks[]": "203.0.113.0/24", "description": "the office",
    })  # fmt: skip
    assert made_.status == 400 and made_.error["code"] == "address_rule_locks_out"
    made_ = admin.post("/v1/address_rules", {
        "scope": "class", "subject": "refunds", "networks[]": "203.0.113.0/24", "description": "the office",
        "confirm": "lock_me_out",
    })  # fmt: skip
    assert made_.status == 200, made_.text
    rule = made_.json
    assert rule["networks"] == ["203.0.113.0/24"]

    refused = until(lambda: (answer := shop.get("/v1/refunds")).status == 403 and answer)
    assert refused.error["code"] == "address_not_allowed"
    assert shop.get("/v1/charges").status == 200
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"):
        value = "for=203.0.113.7" if name == "Forwarded" else "203.0.113.7"
        assert shop.get("/v1/refunds", headers={name: value}).status == 403

    changed = admin.post(f"/v1/address_rules/{rule['id']}", {"networks[0]": OFFICE, "networks[1]": "2001:db8::/32"})
    assert changed.json["networks"] == [OFFICE, "2001:db8::/32"]
    until(lambda: shop.get("/v1/refunds").status == 200)
    assert admin.post(f"/v1/address_rules/{rule['id']}", {
        "networks[]": "203.0.113.0/24", "mode": "dry_run",
    }).json["mode"] == "dry_run"  # fmt: skip
    time.sleep(1.1)
    assert shop.get("/v1/refunds").status == 200
    listed = admin.get("/v1/address_rules").json["data"]
    assert [one["id"] for one in listed] == [rule["id"]]
    assert admin.request("DELETE", f"/v1/address_rules/{rule['id']}").json["deleted"] is True
    assert admin.get(f"/v1/address_rules/{rule['id']}").status == 404


def test_whoever_is_locked_out_is_let_in_by_the_operator(running, shop):
    line = running.command("addresses", "add", "account", "203.0.113.0/24", "2001:db8::/32").stdout
    until(lambda: shop.get("/v1/balance").status == 403)
    pk = client(running, running["publishable_key"])
    assert pk.post("/v1/tokens", {"pii[id_number]": "1"}).status != 403  # shoppers are everywhere
    assert line.split()[0] in running.command("addresses", "list").stdout
    running.command("addresses", "remove", line.split()[0])
    until(lambda: shop.get("/v1/balance").status == 200)
    refused = running.command("addresses", "add", "account", "203.0.113.7/24", check=False)
    assert refused.returncode == 1 and "networks" not in refused.stdout and "CIDR" in refused.stderr


def test_recorded_traffic_suggests_limits(running, admin, shop):
    for _ in range(30):
        shop.get("/v1/balance")
    shop.close(), admin.close()
    pid = json.loads(running.ready_file.read_text())["pids"]["gateway"]

    os.kill(pid, signal.SIGTERM)  # an orderly end writes what was counted
    running.wait_restarted("gateway", pid, within_s=60)
    told = running.command("limits", "suggest", "--mode", "test").stdout
    assert "standard" in told and "would have refused 0" in told
    weighed = running.command("limits", "suggest", "--mode", "test", "--rate", "1", "--burst", "5").stdout
    assert "1/s burst 5" in weighed
