"""Deliveries to real receivers: signed, retried, not redirected, not lost with a worker, not to private addresses."""

import asyncio
import json
import socket
import ssl
import time

import pytest
import stripe
import trustme
from aiohttp import web
from standardwebhooks import Webhook

from lockgate.gateway.webhooks import store
from lockgate.gateway.webhooks.core import versions
from lockgate.gateway.webhooks.deliver import Sender
from lockgate.gateway.webhooks.dispatch import LEASE_MS, PLACES_PER_ENDPOINT, Dispatcher
from lockgate.gateway.webhooks.fanout import fan_out
from lockgate.kernel.errors import Refusal
from tests.gateway.webhooks.desk import open_room, receiving


@pytest.fixture
async def room(database):
    async with open_room(database) as opened:
        yield opened


async def test_an_event_reaches_each_endpoint_that_wants_it_once_with_good_signatures(room):
    async with receiving() as one, receiving() as two, receiving() as deaf:
        first = await room.endpoint(one.url, "charge.succeeded")
        await room.endpoint(two.url)
        await room.endpoint(deaf.url, "charge.failed")
        event = await room.happen(name="Asha")
        assert (await room.desk.do("event.get", event=event))["pending_webhooks"] == 0
        await fan_out(room.worker.pool, now_ms=room.now_ms())
        assert (await room.desk.do("event.get", event=event))["pending_webhooks"] == 2
        await asyncio.gather(room.work(), room.work())
        assert (len(one.got), len(two.got), len(deaf.got)) == (1, 1, 0)
        headers, body = one.got[0]
        sent = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], first["secret"])
        assert Webhook(first["secret"]).verify(body, headers)["id"] == headers["webhook-id"] == sent["id"] == event
        assert json.loads(body)["data"]["object"]["name"] == "Asha"
        assert json.loads(body)["request"] == {"id": "req_1", "idempotency_key": "key-1"}
        [delivery] = await room.deliveries(first)
        assert delivery["status"] == "delivered" and delivery["attempts"][0]["http_status"] == 200
        assert (await room.desk.do("event.get", event=event))["pending_webhooks"] == 0
        await room.work()
        assert len(one.got) == 1


async def test_many_fan_outs_at_once_make_each_delivery_once(room):
    endpoint = await room.endpoint("http://127.0.0.1:9/hook")
    for _ in range(30):
        await room.happen()
    done = await asyncio.gather(*(store.fan_out(room.worker.pool, now_ms=room.now_ms(), limit=5) for _ in range(12)))
    while await fan_out(room.worker.pool, now_ms=room.now_ms()):
        pass
    assert len(await room.deliveries(endpoint)) == 30 and sum(done) <= 30
    assert await room.desk.pool.fetchval("select count(*) from outbox") == 0


async def test_failures_are_retried_with_a_fresh_signature(room):
    async with receiving(lambda number: web.Response(status=500 if number < 3 else 204)) as receiver:
        endpoint = await room.endpoint(receiver.url)
        await room.happen()
        await room.work()
        await room.work()
        assert len(receiver.got) == 1
        for _ in range(2):
            room.pass_time(60)
            await room.work()
        stamps = [headers["webhook-timestamp"] for headers, _ in receiver.got]
        assert len(set(stamps)) == 3
        [delivery] = await room.deliveries(endpoint)
        assert [one["outcome"] for one in delivery["attempts"]] == ["refused", "refused", "delivered"]


async def test_429_waits_as_long_as_the_receiver_asks(room):
    busy = web.Response
    async with receiving(lambda number: busy(status=429, headers={"Retry-After": "3600"})) as receiver:
        endpoint = await room.endpoint(receiver.url)
        await room.happen()
        await room.work()
        [delivery] = await room.deliveries(endpoint)
        assert 3590 <= delivery["next_attempt_at"] - room.desk.now <= 3610
        room.pass_time(3000)
        await room.work()
        assert len(receiver.got) == 1
        room.pass_time(700)
        await room.work()
        assert len(receiver.got) == 2


