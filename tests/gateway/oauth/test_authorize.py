"""The authorization endpoint and the consent page: what is refused, how, and what a person decides."""

import re
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from lockgate.gateway.oauth.core import scopes
from lockgate.gateway.oauth.core.words import PLAIN
from tests.gateway.oauth.realm import BACK, Realm, fields_of
from tests.support.people import member


def told(reply) -> dict[str, str]:
    """The error that an app was told at its redirect URI."""
    assert reply.status == 303, reply.text
    assert reply.headers["location"].startswith(f"{BACK}?"), reply.headers["location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()}


@pytest.mark.parametrize("method", ["none", "secret_key", "private_key_jwt"])
def test_oauth_01_requests_without_code_challenge_are_refused_for_every_client(realm: Realm, method):
    answered = told(realm.ask(realm.known(method), code_challenge=None, code_challenge_method=None, state="abc"))
    assert answered["error"] == "invalid_request" and "code_challenge" in answered["error_description"]
    assert answered["state"] == "abc" and answered["iss"] == realm.issuer


@pytest.mark.parametrize("method", ["plain", None, "s256", "S512"])
def test_oauth_02_no_challenge_method_but_s256(realm: Realm, method):
    answered = told(realm.ask(realm.known(), code_challenge_method=method))
    assert answered["error"] == "invalid_request"


@pytest.mark.parametrize("challenge", ["short", "a" * 42, "a" * 44, "a" * 42 + "="])
def test_a_challenge_has_the_form_of_a_hash(realm: Realm, challenge):
    assert told(realm.ask(realm.known(), code_challenge=challenge))["error"] == "invalid_request"


MUTATIONS = [
    f"{BACK}/", "https://APP.example/back", "https://app.example/Back", "https://app.example:443/back",
    "https://app.example:8443/back", "https://app.example/x/../back", "https://app.example/%2e/back",
    "https://user@app.example/back", "https://app.example@evil.example/back", f"{BACK}#", f"{BACK}#x", f"{BACK}?a=1",
    "https://x.app.example/back", "https://app.example.evil.example/back", "https://app.example/bac%6b",
    "http://app.example/back", "//app.example/back", "javascript:alert(1)", "https://evil.example", f" {BACK}",
    f"{BACK}\\x", "https://app.example/back%00",
]  # fmt: skip


@pytest.mark.parametrize("uri", MUTATIONS)
def test_oauth_05_redirect_uri_mutations_get_an_error_page_and_no_redirect(realm: Realm, uri):
    answered = realm.ask(realm.known(), redirect_uri=uri)
    assert answered.status == 400
    assert "location" not in answered.headers
    assert answered.headers["content-type"].startswith("text/html")
    assert "evil" not in answered.text


def test_oauth_05_an_unknown_app_gets_an_error_page(realm: Realm):
    app = realm.known()
    for client_id in (app.id[:-1] + ("a" if app.id[-1] != "a" else "b"), "ca_x", "", "ca_" + "0" * 44):
        asked = {**realm.question(app)[0], "client_id": client_id}
        answered = realm.browser().get(f"/oauth/authorize?{urlencode(asked)}")
        assert answered.status == 400 and "location" not in answered.headers


REFUSED_URIS = [
    "http://app.example/back", "http://localhost/back", "http://127.0.0.1.example/back", "http://192.168.0.1/back",
    "http://127.1/back", "http://0.0.0.0/back", "http://[::]/back", "myapp://back", "javascript:alert(1)",
    "https://app.example/back#x", "https://app.example/back#", "https://u@app.example/", "https://u:p@app.example/",
    "https://*.app.example/back", "https://app.example/a/../b", "https://app.example/%2e%2e/b", "https:///back",
    "https://app.example:0/", "https://app.example:99999/", "https://app.example/ back", "https://app.example\\@evil/",
    "https://app.example/back?code=x", "HTTPS://app.example/", "data:text/html,x", "//app.example/back",
]  # fmt: skip


@pytest.mark.parametrize("uri", REFUSED_URIS)
def test_oauth_06_redirect_uris_that_cannot_be_registered(realm: Realm, uri):
    refused = realm.owner.post(
        "/v1/apps",
        {"name": "X", "token_endpoint_auth_method": "none", "scope": "read_only", "redirect_uris[0]": uri},
    )
    assert refused.status == 400, uri
    assert refused.error["param"].startswith("redirect_uris")
    assert uri not in refused.text


def test_oauth_06_a_loopback_address_may_have_any_port(realm: Realm):
    for registered, good, bad in (
        ("http://127.0.0.1/cb", ["http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"],
         ["http://127.0.0.1:49152/other", "http://localhost:49152/cb", "http://127.0.0.2:1/cb", "http://127.0.0.1:0/cb",
          "http://127.0.0.1:70000/cb", "https://127.0.0.1:49152/cb", "http://127.0.0.1:49152@evil.example/cb"]),
        ("http://[::1]:5000/cb", ["http://[::1]:5000/cb", "http://[::1]:6000/cb"], ["http://[::2]:6000/cb"]),
    ):  # fmt: skip
        app = realm.app(**{"redirect_uris[0]": registered})
        for uri in good:
            assert realm.ask(app, redirect_uri=uri).headers["location"].startswith("/oauth/consent/"), uri
        for uri in bad:
            answered = realm.ask(app, redirect_uri=uri)
            assert answered.status == 400 and "location" not in answered.headers, uri


@pytest.mark.parametrize("kind", ["token", "id_token", "code id_token", "code token", "none", "CODE"])
def test_oauth_09_response_types_but_code_are_refused(realm: Realm, kind):
    assert told(realm.ask(realm.known(), response_type=kind))["error"] == "unsupported_response_type"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"scope": "root"}, "invalid_scope"),
        ({"scope": "apps=write"}, "invalid_scope"),
        ({"scope": "people=read"}, "invalid_scope"),
        ({"scope": "refunds=write  balance=read"}, "invalid_scope"),
        ({"scope": "refunds=none"}, "invalid_scope"),
        ({"dpop_jkt": "x"}, "invalid_request"),
    ],
)
def test_what_else_is_refused_the_app_is_told(realm: Realm, changes, error):
    assert told(realm.ask(realm.known(), **changes))["error"] == error


