"""A running Lockgate: the fifth failed authentication is told within five seconds, and metrics need a credential."""

import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support import people
from tests.support.running import Running, discard, start_lockgate

WITHIN_S = 5


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


def opened(running, *more):
    told = running.command("alerts", "list", "--state", "open", "--json", *more)
    return [json.loads(line) for line in told.stdout.splitlines()]


def until(look, *, within_s=WITHIN_S):
    end = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.1)
    return found


def fetch(running, path, key=None):
    request = urllib.request.Request(running["api"] + path)
    if key is not None:
        request.add_header("Authorization", f"Bearer {key}")
    context = ssl.create_default_context(cafile=running["ca_file"])
    try:
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_fifth_failure_is_told_to_the_owner_and_the_operator_within_five_seconds(running):
    owner = people.owner(running)
    made = owner.post("/v1/alert_routes", {"email": "watch@shop.example", "min_severity": "high"})
    assert made.status == 200, made.text
    listed = owner.get("/v1/alert_rules", {"limit": 100}).json
    assert {"new_country", "failed_authentications.account"} <= {rule["id"] for rule in listed["data"]}
    wrong = running["secret_key"][:-1] + ("a" if running["secret_key"][-1] != "a" else "b")
    for _ in range(4):
        assert fetch(running, "/v1/balance", wrong)[0] == 401
    time.sleep(2.5)
    assert not opened(running)
    assert fetch(running, "/v1/balance", wrong)[0] == 401
    by_rule = {alert["rule"]: alert for alert in until(lambda: opened(running))}
    assert by_rule["failed_authentications.address"]["count"] == 5
    assert set(by_rule) <= {"failed_authentications.address", "failed_authentications.credential"}
    for alert in opened(running):
        running.command("alerts", "ack", alert["id"])
    assert opened(running) == []
    browser = {"Origin": "https://shop.example", "Authorization": f"Bearer {running['secret_key']}"}
    assert owner.client.request("GET", "/v1/balance", headers=browser).status == 403
    mail = people.mail_to(running, "watch@shop.example", kind=None)
    assert "Secret key in a browser" in mail
    [told] = owner.get("/v1/alerts", {"state": "open", "rule": "key_in_browser"}).json["data"]
    assert owner.post(f"/v1/alerts/{told['id']}/resolve").json["resolved_by"] == f"person:{owner.id}"


def test_metrics_need_a_credential_that_was_given_them(running):
    assert fetch(running, "/metrics")[0] == 401
    assert fetch(running, "/metrics", running["secret_key"])[0] == 403
    made = running.command(
        "keys", "create", "--kind", "restricted", "--permission", "metrics=read", "--name", "scraper"
    )
    status, text = fetch(running, "/metrics", made.stdout.split()[0])
    assert status == 200
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"lockgate_requests", "lockgate_job_age_seconds", "lockgate_alerts_open", "lockgate_build_info"} <= names
    ages = {
        sample.labels["job"]: sample.value
        for family in text_string_to_metric_families(text)
        if family.name == "lockgate_job_age_seconds"
        for sample in family.samples
    }
    assert ages and min(ages.values()) < 60


def test_the_operator_routes_tests_silences_and_removes_from_the_command_line(running):
    with socket.create_server(("127.0.0.1", 0)) as collector:
        collector.settimeout(20)
        place = f"tcp://127.0.0.1:{collector.getsockname()[1]}"
        route = running.command("alerts", "routes", "add", "--syslog", place).stdout.strip()
        assert place in running.command("alerts", "routes", "list").stdout
        running.command("alerts", "test", route)
        line = b""
        while b"lockgate - test [lockgate@32473" not in line:  # that somebody made a route is told too
            taken, _ = collector.accept()
            with taken:
                line = taken.makefile("rb").read()
        assert b"This is a test" in line
    assert until(lambda: "delivered" in running.command("alerts", "deliveries", route).stdout)
    running.command("alerts", "routes", "remove", route)
    assert place not in running.command("alerts", "routes", "list").stdout
    refused = running.command("alerts", "routes", "add", "--syslog", "tcp://10.0.0.1:514", check=False)
    assert refused.returncode == 1 and "tls://" in refused.stderr
    made = running.command("alerts", "routes", "add", "--email", "ops@shop.example", "--min-severity", "critical")
    assert made.stdout.startswith("alrr_")
    silence = running.command("alerts", "silence", "limiter_failing", "--for", "1h", "--reason", "maintenance").stdout
    assert "maintenance" in running.command("alerts", "silences").stdout
    running.command("alerts", "silences", "--end", silence.strip())
    assert running.command("alerts", "silences").stdout == ""
    assert "failed_authentications.overall" in running.command("alerts", "rules").stdout
    assert running.command("alerts", "ack", "alrt_none", check=False).returncode == 1