async def test_410_disables_at_once_and_says_so(room):
    async with receiving(lambda number: web.Response(status=410)) as gone, receiving() as witness:
        endpoint = await room.endpoint(gone.url, "charge.succeeded")
        await room.endpoint(witness.url, "lockgate.webhook_endpoint.disabled")
        await room.happen()
        await room.work()
        shown = await room.desk.do("webhook_endpoint.get", webhook_endpoint=endpoint["id"])
        assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
        await room.happen()
        await room.work()
        assert len(gone.got) == 1
        told = json.loads(witness.got[0][1])
        assert told["data"]["object"]["id"] == endpoint["id"] and told["data"]["object"]["secret"] is None
        audits = await room.desk.pool.fetch("select action from audit")
        assert "webhook_endpoint.disable" in {row["action"] for row in audits}


async def test_three_days_without_success_disable_and_success_in_between_does_not(room):
    async with receiving(lambda number: web.Response(status=503)) as broken:
        endpoint = await room.endpoint(broken.url, "charge.succeeded")
        await room.happen()
        for _ in range(30):
            await room.work()
            room.pass_time(4 * 3600)
        [delivery] = await room.deliveries(endpoint)
        assert delivery["status"] == "failed" and len(delivery["attempts"]) >= 10
        shown = await room.desk.do("webhook_endpoint.get", webhook_endpoint=endpoint["id"])
        assert (shown["status"], shown["disabled_reason"]) == ("disabled", "failing")
        on = await room.desk.do("webhook_endpoint.update", webhook_endpoint=endpoint["id"], disabled=False)
        assert (on["status"], on["disabled_reason"]) == ("enabled", None)
        bad = await room.happen()
        broken.answer = lambda number: web.Response(
            status=503 if json.loads(broken.got[-1][1])["id"] == bad else 200
        )
        for _ in range(30):
            await room.happen()
            await room.work()
            room.pass_time(4 * 3600)
        shown = await room.desk.do("webhook_endpoint.get", webhook_endpoint=endpoint["id"])
        assert shown["status"] == "enabled"


async def test_redirects_are_failures_and_are_not_followed(room):
    async with receiving() as elsewhere:
        moved = lambda number: web.Response(status=307, headers={"Location": elsewhere.url})  # noqa: E731
        async with receiving(moved) as receiver:
            endpoint = await room.endpoint(receiver.url)
            await room.happen()
            await room.work()
            [delivery] = await room.deliveries(endpoint)
            assert delivery["attempts"][0]["outcome"] == "redirected" and delivery["status"] == "waiting"
            assert elsewhere.got == []


async def test_a_slow_endpoint_does_not_hold_up_another(database):
    async def never(number):
        await asyncio.sleep(60)

    async with (
        open_room(database, timeout_s=3) as room,
        receiving(never) as slow,
        receiving() as quick,
    ):
        await room.endpoint(slow.url, "charge.failed")
        await room.endpoint(quick.url, "charge.succeeded")
        for _ in range(3 * PLACES_PER_ENDPOINT):
            await room.happen("charge.failed")
        await fan_out(room.worker.pool, now_ms=room.now_ms())
        await room.dispatcher.run()
        began = time.monotonic()
        await room.happen("charge.succeeded")
        await fan_out(room.worker.pool, now_ms=room.now_ms())
        while not quick.got:
            await room.dispatcher.run()
            await asyncio.sleep(0.01)
        assert time.monotonic() - began < 2
        assert len(slow.got) <= PLACES_PER_ENDPOINT
        await room.dispatcher.settle()
        outcomes = await room.desk.pool.fetch("select distinct outcome from delivery_attempt order by 1")
        assert [row["outcome"] for row in outcomes] == ["delivered", "timeout"]


async def test_a_worker_killed_while_sending_leaves_a_lease_that_runs_out(room):
    async def hang(number):
        if number == 1:
            await asyncio.sleep(60)
        return web.Response(status=200)

    async with receiving(hang) as receiver:
        endpoint = await room.endpoint(receiver.url)
        await room.happen()
        await fan_out(room.worker.pool, now_ms=room.now_ms())
        await room.dispatcher.run()
        while not receiver.got:
            await asyncio.sleep(0.01)
        await room.dispatcher.close()  # dies without writing anything down
        other = Dispatcher(room.worker, Sender(allow_private=True), now_ms=room.now_ms)
        assert await other.run() == 0
        room.pass_time(LEASE_MS / 1000 + 1)
        assert await other.run() == 1
        await other.settle()
        ids = {headers["webhook-id"] for headers, _ in receiver.got}
        assert len(receiver.got) == 2 and len(ids) == 1
        [delivery] = await room.deliveries(endpoint)
        assert delivery["status"] == "delivered"


