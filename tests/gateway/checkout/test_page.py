"""The page: what it shows in each state, what it never shows, and that nothing runs in it but the collector."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from lockgate.gateway.checkout.core import html
from lockgate.gateway.checkout.core.html import Seen
from lockgate.gateway.checkout.core.style import POLICY, POLICY_WITH_COLLECTOR
from lockgate.gateway.signals.script import script
from tests.gateway.checkout.counter import PAYMENT, SETUP

pytestmark = pytest.mark.asyncio
EVIL = '"><script>alert(1)</script>'


async def test_an_open_session_shows_what_is_bought_and_says_that_it_takes_no_card(counter):
    made = await counter.do(
        "create",
        {
            **PAYMENT, "cancel_url": "https://shop.test/cart?a=1&b=2", "customer_email": "ada@example.com",
            "line_items[0][price_data][product_data][description]": "With a lid", "metadata[secret]": "never-shown",
        },
    )  # fmt: skip
    answer = await counter.open_page(made["id"])
    text = answer.body.decode()
    assert answer.status == 200 and answer.content_type == "text/html; charset=utf-8"
    for wanted in ("A shop", "Teapot", "With a lid", "Quantity 2", "30.00 USD", "cannot take your card yet"):
        assert wanted in text, wanted
    assert 'href="https://shop.test/cart?a=1&amp;b=2"' in text
    for never in ("ada@example.com", "never-shown", "_secret_", made["payment_intent"], "shop.test/thanks", "<form",
                  "<input"):  # fmt: skip
        assert never not in text, never
    # One script: the collector, of our own address, as it was when the page was made.
    assert re.findall(r"<script[^>]*>", text) == re.findall(
        r'<script src="/collector/[0-9a-f]{20}\.js" integrity="sha256-[^"]+" [^>]*>', text
    ) and text.count("<script") == 1


async def test_a_finished_session_leads_onward(counter):
    made = await counter.do("create", {**PAYMENT, "cancel_url": "https://shop.test/cart"})
    await counter.pay(made)
    text = (await counter.open_page(made["id"])).body.decode()
    assert "Your payment is complete" in text
    assert f'href="https://shop.test/thanks?s={made["id"]}"' in text and "shop.test/cart" not in text


async def test_an_expired_session_leads_back(counter):
    made = await counter.do("create", {**PAYMENT, "cancel_url": "https://shop.test/cart"})
    await counter.do("expire", session=made["id"])
    text = (await counter.open_page(made["id"])).body.decode()
    assert "This page has expired" in text and "shop.test/cart" in text and "shop.test/thanks" not in text


async def test_a_payment_in_doubt_says_so(counter):
    made = await counter.do("create", PAYMENT)
    counter.till.line.faults = ["lost_after"]
    await counter.pay(made)
    assert "being processed" in (await counter.open_page(made["id"])).body.decode()


async def test_a_setup_session_has_nothing_to_pay(counter):
    text = (await counter.open_page((await counter.do("create", SETUP))["id"])).body.decode()
    assert "Save your card" in text and "Total" not in text


async def test_a_wrong_link_is_a_page_too(counter):
    answer = await counter.open_page("cs_test_nothing")
    assert answer.status == 404 and b"There is no such page" in answer.body and b"Test mode" not in answer.body


@pytest.mark.parametrize("state", ["open", "processing", "failed", "complete", "expired", "missing"])
async def test_whatever_a_merchant_writes_stays_text(state):
    item = {"name": EVIL, "description": EVIL, "quantity": 2, "amount": 100, "currency": "usd"}
    shown = html.page(
        Seen(EVIL, state, False, False, [item], 100, "usd", f"https://a.test/{EVIL}", f"https://a.test/{EVIL}")
    ).decode()
    assert "<script" not in shown and shown.count("<h1>") == 1 and 'lang="en"' in shown
    assert not re.search(r"\son\w+=|style=|<img|<link|src=", shown), "only the one sheet, and nothing from elsewhere"


async def test_the_policy_allows_the_sheet_and_nothing_else(counter):
    answer = await counter.open_page("cs_test_nothing")
    assert dict(answer.headers) == {"Content-Security-Policy": POLICY}
    [sheet] = re.findall(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
    assert f"'sha256-{b64encode(sha256(sheet.encode()).digest()).decode()}'" in POLICY
    assert POLICY.startswith("default-src 'none';") and "unsafe" not in POLICY and "script-src" not in POLICY
    assert "form-action 'none'" in POLICY and "frame-ancestors 'none'" in POLICY


async def test_an_open_page_runs_the_collector_and_no_other_script(counter):
    answer = await counter.open_page((await counter.do("create", PAYMENT))["id"])
    assert dict(answer.headers) == {"Content-Security-Policy": POLICY_WITH_COLLECTOR}
    assert "script-src 'self';" in POLICY_WITH_COLLECTOR and "unsafe" not in POLICY_WITH_COLLECTOR
    [tag] = re.findall(r"<script[^>]*>", answer.body.decode())
    assert script().integrity in tag and f'src="{script().path}"' in tag
    assert b"never at what you type" in answer.body
