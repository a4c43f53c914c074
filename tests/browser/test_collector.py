"""The collector in a real browser, on our page and on a shop's: what it sends, what it never sees, whom it tells."""

import json
import math
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route

from lockgate.gateway.signals.core import params
from lockgate.gateway.signals.script import script
from lockgate.kernel.params import nest
from tests.bench.risk.trails import Happening, Point, strokes
from tests.support.door import Client
from tests.support.running import Running

SHOP = "https://shop.test"
SECRETS = {"name": "Xanthippe Quillfeather", "email": "zq-7781@walrus.example", "cc": "4242424242424242", "csc": "917"}
FORM = """<!doctype html><title>Shop</title><form data-lockgate method="get" action="/paid">
<input autocomplete="name" id="name"><input type="email" id="email"><input autocomplete="cc-number" id="cc">
<input autocomplete="cc-csc" id="csc"><input type="password" id="password"><button>Pay</button></form>
<script src="%s/collector/v1.js" data-key="%s" %s></script>"""


class Shop:
    """A merchant's page in a browser of its own, and the reports that left it."""

    def __init__(self, context: BrowserContext, api: str, key: str) -> None:
        self.api, self.key = api, key
        self.page = context.new_page()
        self.sent: list[Request] = []
        self.faults: list[str] = []
        self.page.on("request", lambda request: self.sent.append(request) if request.method == "POST" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self, attributes: str = "") -> None:
        html = FORM % (self.api, self.key, attributes)

        def serve(route: Route) -> None:
            route.fulfill(body=html, content_type="text/html")

        self.page.route(f"{SHOP}/**", serve)
        self.page.goto(f"{SHOP}/")
        self.page.wait_for_function("window.Lockgate !== undefined")
        self.page.wait_for_load_state("networkidle")

    def pay(self) -> str | None:
        """Submit; the id of the session that came with it."""
        with self.page.expect_navigation(url=re.compile("/paid")):
            self.page.get_by_role("button").click()
        return dict(parse_qsl(urlsplit(self.page.url).query)).get("radar_options[session]")

    @property
    def body(self) -> str:
        [report] = self.sent
        return report.post_data or ""

    @property
    def signals(self) -> dict[str, Any]:
        return params.CREATE.parse(nest([pair for pair in parse_qsl(self.body) if pair[0] != "key"]), "")["signals"]


HIDDEN = "Object.defineProperty(Navigator.prototype, 'webdriver', {get: () => false})"


@contextmanager
def browsing(chromium: Browser, running: Running, *, disguised: bool = False) -> Iterator[Shop]:
    """A browser of one's own; ``disguised``: it does not say that it is steered, nor that nobody sees it."""
    agent = (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{chromium.version.split('.')[0]}.0.0.0 Safari/537.36"
    )
    context = chromium.new_context(
        ignore_https_errors=True, locale="de-DE", timezone_id="Europe/Berlin", user_agent=agent if disguised else None
    )
    context.grant_permissions(["local-network-access"])  # a shop on the internet, and a gateway on this machine
    if disguised:
        context.add_init_script(HIDDEN)
    try:
        yield Shop(context, running["api"], running["publishable_key"])
    finally:
        context.close()


@pytest.fixture
def shop(chromium: Browser, running: Running) -> Iterator[Shop]:
    with browsing(chromium, running) as opened:
        yield opened


@pytest.fixture
def merchant(running: Running) -> Iterator[Client]:
    client = Client(running["api"], running["ca_file"], running["secret_key"])
    yield client
    client.close()


def typed(page: Page, field: str, text: str, *, chance: random.Random) -> None:
    """As a person types: each key held for its time, each next one after another."""
    page.locator(f"#{field}").click()
    for sign in text:
        page.keyboard.down(sign)
        time.sleep(chance.uniform(0.02, 0.05))
        page.keyboard.up(sign)
        time.sleep(chance.lognormvariate(-3.6, 0.6))


