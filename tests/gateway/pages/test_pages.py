"""Pages: escaped, complete, under a policy that fits them; forms only from our own pages; cookies bound to the host."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256

import pytest
from jinja2 import UndefinedError

from lockgate.gateway.pages import cookies, csrf, render
from lockgate.kernel.errors import Kind, Refusal

OURS = "https://pay.example:8443"


@dataclass
class Browser:
    """What a browser sends."""

    fields: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def of(answer, name):
    return [value for key, value in answer.headers if key == name]


def posting(**headers: str) -> Browser:
    shown = csrf.fresh()
    secret = re.fullmatch(rf"{csrf.COOKIE}=([^;]+);.*", shown.headers[0][1])[1]
    return Browser({"csrf": shown.token}, {csrf.COOKIE: secret}, {k.replace("_", "-"): v for k, v in headers.items()})


def test_what_a_page_shows_is_escaped():
    answer = render.refused(403, "<script>alert('x')</script>")
    assert answer.status == 403
    assert b"<script>" not in answer.body
    assert b"&lt;script&gt;alert(" in answer.body


def test_a_page_without_its_values_is_an_error():
    with pytest.raises(UndefinedError):
        render.page("refused.html")


def test_a_template_is_found_by_its_room_only():
    for name in ("../refused.html", "/etc/passwd", "pages/../refused.html", "nowhere/none.html"):
        with pytest.raises(render.TemplateNotFound):
            render.page(name)


def test_the_policy_allows_the_style_by_its_hash_and_no_script():
    answer = render.refused(400, "no")
    (policy,) = of(answer, "Content-Security-Policy")
    style = re.search(rb"<style>(.*?)</style>", answer.body, re.DOTALL)[1]
    assert f"style-src 'sha256-{b64encode(sha256(style).digest()).decode()}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self';" in policy
    assert b"<script" not in answer.body
    assert b"style=" not in answer.body


def test_a_form_may_lead_on_only_where_the_page_says():
    answer = render.page("refused.html", message="x", submits_to=("https://app.example",))
    assert "form-action 'self' https://app.example;" in of(answer, "Content-Security-Policy")[0]
    with pytest.raises(AssertionError):
        render.page("refused.html", message="x", submits_to=("https://a.example; script-src *",))


def test_a_form_from_our_page_is_taken():
    csrf.check(posting(origin=OURS), origin=OURS)
    csrf.check(posting(origin=OURS, sec_fetch_site="same-origin"), origin=OURS)
    csrf.check(posting(origin="null", sec_fetch_site="same-origin"), origin=OURS)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://pay.example:8443"},
        {"origin": "https://pay.example"},
        {"origin": OURS, "sec_fetch_site": "cross-site"},
        {"origin": OURS, "sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
    ],
)
def test_a_form_from_elsewhere_is_refused(headers):
    with pytest.raises(Refusal) as refused:
        csrf.check(posting(**headers), origin=OURS)
    assert refused.value.kind is Kind.FORBIDDEN


def test_a_form_needs_the_field_of_this_very_browser():
    mine, other = posting(origin=OURS), posting(origin=OURS)
    for fields in ({}, {"csrf": ""}, {"csrf": other.fields["csrf"]}, {"csrf": mine.cookies[csrf.COOKIE]}):
        with pytest.raises(Refusal):
            csrf.check(Browser(fields, mine.cookies, mine.headers), origin=OURS)
    with pytest.raises(Refusal):
        csrf.check(Browser(mine.fields, {}, mine.headers), origin=OURS)
    with pytest.raises(Refusal):
        csrf.check(Browser(mine.fields, {csrf.COOKIE: ""}, mine.headers), origin=OURS)


def test_a_browser_keeps_its_form_secret():
    mine = posting()
    shown = csrf.form(mine)
    assert (shown.token, shown.headers) == (mine.fields["csrf"], ())
    assert csrf.form(Browser(cookies={csrf.COOKIE: "planted"})).headers


def test_cookies_are_bound_to_the_host():
    name, value = cookies.set("__Host-lockgate-x", "abc", max_age_s=60)
    assert (name, value) == (
        "Set-Cookie", "__Host-lockgate-x=abc; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60",
    )  # fmt: skip
    assert cookies.clear("__Host-lockgate-x")[1].endswith("Max-Age=0")
    for bad in (("lockgate", "x"), ("__Host-a", "x; Domain=evil"), ("__Host-a", "x" * 5000)):
        with pytest.raises(AssertionError):
            cookies.set(*bad, max_age_s=None)


def test_a_location_is_one_line():
    assert render.see_other("/a").headers == (("Location", "/a"),)
    with pytest.raises(AssertionError):
        render.see_other("/a\r\nSet-Cookie: x=y")