def test_a_parameter_that_is_sent_twice_is_refused_without_a_redirect(realm: Realm):
    asked, _ = realm.question(realm.known())
    answered = realm.browser().get(f"/oauth/authorize?{urlencode(asked)}&redirect_uri=https://evil.example/")
    assert answered.status == 400 and "location" not in answered.headers


def test_an_app_can_not_ask_for_more_than_it_is_registered_for(realm: Realm):
    app = realm.app(scope="refunds=write balance=read")
    assert told(realm.ask(app, scope="payouts=read"))["error"] == "invalid_scope"
    assert told(realm.ask(app, scope="balance=write"))["error"] == "invalid_scope"
    _, _, page, _ = realm.consent(app, scope=None)
    assert fields_of(page.text)["may_refunds"] == "read", "an app that does not say what it wants gets reading only"


def test_oauth_16_the_answer_names_who_answers(realm: Realm):
    answered = parse_qs(urlsplit(realm.grant(realm.known(), state="s p&c/").location).query)
    assert answered["iss"] == [realm.issuer] and answered["state"] == ["s p&c/"]
    described = realm.stranger().get("/.well-known/oauth-authorization-server").json
    assert described["issuer"] == realm.issuer
    assert described["authorization_response_iss_parameter_supported"] is True
    assert described["code_challenge_methods_supported"] == ["S256"]
    assert realm.stranger().get("/.well-known/openid-configuration").status == 404


def test_oauth_18_no_cors_on_authorize_and_303_after_the_form(realm: Realm):
    browser, path, page, _ = realm.consent(realm.known())
    for method in ("GET", "OPTIONS"):
        asked = realm.stranger().request(method, "/oauth/authorize", headers={"Origin": "https://evil.example"})
        assert not [name for name in asked.headers if name.startswith("access-control")]
    done = browser.post(path, {**fields_of(page.text), "decision": "allow"})
    assert done.status == 303
    assert done.headers["cache-control"] == "no-store" and done.headers["referrer-policy"] == "no-referrer"