def test_a_shops_form_gets_a_session_and_the_merchant_a_judgement(shop, merchant):
    shop.open()
    for field, text in {"name": "Anna Example", "email": "anna@shop.test"}.items():
        typed(shop.page, field, text, chance=random.Random(1))
    session = shop.pay()
    assert session is not None and session.startswith("rse_") and shop.faults == []
    found = merchant.get(f"/v1/radar/sessions/{session}").json
    assert found["signals"]["is_webdriver"] is True and found["signals"]["bot_score"] >= 90
    assert "user_agent" not in found["signals"]["conflicts"] and "time_zone" not in found["signals"]["conflicts"]
    assert len(shop.body) <= 4096


def test_nothing_of_what_is_typed_leaves_the_page_and_no_order_either(shop):
    shop.open()
    for field, text in SECRETS.items():
        typed(shop.page, field, text, chance=random.Random(2))
    typed(shop.page, "password", "correct horse", chance=random.Random(3))
    shop.page.locator("#csc").click()
    for key in ("End", "Backspace"):
        shop.page.keyboard.press(key)
    shop.pay()
    text = shop.body.replace(shop.key, "").lower()
    for secret in SECRETS.values():
        pieces = {secret, *secret.split(), secret[:6], secret[-4:]} if len(secret) > 4 else {f"={secret}&"}
        assert not [piece for piece in pieces if piece.lower() in text]
    signals = shop.signals
    assert set(signals["card"]) <= {"count", "corrections", "hold_mean", "hold_deviation", "gap_mean", "gap_deviation"}
    assert signals["card"]["count"] == 16 + 3 + 2 and signals["visit"]["corrections"] == 1
    assert set(signals["typing"]) == {"name", "email"}
    for times in signals["typing"].values():
        assert all(one == sorted(one) and len(one) <= 32 for one in times.values())
    assert signals["visit"]["keys"] == sum(len(text) for text in SECRETS.values()) + 2, "the password was looked at"


def test_a_field_that_does_not_say_what_it_is_for_is_known_by_sums_and_a_shown_password_by_nothing(shop):
    shop.open()
    shop.page.evaluate("""document.forms[0].insertAdjacentHTML("afterbegin", '<input type="tel" id="number">'
        + '<input type="text" autocomplete="current-password" id="shown">')""")
    for field in ("number", "shown"):
        typed(shop.page, field, "4242424242424242", chance=random.Random(5))
    shop.pay()
    assert "typing" not in shop.signals and shop.signals["other"]["count"] == 16
    assert shop.signals["visit"]["keys"] == 16, "the password was looked at"


def test_the_same_key_times_make_the_same_report_whatever_is_typed_in_whichever_order(chromium, running):
    """Two values typed with the same times, in another order: nothing in the reports tells them apart."""
    reports = []
    for word, turned in (("abcd@fghij", False), ("zyxw@utsrq", True)):
        with browsing(chromium, running) as shop:
            shop.open()
            shop.page.locator("#email").focus()
            played(shop.page, word, turned=turned)
            shop.pay()
            reports.append(shop.signals["typing"])
    assert reports[0] == reports[1] and len(reports[0]["email"]["holds"]) == 10


def played(page: Page, word: str, *, turned: bool) -> None:
    """Real key events at times of our own."""
    devtools, at = page.context.new_cdp_session(page), time.time()
    holds = [60, 80, 95, 70, 110, 85, 75, 90, 65, 100]
    gaps = [150, 180, 130, 210, 160, 120, 190, 140, 170]
    if turned:
        gaps.reverse()
        holds.reverse()
    for sign, hold, gap in zip(word, holds, [*gaps, 0], strict=True):
        for kind, when in (("keyDown", at), ("keyUp", at + hold / 1000)):
            devtools.send("Input.dispatchKeyEvent", {"type": kind, "key": sign, "text": sign, "timestamp": when})
        at += gap / 1000