async def test_rotation_signs_with_both_secrets_until_the_old_one_ends(room):
    async with receiving() as receiver:
        endpoint = await room.endpoint(receiver.url)
        again = await room.desk.do("webhook_endpoint.rotate_secret", webhook_endpoint=endpoint["id"], overlap_s=3600)
        old, new = endpoint["secret"], again["secret"]
        shown = await room.desk.do("webhook_endpoint.get", webhook_endpoint=endpoint["id"])
        assert old != new and shown["secret"] is None
        await room.happen()
        await room.work()
        headers, body = receiver.got[0]
        for secret in (old, new):
            Webhook(secret).verify(body, headers)
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
        room.pass_time(3700)
        await room.happen()
        await room.work()
        headers, body = receiver.got[1]
        verify = stripe.WebhookSignature.verify_header
        assert verify(body.decode(), headers["Stripe-Signature"], new, None)
        with pytest.raises(stripe.SignatureVerificationError):
            verify(body.decode(), headers["Stripe-Signature"], old, None)


async def test_secrets_are_not_in_the_database(room):
    endpoint = await room.endpoint("http://127.0.0.1:9/hook")
    for table in ("webhook_endpoint", "audit"):
        for row in await room.desk.pool.fetch(f"select * from {table}"):
            assert endpoint["secret"] not in str(tuple(row))
            assert endpoint["secret"][6:].encode() not in b"".join(v for v in row.values() if isinstance(v, bytes))


async def test_an_event_can_be_sent_again(room):
    async with receiving() as one, receiving() as two:
        first = await room.endpoint(one.url)
        await room.endpoint(two.url)
        event = await room.happen()
        await room.work()
        await room.desk.do("event.redeliver", "key-again", event=event, webhook_endpoint=first["id"])
        await room.work()
        assert (len(one.got), len(two.got)) == (2, 1)
        assert {headers["webhook-id"] for headers, _ in one.got} == {event}
        [delivery] = await room.deliveries(first)
        assert [attempt["number"] for attempt in delivery["attempts"]] == [1, 2]
        await room.desk.do("event.redeliver", event=event)
        await room.work()
        assert (len(one.got), len(two.got)) == (3, 2)
        await room.desk.do("webhook_endpoint.delete", webhook_endpoint=first["id"])
        with pytest.raises(Refusal):
            await room.desk.do("event.redeliver", event=event, webhook_endpoint=first["id"])


async def test_deleted_and_disabled_endpoints_get_nothing_more(room):
    async with receiving(lambda number: web.Response(status=500)) as receiver:
        endpoint = await room.endpoint(receiver.url)
        await room.happen()
        await room.work()
        await room.desk.do("webhook_endpoint.delete", webhook_endpoint=endpoint["id"])
        room.pass_time(3600)
        await room.work()
        assert len(receiver.got) == 1
        assert await store.give_up_disabled(room.worker.pool, limit=10) == 1
        assert await store.purge(room.worker.pool, before=room.desk.now + 1, limit=10) == 1
        assert await room.desk.pool.fetchval("select count(*) from delivery_attempt") == 0


async def test_tls_is_verified_and_the_name_is_sent(database):
    authority, stranger = trustme.CA(), trustme.CA()
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting, distrusting = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(trusting)
    stranger.configure_trust(distrusting)
    async with receiving(tls=context) as receiver:
        good = await Sender(allow_private=True, tls=trusting).send(receiver.url, headers={}, body=b"{}")
        bad = await Sender(allow_private=True, tls=distrusting).send(receiver.url, headers={}, body=b"{}")
    assert (good.outcome, bad.outcome, len(receiver.got)) == ("delivered", "certificate_refused", 1)
    assert names[0] == "localhost" and receiver.got[0][0]["Host"].startswith("localhost:")


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["169.254.169.254"], ["::ffff:10.0.0.1"], ["64:ff9b::7f00:1"], ["8.8.8.8", "10.0.0.1"]]
)
async def test_a_name_that_leads_inside_is_refused_at_each_try(answers):
    async def resolve(host, port):
        kind = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(kind[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in answers]

    sent = await Sender(allow_private=False, resolve=resolve).send("https://rebinding.example/", headers={}, body=b"{}")
    assert (sent.outcome, sent.status) == ("address_refused", None)


async def test_a_rebinding_name_is_resolved_once_for_each_try():
    asked = []

    async def resolve(host, port):
        asked.append(host)
        # Public when it is checked; whoever asked a second time would be led inside.
        address = "192.0.2.1" if len(asked) > 1 else "2606:4700::9999"
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port))]

    sender = Sender(allow_private=False, resolve=resolve, timeout_s=0.5)
    first = await sender.send("https://rebinding.example/", headers={}, body=b"{}")
    assert first.outcome in ("connection_failed", "timeout") and asked == ["rebinding.example"]
    second = await sender.send("https://rebinding.example/", headers={}, body=b"{}")
    assert second.outcome == "address_refused" and len(asked) == 2


