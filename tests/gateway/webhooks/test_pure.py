"""The pure rules: which URLs, which addresses, how signed, when retried, which types."""

import json
import random
import re
import time
from pathlib import Path

import pytest
import stripe
from standardwebhooks import Webhook, WebhookVerificationError

from lockgate.gateway.webhooks.core import retry, sign, types, url
from lockgate.gateway.webhooks.core.addresses import is_public
from lockgate.kernel.errors import Refusal

HOUR_MS = 3_600_000
REFUSED = [
    "http://example.com/hook",                      # not https
    "ftp://example.com/hook",
    "//example.com/hook",
    "https:///hook",
    "https://user:secret@example.com/hook",
    "https://example.com@10.0.0.1/hook",
    "https://example.com:22/hook",
    "https://example.com:0/hook",
    "https://example.com:99999/hook",
    "https://127.0.0.1/hook",
    "https://127.1/hook",                           # short, decimal, octal and hexadecimal spellings of loopback
    "https://2130706433/hook",
    "https://0177.0.0.1/hook",
    "https://0x7f.0.0.1/hook",
    "https://0x7f000001/hook",
    "https://127.0.0.1./hook",
    "https://10.1.2.3/hook",
    "https://172.16.0.1/hook",
    "https://192.168.1.1/hook",
    "https://169.254.169.254/latest/meta-data/",    # cloud metadata
    "https://100.100.100.200/hook",                 # shared address space, another cloud's metadata
    "https://0.0.0.0/hook",
    "https://255.255.255.255/hook",
    "https://224.0.0.1/hook",
    "https://198.18.0.1/hook",
    "https://[::1]/hook",
    "https://[::]/hook",
    "https://[::ffff:127.0.0.1]/hook",              # mapped
    "https://[::ffff:a9fe:a9fe]/hook",
    "https://[64:ff9b::a00:1]/hook",                # NAT64 of 10.0.0.1
    "https://[64:ff9b:1::1]/hook",
    "https://[2002:7f00:1::]/hook",                 # 6to4 of 127.0.0.1
    "https://[2001:0:1::1]/hook",                   # Teredo
    "https://[fe80::1]/hook",
    "https://[fe80::1%25eth0]/hook",
    "https://[fc00::1]/hook",
    "https://[fec0::1]/hook",
    "https://[ff02::1]/hook",
    "https://[fd00:ec2::254]/hook",                 # cloud metadata over IPv6
    "https://localhost/hook",
    "https://hook.localhost/hook",
    "https://metadata.google.internal/hook",
    "https://printer.local/hook",
    "https://intranet/hook",
    "https://exa mple.com/hook",
    "https://example.com\\@10.0.0.1/hook",
    "https://exämple.com/hook",
    "https://example.com/\nhook",
    "https://example.com/hook#fragment",
    "https://" + "a" * 64 + ".com/hook",
    "https://example.com/" + "a" * 2048,
]  # fmt: skip


@pytest.mark.parametrize("given", REFUSED)
def test_urls_that_no_webhook_goes_to(given):
    with pytest.raises(Refusal) as refused:
        url.check(given, allow_private=False)
    assert (refused.value.code, refused.value.param) == ("url_invalid", "url")
    assert given not in refused.value.message


@pytest.mark.parametrize(
    "given",
    ["https://example.com/my/webhook?x=1", "https://hooks.shop.example:8443/", "https://8.8.8.8/", "https://[2606:4700::1]/"],
)
def test_urls_that_are_taken(given):
    assert url.check(given, allow_private=False).port in url.PORTS


def test_a_sandbox_may_go_to_itself_but_not_anywhere_odd():
    assert url.check("http://127.0.0.1:4242/hook", allow_private=True).address == "127.0.0.1"
    assert url.check("http://localhost:80/hook", allow_private=True).host == "localhost"
    for given in ("http://user@127.0.0.1/", "http://2130706433/", "gopher://127.0.0.1/"):
        with pytest.raises(Refusal):
            url.check(given, allow_private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public_addresses(address):
    assert is_public(address)


def test_both_kinds_of_receiver_accept_either_secret_and_refuse_what_was_altered():
    old, new = (sign.secret_from(random.randbytes(32)) for _ in "ab")
    body = '{"id":"evt_1","object":"event","data":{"object":{"name":"Zoë"}}}'.encode()
    now = int(time.time())
    headers = sign.headers("evt_1", body, timestamp=now, secrets=[new, old])
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers) == json.loads(body)
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
        assert event["id"] == "evt_1"
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body + b" ", headers)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", headers["Stripe-Signature"], secret)
    stale = sign.headers("evt_1", body, timestamp=now - 301, secrets=[new])
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body, stale)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, stale["Stripe-Signature"], new)
    other = sign.headers("evt_1", body, timestamp=now, secrets=[new])
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, other)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_retries_grow_and_end_after_three_days(jitter):
    now, waits, tries = 0, [], 0
    while True:
        tries += 1
        then = retry.next_try(now_ms=now, created_ms=0, tries=tries, jitter=jitter)
        if then is None:
            break
        waits.append(then - now)
        now = then
    assert now == 72 * HOUR_MS
    assert 12 <= len(waits) <= 20
    assert waits[0] <= 12_000 and waits[:-1] == sorted(waits[:-1])
    assert max(waits) <= 12 * HOUR_MS * 1.2


def test_retry_after_makes_the_wait_longer_never_shorter():
    short = retry.next_try(now_ms=0, created_ms=0, tries=1, jitter=0.5, retry_after_s=1)
    long = retry.next_try(now_ms=0, created_ms=0, tries=1, jitter=0.5, retry_after_s=600)
    endless = retry.next_try(now_ms=0, created_ms=0, tries=1, jitter=0.5, retry_after_s=10**9)
    assert (short, long, endless) == (10_000, 600_000, 24 * HOUR_MS)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), (None, None), ("soon", None), ("-5", None), ("Sun, 06 Nov 1994 08:49:37 GMT", 97), ("1" * 99, None)],
)
def test_retry_after_header(header, seconds):
    assert retry.retry_after(header, now=784_111_680) == seconds


def test_enabled_events():
    assert types.checked(["charge.failed", "charge.failed"]) == ["charge.failed"]
    assert types.checked(["charge.failed", "*"]) == ["*"]
    for bad in ([], ["charge.*"], ["nope"]):
        with pytest.raises(Refusal):
            types.checked(bad)


def test_every_type_that_the_gateway_emits_can_be_asked_for():
    source = Path(types.__file__).parents[2]
    said = set()
    for file in source.rglob("*.py"):
        said |= set(re.findall(r'Happening\(\s*"([a-z_.]+)"', file.read_text()))
    assert said and said <= set(types.EVENT_TYPES)


def test_the_page_for_receivers_names_every_type():
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
    assert set(re.findall(r"`([a-z_.]+)`", page.partition("## Types")[2])) == set(types.EVENT_TYPES)