def test_what_scripts_make_up_counts_as_made_up(shop):
    shop.open()
    shop.page.evaluate("""() => [...'abcdefghij'].forEach(sign => document.querySelector('#email')
        .dispatchEvent(new KeyboardEvent('keydown', { key: sign, bubbles: true })))""")
    shop.pay()
    assert shop.signals["visit"]["untrusted"] == 10 and "email" not in shop.signals.get("typing", {})


@pytest.mark.parametrize("attributes", ['data-consent="required"', ""])
def test_without_consent_nothing_is_sent_and_nobody_is_held_up(shop, merchant, attributes):
    if not attributes:
        merchant.post("/v1/radar/collector", {"collector": "off"})
    try:
        shop.open(attributes)
        shop.page.locator("#name").press_sequentially("Anna")
        assert shop.pay() is None and shop.sent == []
    finally:
        merchant.post("/v1/radar/collector", {"collector": "notice"})


def test_a_banner_switches_it_on_and_the_device_is_known_again(shop, merchant):
    sessions = []
    for _ in range(2):
        shop.open('data-consent="required"')
        shop.page.evaluate("Lockgate.collector.consent(true)")
        shop.page.locator("#name").press_sequentially("Anna", delay=30)
        sessions.append(shop.pay())
    first, second = (merchant.get(f"/v1/radar/sessions/{one}").json["signals"] for one in sessions)
    assert (first["is_device_new"], second["is_device_new"]) == (True, False)
    shop.open()
    shop.page.evaluate("Lockgate.collector.consent(false)")
    assert shop.page.evaluate("Object.keys(localStorage).length") == 0


def test_strokes_are_summed_up_as_the_measured_ones_are(shop):
    """G6 measures strokes that Python sums up: the browser's own must be the same."""
    shop.open()
    shop.page.evaluate("""window.trail = []; for (const type of ['pointermove', 'pointerdown', 'pointerup'])
        addEventListener(type, e => trail.push([e.timeStamp, e.clientX, e.clientY, type]), true)""")
    chance, mouse = random.Random(4), shop.page.mouse
    for _ in range(3):
        for place in range(15):
            mouse.move(100 + 20 * place + chance.random() * 9, 200 + 6 * place + chance.random() * 9)
            time.sleep(0.012)
        mouse.down()
        time.sleep(0.05)
        mouse.up()
    trail = shop.page.evaluate("trail")
    shop.page.evaluate("Lockgate.collector.session()")
    shop.page.wait_for_load_state("networkidle")
    kinds: dict[str, Happening] = {"pointermove": "move", "pointerdown": "press", "pointerup": "release"}
    ours = list(strokes(Point(at, x, y, kinds[kind]) for at, x, y, kind in trail))
    assert shop.signals["pointer"]["strokes"] == ours and len(ours) == 3


def test_the_hosted_page_runs_it_under_its_policy_and_names_the_device_in_a_cookie(chromium, running, merchant):
    made = merchant.post("/v1/checkout/sessions", {
        "mode": "payment", "success_url": f"{SHOP}/done", "cancel_url": f"{SHOP}/cart",
        "line_items[0][quantity]": 1, "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": 1200, "line_items[0][price_data][product_data][name]": "Tea",
    }).json  # fmt: skip
    context = chromium.new_context(ignore_https_errors=True)
    page, faults, answers = context.new_page(), [], []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/signals") else None)
    page.route(f"{SHOP}/**", lambda route: route.fulfill(body="the cart"))
    try:
        page.goto(made["url"])
        assert "never at what you type" in page.inner_text("footer")
        page.mouse.move(50, 60)
        id_ = page.evaluate("Lockgate.collector.session()")
        assert id_ and id_.startswith("rse_") and faults == []
        [cookie] = [one for one in context.cookies() if "lockgate-device" in one["name"]]
        assert cookie["httpOnly"] and cookie["secure"] and cookie["name"].startswith("__Host-")
        assert answers[0].json()["device"] is None
        found = merchant.get(f"/v1/radar/sessions/{id_}").json["signals"]
        assert found["bot_score"] >= 90 and found["is_webdriver"]
        merchant.post("/v1/radar/collector", {"collector": "ask"})
        page.goto(made["url"])
        assert page.evaluate("Lockgate.collector.session()") is None, "nobody agreed"
        page.goto(made["url"])
        page.get_by_role("checkbox").check()
        assert page.evaluate("Lockgate.collector.session()")
        merchant.post("/v1/radar/collector", {"collector": "off"})
        policy = page.goto(made["url"]).headers["content-security-policy"]
        assert "script-src" not in policy and page.evaluate("window.Lockgate === undefined")
    finally:
        merchant.post("/v1/radar/collector", {"collector": "notice"})
        context.close()


