"""The consent page in a real browser: what it shows, what it lets through, and that no other page can hold it."""

import shutil
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, sync_playwright

from tests.gateway.oauth.realm import BACK, Grant, Realm

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium)")


@pytest.fixture
def context(realm: Realm) -> Iterator[BrowserContext]:
    """A browser in which the owner is signed in; the app's own site is played by the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(ignore_https_errors=True)
        context.add_cookies(
            [{"name": "__Host-session", "value": realm.owner.again().tokens["access_token"], "url": realm.issuer,
              "secure": True, "httpOnly": True, "sameSite": "Lax"}]
        )  # fmt: skip
        context.route("https://app.example/**", lambda route: route.fulfill(body="<title>the app</title>"))
        context.route("https://evil.example/**", _frame)
        yield context
        browser.close()


def _frame(route: Route) -> None:
    """A page of somebody else's with one of ours in it."""
    held = route.request.url.partition("?to=")[2]
    route.fulfill(content_type="text/html", body=f"<iframe src='{held}'></iframe>")


def opened(context: BrowserContext, url: str) -> tuple[Page, list[str]]:
    """A page, and what the browser complained of on it."""
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(url)
    return page, complaints


def test_oauth_19_a_person_reads_chooses_and_goes_back_to_the_app(realm: Realm, context: BrowserContext):
    app = realm.app(name="Ledger Sync")
    asked, verifier = realm.question(app, scope="refunds=write balance=read")
    page, complaints = opened(context, f"{realm.issuer}/oauth/authorize?{urlencode(asked)}")
    assert page.get_by_role("heading", name="Ledger Sync asks for access").is_visible()
    assert page.get_by_text("Test mode: no real money").is_visible()
    assert page.get_by_text(realm.running["account"]).is_visible()
    assert page.get_by_label("Refunds").input_value() == "write"
    page.get_by_label("Refunds").select_option("read")
    page.get_by_role("button", name="Let Ledger Sync in").click()
    page.wait_for_url(f"{BACK}?**")
    answered = parse_qs(urlsplit(page.url).query)
    assert answered["state"] == [asked["state"]] and answered["iss"] == [realm.issuer]
    assert complaints == []
    tokens = realm.token(app, Grant(answered["code"][0], verifier, page.url)).json
    assert tokens["scope"] == "balance=read refunds=read"


def test_a_no_goes_back_too(realm: Realm, context: BrowserContext):
    asked, _ = realm.question(realm.known())
    page, _ = opened(context, f"{realm.issuer}/oauth/authorize?{urlencode(asked)}")
    page.get_by_role("button", name="No", exact=True).click()
    page.wait_for_url(f"{BACK}?**")
    assert "error=access_denied" in page.url and "code=" not in page.url


def test_oauth_19_no_other_page_can_hold_it(realm: Realm, context: BrowserContext):
    _, path, _, _ = realm.consent(realm.known())
    page, _ = opened(context, f"https://evil.example/?to={realm.issuer}{path}")
    page.wait_for_timeout(500)
    assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]
    assert page.frame_locator("iframe").get_by_role("button").count() == 0