async def test_a_stored_private_url_is_refused_at_sending_too():
    for given in ("https://127.0.0.1/", "http://example.com/", "https://[::1]:8443/"):
        assert (await Sender(allow_private=False).send(given, headers={}, body=b"")).outcome == "url_refused"


async def test_an_endless_answer_is_cut_off(room):
    async def pour(request_number):
        return web.Response(status=200, body=b"x" * 5_000_000)

    async with receiving(pour) as receiver:
        endpoint = await room.endpoint(receiver.url)
        await room.happen()
        await room.work()
        [delivery] = await room.deliveries(endpoint)
        assert delivery["status"] == "delivered"


async def test_list_events_by_type_group_object_and_success(room):
    async with receiving(lambda number: web.Response(status=500)) as receiver:
        await room.endpoint(receiver.url, "charge.failed")
        failed, done = await room.happen("charge.failed"), await room.happen("refund.created")
        await room.work()

        async def ids(**form):
            return [one["id"] for one in (await room.desk.do("event.list", form=form))["data"]]

        assert await ids() == [done, failed]
        assert await ids(type="charge.*") == [failed]
        assert await ids(**{"types[0]": "refund.created", "types[1]": "x.y"}) == [done]
        assert await ids(delivery_success=False) == [failed]
        assert await ids(delivery_success=True) == [done]
        about = (await room.desk.do("event.get", event=done))["data"]["object"]["id"]
        assert await ids(related_object=about) == [done]
        assert await ids(limit=1, starting_after=done) == [failed]
        assert await ids(ending_before=failed) == [done]


async def test_an_endpoint_gets_events_in_the_version_that_it_asked_for(room):
    async with receiving() as receiver:
        form = {"url": receiver.url, "enabled_events[0]": "*"}
        made = await room.desk.do("webhook_endpoint.create", form={**form, "api_version": "2024-06-20"})
        assert made["api_version"] == "2024-06-20"
        plain = await room.endpoint(receiver.url)
        assert plain["api_version"] is None
        changed = await room.desk.do(
            "webhook_endpoint.update", webhook_endpoint=made["id"], form={"description": "kept"}
        )
        assert changed["api_version"] == "2024-06-20"
        await room.happen()
        await room.work()
        told = sorted(json.loads(body)["api_version"] for _, body in receiver.got)
        assert told == ["2024-06-20", "2026-08-26.dahlia"]


@pytest.mark.parametrize("version", ["2022-08-01", "2019-12-03", "yesterday", "2024-06-20.UPPER"])
async def test_a_version_that_events_cannot_take_is_refused_by_name(room, version):
    with pytest.raises(Refusal) as refused:
        await room.desk.do(
            "webhook_endpoint.create",
            form={"url": "https://127.0.0.1:9/", "enabled_events[0]": "*", "api_version": version},
        )
    assert refused.value.param == "api_version"


def test_a_sessions_mode_goes_by_the_name_of_the_endpoints_time():
    event = {
        "type": "checkout.session.completed", "api_version": "2026-10-28.endive",
        "data": {"object": {"ui_mode": "hosted_page"}},
    }  # fmt: skip
    assert versions.shown(event, "2024-06-20")["data"]["object"]["ui_mode"] == "hosted"
    assert versions.shown(event, "2026-10-28")["data"]["object"]["ui_mode"] == "hosted_page"
    assert event["data"]["object"]["ui_mode"] == "hosted_page"