@pytest.mark.parametrize("disguised", [False, True])
def test_a_headless_browser_that_fills_the_form_is_told_every_time(chromium, running, merchant, disguised):
    """With its admissions, and without them: then by how it types, fills and points."""
    ways = [
        lambda page, field, text: page.fill(f"#{field}", text),
        lambda page, field, text: page.locator(f"#{field}").press_sequentially(text),
        lambda page, field, text: page.locator(f"#{field}").press_sequentially(text, delay=12),
    ]
    for way in ways:
        with browsing(chromium, running, disguised=disguised) as shop:
            shop.open()
            for field, text in SECRETS.items():
                way(shop.page, field, text)
            found = merchant.get(f"/v1/radar/sessions/{shop.pay()}").json["signals"]
            assert found["bot_score"] >= 75, (disguised, found["signs"])


def test_who_types_and_points_like_a_person_is_taken_for_one(chromium, running, merchant):
    """The same browser without its admissions, driven as a hand would: else the score above said nothing."""
    chance = random.Random(8)
    with browsing(chromium, running, disguised=True) as shop:
        shop.open()
        by_hand(shop.page, chance)
        found = merchant.get(f"/v1/radar/sessions/{shop.pay()}").json["signals"]
    assert found["bot_score"] < 30, found["signs"]


def by_hand(page: Page, chance: random.Random) -> None:
    """Fills the form as a person does, as far as the collector can see."""
    at = (400.0, 400.0)
    for field, text in {"name": "Anna Example", "email": "anna@shop.test", "cc": "4242424242424242"}.items():
        box = page.locator(f"#{field}").bounding_box()
        assert box is not None
        to = (box["x"] + box["width"] * chance.uniform(0.2, 0.8), box["y"] + box["height"] * chance.uniform(0.3, 0.7))
        for place in range(1, 19):  # fast in the middle, on an arc, with a tremor
            part = (1 - math.cos(math.pi * place / 18)) / 2
            bend = 25 * math.sin(math.pi * part)
            x, y = (start + (end - start) * part for start, end in zip(at, to, strict=True))
            page.mouse.move(x + bend + chance.gauss(0, 0.8), y + bend / 2 + chance.gauss(0, 0.8))
            time.sleep(0.012)
        at = to
        page.mouse.move(*to)
        page.mouse.down()
        time.sleep(0.08)
        page.mouse.up()
        for sign in text:
            page.keyboard.down(sign)
            time.sleep(chance.lognormvariate(-2.6, 0.22))
            page.keyboard.up(sign)
            time.sleep(chance.lognormvariate(-2.5, 0.8))


def test_the_script_is_small_kept_forever_under_its_own_name_and_open_to_every_page(running):
    import http.client
    import ssl

    place = urlsplit(running["api"])
    context = ssl.create_default_context(cafile=running["ca_file"])

    def get(path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(place.hostname or "", place.port, context=context)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    fixed, stable = get(script().path), get("/collector/v1.js")
    assert fixed.read() == stable.read() == script().body
    assert fixed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert stable.headers["cache-control"] == "public, max-age=3600"
    for answer in (fixed, stable):
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
    again = get("/collector/v1.js", **{"If-None-Match": stable.headers["etag"]})
    assert again.status == 304 and again.read() == b""
    assert get("/collector/other.js").status == 404
    assert json.loads(get("/collector/other.js").read())["error"]
