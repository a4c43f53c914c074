"""Metrics: counted exactly, in Prometheus' format, and shown to nobody who may not read them."""

import time
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lockgate.gateway.identity import create
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.web.app import App
from lockgate.gateway.web.metrics import Counts, text
from lockgate.gateway.web.server import Listener
from lockgate.kernel.errors import Kind
from lockgate.kernel.principal import Principal
from tests.gateway.web import door as doors


@pytest.fixture
async def door(database, tmp_path):
    opened = await doors.open_door(database, tmp_path)
    await opened.listener.stop()
    opened.ports = replace(opened.ports, own_account=opened.account)
    shop = opened.shop
    app = App(shop.operations(), {"owner": shop.load_owners, "thing": shop.load_things}, [], opened.ports)
    opened.listener = Listener(app, host="127.0.0.1", port=0, tls=opened.handshakes.context)
    await opened.listener.start()
    who = Principal(opened.account, False, "internal", "test")
    opened.keys["scraper"] = await scraper(opened.pool, who)
    yield opened
    await doors.close_door(opened)


async def scraper(pool, who):
    return await create.create(pool, who, pepper=doors.PEPPER, kind="restricted", permissions={"metrics": "read"})


def read(body):
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_counts_are_exact_and_the_text_is_read_by_prometheus_own_parser():
    counts = Counts()
    for status in (200, 201, 404, 500):
        counts.end(counts.begin(), "thing.get", status)
    counts.begin()
    counts.gone()
    counts.begin()
    counts.refused(Kind.RATE_LIMITED)
    found = read(text(counts, []))
    assert found["lockgate_requests_total", (("operation", "thing.get"), ("status", "2xx"))] == 2
    assert found["lockgate_requests_total", (("operation", "thing.get"), ("status", "4xx"))] == 1
    assert found["lockgate_refusals_total", (("kind", "rate_limited"),)] == 1
    assert found["lockgate_refusals_total", (("kind", "conflict"),)] == 0
    assert found["lockgate_limiter_decisions_total", (("verdict", "admitted"),)] == 3
    assert found["lockgate_requests_in_flight", ()] == 1
    assert found["lockgate_request_seconds_count", ()] == 4
    assert found["lockgate_request_seconds_bucket", (("le", "+Inf"),)] == 4


def test_counting_costs_a_request_a_few_microseconds():
    counts = Counts()
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(10_000):
            counts.end(counts.begin(), "thing.get", 200)
        best = min(best, time.perf_counter() - began)
    assert best / 10_000 < 20e-6


async def test_only_those_who_were_given_metrics_of_the_installation_read_them(door):
    assert (await door.ask("GET", "/metrics", key=None)).status == 401
    for key in ("publishable", "secret", "reader"):
        assert (await door.ask("GET", "/metrics", key=key)).status == 403
    async with door.pool.acquire() as connection, connection.transaction():
        other = await create_account(connection, by="test", name="Other", country="DE", currency="eur")
    door.keys["stranger"] = await scraper(door.pool, Principal(other.id, False, "internal", "test"))
    refused = await door.ask("GET", "/metrics", key="stranger")
    assert refused.status == 403 and "lockgate_" not in refused.body.decode()
    assert (await door.ask("POST", "/metrics", "a=b", key="scraper")).status == 405
    answer = await door.ask("GET", "/metrics", key="scraper")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await door.ask("GET", "/healthz", key=None)).body == b'{"status":"ok"}'


async def test_what_was_answered_refused_and_waits_is_in_them(door):
    await door.ask("GET", "/v1/things/thing_1")
    await door.ask("GET", "/v1/things/thing_missing")
    await door.ask("GET", "/v1/nowhere")
    await door.pool.execute(
        "insert into mail (id, kind, created, state, next_try_ms, sealed) values ('mail_1', 'k', 1, 'waiting', 1, 'x')"
    )
    await door.pool.execute(
        "insert into alert (account, id, rule, subject, severity, state, summary, count, first_ms, last_ms, opened_ms,"
        " evidence) values ($1, 'alrt_1', 'r', 's', 'high', 'open', '', 1, 1, 1, 1, '[]')",
        door.account,
    )
    found = read((await door.ask("GET", "/metrics", key="scraper")).body)
    assert found["lockgate_requests_total", (("operation", "thing.get"), ("status", "2xx"))] == 1
    assert found["lockgate_requests_total", (("operation", "thing.get"), ("status", "4xx"))] == 1
    assert found["lockgate_requests_total", (("operation", "none"), ("status", "4xx"))] == 1
    assert found["lockgate_refusals_total", (("kind", "not_found"),)] == 2
    assert found["lockgate_requests_in_flight", ()] == 1  # this very one
    assert found["lockgate_mail_waiting", ()] == 1 and found["lockgate_mail_oldest_age_seconds", ()] > 1e9
    assert found["lockgate_alerts_open", (("severity", "high"),)] == 1
    assert found["lockgate_alerts_open", (("severity", "low"),)] == 0
    assert found["lockgate_pool_connections", (("state", "most"),)] == 8
    assert found["lockgate_audit_unsealed_age_seconds", ()] >= 0
    assert door.account not in str(found)
