"""What holds for every page of the portal: no form from elsewhere, nobody inside unasked, nobody sent away."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from lockgate.gateway.pages import csrf
from lockgate.gateway.portal import pages as portal
from lockgate.gateway.portal.core import onward, words
from lockgate.gateway.portal.ports import Ports
from lockgate.kernel.operations import Visit

URL = "https://pay.example"


@dataclass
class Nobody:
    """Ports that must not be touched: a database behind them would be."""

    url: str = URL
    touched: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        self.touched.append(name)
        raise AssertionError(f"{name} was touched")


def every_page():
    nobody = Nobody()
    return portal.pages(Ports(cast(Any, nobody), cast(Any, nobody), cast(Any, nobody), cast(Any, nobody)))


def visit(page, *pairs, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    path = {"account": "acct_1", "mode": "test", "approval": "apr_1"}
    return Visit(path, list(pairs), names, "127.0.0.1", "req_1", 1_790_000_000)


FORMS = [page for page in every_page() if page.method == "POST"]
SHOWN = [page for page in every_page() if page.method == "GET"]


def own_form(**more):
    form = csrf.fresh()
    cookie = form.headers[0][1].partition(";")[0]
    return [("csrf", form.token), *more.items()], cookie


@pytest.mark.parametrize("page", FORMS, ids=lambda page: page.path)
async def test_no_form_is_taken_from_elsewhere(page):
    pairs, cookie = own_form()
    for sent in (
        visit(page, origin=URL),
        visit(page, *pairs, origin=URL),
        visit(page, *pairs, cookie=cookie),
        visit(page, *pairs, cookie=cookie, origin="https://evil.example"),
        visit(page, *pairs, cookie=cookie, origin="null"),
        visit(page, *pairs, cookie=cookie, origin=URL, sec_fetch_site="cross-site"),
        visit(page, ("csrf", "x" * 43), cookie=cookie, origin=URL),
    ):
        answer = await page.handler(sent)
        assert answer.status == 403
        assert b"another site sent it" in answer.body


OWN = [page for page in every_page() if page.path.startswith("/account")]


@pytest.mark.parametrize("page", OWN, ids=lambda page: page.path)
async def test_nobody_is_inside_without_signing_in(page):
    pairs, cookie = own_form()
    answer = await page.handler(visit(page, *pairs, cookie=cookie, origin=URL))
    assert answer.status == 303
    assert dict(answer.headers)["Location"].startswith("/sign-in")


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/forgot", "/reset-password", "/unlock"])
async def test_a_page_is_whole_without_a_script(path):
    (page,) = [page for page in SHOWN if page.path == path]
    answer = await page.handler(visit(page))
    body = answer.body.decode()
    policy = dict(answer.headers)["Content-Security-Policy"]
    assert answer.status == 200
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert 'name="csrf"' in body
    assert 'type="submit"' in body
    assert "onclick" not in body
    assert body.count("<h1>") == 1
    assert '<html lang="en">' in body
    cookie = dict(answer.headers)["Set-Cookie"]
    assert cookie.startswith("__Host-")
    assert all(word in cookie for word in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"))


async def test_what_was_typed_is_escaped():
    (page,) = [page for page in SHOWN if page.path == "/sign-in"]
    answer = await page.handler(visit(page, ("email", '"><script>x</script>'), ("next", '/"><script>')))
    assert b"<script>x" not in answer.body
    assert b'next" value="/account/security"' in answer.body


@pytest.mark.parametrize(
    "path",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/a\\b", "javascript:alert(1)",
     "/a\r\nX: y", "/a b", "/\x00", "", None, "a", "/é", "/" + "a" * 5000],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(path):
    assert onward.checked(path) == "/account/security"


@pytest.mark.parametrize("path", ["/", "/oauth/authorize?client_id=ca_1&state=a%2Fb", "/account/security#x"])
def test_a_page_of_ours_is_gone_on_to(path):
    assert onward.checked(path) == path
    assert onward.with_next("/sign-in", "/a?b=c&d") == "/sign-in?next=%2Fa%3Fb%3Dc%26d"


async def test_passkeys_have_one_address():
    nobody = Nobody("https://127.0.0.1:8443")
    pages = portal.pages(Ports(cast(Any, nobody), cast(Any, nobody), cast(Any, nobody), cast(Any, nobody)))
    (page,) = [page for page in pages if (page.method, page.path) == ("GET", "/sign-in")]
    answer = await page.handler(visit(page, ("next", "/oauth/x?y=z"), host="127.0.0.1:8443"))
    assert dict(answer.headers)["Location"] == "https://localhost:8443/sign-in?next=%2Foauth%2Fx%3Fy%3Dz"
    for host in ("localhost:8443", "evil.example", ""):
        answer = await page.handler(visit(page, host=host))
        assert answer.status == 200


def test_times_and_browsers_are_told_in_words():
    assert words.day_of(None) == "never"
    assert words.day_of(1_790_000_000) == "21 September 2026, 14:13 UTC"
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
    assert words.browser_of(chrome) == "Chrome on Linux"
    assert words.browser_of("curl/8") == "A program"
    assert words.browser_of("") == "Unknown"