def test_oauth_19_the_page_names_app_account_mode_and_permissions_and_cannot_be_framed(realm: Realm):
    app = realm.app(name="<b>Ledger</b> & Co", scope="refunds=write balance=read")
    _, _, page, _ = realm.consent(app, scope="refunds=write balance=read")
    assert "&lt;b&gt;Ledger&lt;/b&gt; &amp; Co" in page.text and "<b>Ledger" not in page.text
    assert realm.running["account"] in page.text and "Test mode" in page.text and "https://app.example" in page.text
    assert "give money back to your customers" in page.text and "Balance" in page.text
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy and "unsafe" not in policy
    assert "form-action 'self' https://app.example;" in policy
    assert page.headers["x-frame-options"] == "DENY"


def test_oauth_19_a_person_can_give_less_see_it_and_take_it_back(realm: Realm):
    app = realm.app(name="Fewer")
    tokens = realm.tokens(app, choose={"may_refunds": "none", "may_charges": "read"})
    assert "refunds" not in tokens["scope"] and "charges=read" in tokens["scope"]
    assert realm.use(tokens["access_token"], path="/v1/refunds").status == 403
    assert realm.use(tokens["access_token"], path="/v1/charges").status == 200
    listed = realm.owner.get("/v1/authorizations").json["data"]
    mine = next(grant for grant in listed if grant["app"] == app.id)
    assert mine["app_name"] == "Fewer" and mine["person"] == realm.owner.id and mine["last_used_at"] is not None
    assert realm.owner.get(f"/v1/authorizations/{mine['id']}").json == mine
    _, _, again, _ = realm.consent(app)
    assert fields_of(again.text)["may_refunds"] == "none" and fields_of(again.text)["may_charges"] == "read"
    ended = realm.owner.post(f"/v1/authorizations/{mine['id']}/revoke")
    assert ended.status == 200 and ended.json["revoked_at"] is not None
    assert realm.gone(tokens["access_token"])
    assert realm.refresh(app, tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert mine["id"] not in {grant["id"] for grant in realm.owner.get("/v1/authorizations").json["data"]}


def test_asking_for_more_later_takes_nothing_from_what_was_given(realm: Realm):
    app = realm.app(name="Step by step")
    first = realm.tokens(app, scope="balance=write")
    second = realm.tokens(app, scope="charges=read balance=read")
    assert second["scope"] == "balance=read charges=read"
    assert realm.refresh(app, first["refresh_token"]).json["scope"] == "balance=write"
    less = realm.tokens(app, scope="balance=write refunds=read", choose={"may_balance": "read"})
    assert less["scope"] == "balance=read refunds=read"
    assert realm.refresh(app, second["refresh_token"]).json["scope"] == "balance=read charges=read"


def test_a_no_is_told_to_the_app(realm: Realm):
    browser, path, page, _ = realm.consent(realm.known(), state="n")
    done = browser.post(path, {**fields_of(page.text), "decision": "deny"})
    answered = told(done)
    assert answered["error"] == "access_denied" and answered["state"] == "n" and answered["iss"] == realm.issuer
    assert browser.post(path, {**fields_of(page.text), "decision": "allow"}).status == 400


def test_nothing_chosen_is_no_answer(realm: Realm):
    browser, path, page, _ = realm.consent(realm.known(), scope="balance=read")
    again = browser.post(path, {**fields_of(page.text), "may_balance": "none", "decision": "allow"})
    assert again.status == 400 and "Choose at least one" in again.text
    assert browser.post(path, {**fields_of(again.text), "decision": "allow"}).status == 303


def test_more_than_was_asked_is_not_given(realm: Realm):
    browser, path, page, verifier = realm.consent(realm.known(), scope="balance=read")
    more = {**fields_of(page.text), "may_balance": "write", "may_refunds": "write", "may_apps": "write"}
    done = browser.post(path, {**more, "decision": "allow"})
    code = parse_qs(urlsplit(done.headers["location"]).query)["code"][0]
    answer = realm.stranger().post(
        "/oauth/token",
        {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier,
         "client_id": realm.known().id},
    )  # fmt: skip
    assert answer.json["scope"] == "balance=read"


def test_nobody_gives_what_is_not_theirs(realm: Realm):
    auditor = member(realm.owner, ["auditor"])
    app = realm.app(name="Too much")
    _, _, page, _ = realm.consent(app, browser=realm.browser(auditor), scope="read_write")
    assert set(fields_of(page.text).values()) & {"write"} == set()
    assert "do not let you give" in page.text
    grant = realm.grant(app, browser=realm.browser(auditor), choose={"may_refunds": "write"})
    tokens = realm.token(app, grant).json
    assert "write" not in tokens["scope"]
    assert realm.use(tokens["access_token"], path="/v1/refunds").status == 200
    made = realm.stranger().post("/v1/refunds", {}, headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert made.status == 403


def test_the_form_is_only_ours_to_send(realm: Realm):
    browser, path, page, _ = realm.consent(realm.known())
    fields = {**fields_of(page.text), "decision": "allow"}
    assert browser.post(path, {**fields, "csrf": "x"}).status == 403
    assert browser.post(path, {name: value for name, value in fields.items() if name != "csrf"}).status == 403
    assert browser.post(path, fields, Origin="https://evil.example").status == 403
    assert browser.post(path, fields, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert browser.post(path, fields).status == 303


def test_who_lets_an_app_send_money_out_has_just_proved_a_factor(realm: Realm):
    friend = member(realm.owner, ["finance"])
    app = realm.app(name="Payer", scope="refunds=write balance=read")

    def age(seconds: int) -> None:
        realm.sql("update session set proved_at = $2 where id = $1", friend.session, int(time.time()) - seconds)

    browser, path, page, _ = realm.consent(app, browser=realm.browser(friend), scope="refunds=write balance=read")
    fields = {**fields_of(page.text), "decision": "allow"}
    age(400)
    for answer in (browser.get(path), browser.post(path, fields)):
        where = urlsplit(answer.headers["location"])
        assert answer.status == 303 and where.path == "/step-up"
        assert parse_qs(where.query)["next"][0].startswith(path)
    less = browser.post(path, {**fields, "may_refunds": "read"})
    assert "code=" in less.headers["location"]  # that needs no proof
    age(10)
    browser, path, page, _ = realm.consent(app, browser=realm.browser(friend), scope="refunds=write balance=read")
    assert "code=" in browser.post(path, {**fields_of(page.text), "decision": "allow"}).headers["location"]


def test_a_request_is_the_persons_who_opened_it_and_decided_once(realm: Realm):
    browser, path, page, _ = realm.consent(realm.known())
    other = realm.browser(member(realm.owner, ["developer"]))
    assert other.get(path).status == 400
    assert browser.post(path, {**fields_of(page.text), "decision": "allow"}).status == 303
    assert browser.post(path, {**fields_of(page.text), "decision": "allow"}).status == 400
    assert browser.get(path).status == 400


def test_another_account_is_not_chosen_by_naming_it(realm: Realm):
    browser, path, page, _ = realm.consent(realm.known())
    fields = {**fields_of(page.text), "account": "acct_0000000000000000", "decision": "allow"}
    assert browser.post(path, fields).status == 400


def test_who_is_not_signed_in_comes_back_to_the_same_request(realm: Realm):
    stranger = realm.browser()
    stranger.cookies.clear()
    asked, _ = realm.question(realm.known())
    sent = stranger.get(f"/oauth/authorize?{urlencode(asked)}")
    where = urlsplit(sent.headers["location"])
    assert sent.status == 303 and where.path == "/sign-in"
    back = parse_qs(where.query)["next"][0]
    assert back == f"/oauth/authorize?{urlencode(asked)}"
    assert realm.browser().get(back).headers["location"].startswith("/oauth/consent/")
    assert stranger.post("/oauth/authorize", asked).headers["location"] == sent.headers["location"]


def test_a_request_can_be_posted(realm: Realm):
    asked, _ = realm.question(realm.known())
    sent = realm.browser().post("/oauth/authorize", asked)
    assert sent.status == 303 and sent.headers["location"].startswith("/oauth/consent/")


def test_oauth_keys_in_the_address_are_refused(realm: Realm):
    answered = realm.ask(realm.known(), client_secret=realm.running["secret_key"])
    assert answered.status == 400 and "Roll it now" in answered.text and "location" not in answered.headers
    assert realm.running["secret_key"] not in answered.text


def test_a_card_number_is_no_state(realm: Realm):
    answered = told(realm.ask(realm.known(), state="4242424242424242"))
    assert answered["error"] == "invalid_request" and "state" not in answered


def test_every_grantable_permission_has_its_words():
    assert set(PLAIN) == set(scopes.GRANTABLE)
    assert all(re.match("[a-z]", words.read) and re.match("[a-z]", words.write) for words in PLAIN.values())
