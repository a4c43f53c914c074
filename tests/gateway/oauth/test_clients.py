"""How apps prove who they are, pushed requests, and apps that act for themselves."""

import json
import time
from urllib.parse import urlencode

import pytest

from tests.gateway.oauth.realm import ASSERTION, BACK, App, Grant, Key, Realm, at_once, basic, fields_of, proof
from tests.gateway.oauth.test_tokens import refused
from tests.oauth.test_oauth4webapi import self_signed


def push(realm: Realm, app: App, *, headers=None, **changes):
    asked, verifier = realm.question(app, **changes)
    sent = {**app.fields(realm.issuer), **asked}
    return realm.stranger().post("/oauth/par", sent, headers=headers), verifier


def open_pushed(realm: Realm, app: App, uri: str):
    return realm.browser().get(f"/oauth/authorize?{urlencode({'client_id': app.id, 'request_uri': uri})}")


def test_oauth_12_a_pushed_request_is_good_once_and_briefly(realm: Realm):
    app = realm.known("private_key_jwt")
    pushed, _ = push(realm, app)
    assert pushed.status == 201 and pushed.json["expires_in"] <= 600
    uri = pushed.json["request_uri"]
    assert uri.startswith("urn:ietf:params:oauth:request_uri:")
    assert open_pushed(realm, app, uri).headers["location"].startswith("/oauth/consent/")
    again = open_pushed(realm, app, uri)
    assert again.status == 400 and "location" not in again.headers


def test_oauth_12_a_pushed_request_ends(realm: Realm):
    app = realm.known("private_key_jwt")
    uri = push(realm, app)[0].json["request_uri"]
    realm.sql(
        "update app_request set expires_at = $3 where account = $1 and hash = $2", realm.running["account"],
        realm.hash(uri.rpartition(":")[2]), int(time.time()) - 1,
    )  # fmt: skip
    assert open_pushed(realm, app, uri).status == 400


def test_oauth_12_a_pushed_request_is_its_apps(realm: Realm):
    app, other = realm.known("private_key_jwt"), realm.known()
    uri = push(realm, app)[0].json["request_uri"]
    assert open_pushed(realm, other, uri).status == 400
    assert open_pushed(realm, app, uri).status == 303, "another app's try does not use it up"


def test_oauth_12_what_is_pushed_counts_and_not_what_stands_beside_it(realm: Realm):
    app = realm.known("private_key_jwt")
    uri = push(realm, app, scope="balance=read")[0].json["request_uri"]
    asked, _ = realm.question(app, scope="read_write", redirect_uri="https://evil.example/")
    browser = realm.browser()
    sent = browser.get(f"/oauth/authorize?{urlencode({**asked, 'request_uri': uri})}")
    page = browser.get(sent.headers["location"])
    assert "may_balance" in page.text and "may_refunds" not in page.text and "evil" not in page.text


def test_oauth_12_a_strict_app_must_push(realm: Realm):
    app = realm.app("private_key_jwt", strict="true")
    answered = realm.ask(app)
    assert answered.status == 303 and "error=invalid_request" in answered.headers["location"]
    assert "code=" not in answered.headers["location"]
    refused(push(realm, app, redirect_uri=None)[0], "invalid_request")
    assert push(realm, realm.known("private_key_jwt"), redirect_uri=None)[0].status == 201


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"redirect_uri": f"{BACK}/x"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_oauth_12_a_bad_request_is_refused_when_it_is_pushed(realm: Realm, changes, error):
    refused(push(realm, realm.known("private_key_jwt"), **changes)[0], error)


def test_a_pushed_request_may_bind_the_code_to_a_key(realm: Realm):
    app, key = realm.app("private_key_jwt", strict="true"), Key()
    url = f"{realm.issuer}/oauth/par"
    other = push(realm, app, headers={"DPoP": proof(key, url)}, dpop_jkt=Key().thumbprint)[0]
    refused(other, "invalid_dpop_proof")
    pushed, verifier = push(realm, app, headers={"DPoP": proof(key, url)})
    grant = finish(realm, app, pushed.json["request_uri"], verifier)
    token_url = f"{realm.issuer}/oauth/token"
    refused(realm.token(app, grant, headers={"DPoP": proof(Key(), token_url)}), "invalid_grant")
    refused(realm.token(app, grant), "invalid_grant")
    assert realm.token(app, grant, headers={"DPoP": proof(key, token_url)}).status == 200


def test_a_strict_app_gets_no_token_that_a_thief_could_use(realm: Realm):
    app = realm.app("private_key_jwt", strict="true")
    pushed, verifier = push(realm, app)
    grant = finish(realm, app, pushed.json["request_uri"], verifier)
    refused(realm.token(app, grant), "invalid_request")
    refused(realm.post("/oauth/token", app, {"grant_type": "client_credentials"}), "invalid_request")
    answer = realm.token(app, grant, headers={"DPoP": proof(Key(), f"{realm.issuer}/oauth/token")})
    assert answer.status == 200 and answer.json["token_type"] == "DPoP"


def finish(realm: Realm, app: App, uri: str, verifier: str):
    """The owner says yes to a pushed request."""
    browser = realm.browser()
    sent = browser.get(f"/oauth/authorize?{urlencode({'client_id': app.id, 'request_uri': uri})}")
    page = browser.get(sent.headers["location"])
    done = browser.post(sent.headers["location"], {**fields_of(page.text), "decision": "allow"})
    location = done.headers["location"]
    return Grant(location.partition("code=")[2].partition("&")[0], verifier, location)


def own_token(realm: Realm, app: App, assertion: str | None = None, **extra):
    fields = app.fields(realm.issuer) if assertion is None else {
        "client_assertion_type": ASSERTION, "client_assertion": assertion
    }  # fmt: skip
    sent = {"grant_type": "client_credentials", "scope": "balance=read", **fields, **extra}
    return realm.stranger().post("/oauth/token", sent)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "PS256"])
def test_oauth_13_a_good_assertion_of_each_algorithm(realm: Realm, alg):
    app = realm.app("private_key_jwt", alg=alg)
    answer = own_token(realm, app)
    assert answer.status == 200, answer.text
    assert realm.use(answer.json["access_token"]).status == 200
    assert "refresh_token" not in answer.json


BAD_CLAIMS = {
    "audience of the token endpoint": lambda issuer: {"aud": f"{issuer}/oauth/token"},
    "audience of the pushing endpoint": lambda issuer: {"aud": f"{issuer}/oauth/par"},
    "audience as a list": lambda issuer: {"aud": [issuer]},
    "audience as a longer list": lambda issuer: {"aud": [issuer, "https://evil.example"]},
    "audience with a slash": lambda issuer: {"aud": f"{issuer}/"},
    "another audience": lambda issuer: {"aud": "https://evil.example"},
    "no audience": lambda issuer: {"aud": None},
    "another issuer": lambda issuer: {"iss": "ca_x"},
    "another subject": lambda issuer: {"sub": "ca_x"},
    "no issuer": lambda issuer: {"iss": None},
    "no expiry": lambda issuer: {"exp": None},
    "expired": lambda issuer: {"exp": int(time.time()) - 1},
    "an hour long": lambda issuer: {"exp": int(time.time()) + 3600},
    "an expiry in words": lambda issuer: {"exp": "soon"},
    "not yet": lambda issuer: {"nbf": int(time.time()) + 120},
    "made tomorrow": lambda issuer: {"iat": int(time.time()) + 86400},
    "no jti": lambda issuer: {"jti": None},
    "a number as jti": lambda issuer: {"jti": 7},
    "an endless jti": lambda issuer: {"jti": "x" * 300},
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
def test_oauth_13_assertions_with_bad_claims_are_refused(realm: Realm, name):
    app = realm.known("private_key_jwt")
    answer = own_token(realm, app, app.assertion(realm.issuer, **BAD_CLAIMS[name](realm.issuer)))
    refused(answer, "invalid_client")


def test_oauth_13_an_assertion_is_good_once_whoever_asks(realm: Realm):
    app = realm.known("private_key_jwt")
    assertion = app.assertion(realm.issuer)
    assert own_token(realm, app, assertion).status == 200
    refused(own_token(realm, app, assertion), "invalid_client")


async def test_oauth_13_an_assertion_is_good_once_at_a_time_too(realm: Realm):
    app = realm.known("private_key_jwt")
    assertion = app.assertion(realm.issuer)
    answers = await at_once(*[lambda: own_token(realm, app, assertion)] * 20)
    assert sorted(answer.status for answer in answers) == [200] + [401] * 19


def test_oauth_13_other_algorithms_and_keys_are_refused(realm: Realm):
    app = realm.app("private_key_jwt", alg="PS256")
    assert app.key is not None
    by_rs256 = App(app.id, app.object, Key("RS256", app.key.kid, app.key.private))
    refused(own_token(realm, app, by_rs256.assertion(realm.issuer)), "invalid_client")
    unsigned = app.assertion(realm.issuer, {"alg": "none"}).rpartition(".")[0] + "."
    refused(own_token(realm, app, unsigned), "invalid_client")
    for head in ({"alg": "HS256"}, {"kid": "other"}, {"jwk": Key().jwk}, {"crit": ["exp"]}, {"typ": "at+jwt"}):
        refused(own_token(realm, app, app.assertion(realm.issuer, head)), "invalid_client")
    stranger = App(app.id, app.object, Key("PS256", app.key.kid))
    refused(own_token(realm, app, stranger.assertion(realm.issuer)), "invalid_client")
    whole = app.assertion(realm.issuer)
    for text in (whole[:-4], f"{whole}.x", "x", "a.b.c", whole.replace(".", "..", 1)):
        refused(own_token(realm, app, text), "invalid_client")
    refused(own_token(realm, app, client_assertion_type="urn:x"), "invalid_client")


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "RS256"}, {"use": "enc"}, {"key_ops": ["encrypt"]}, {"d": "AAAA"}, {"kty": "oct", "k": "AAAA"},
        {"n": "AQAB"},
    ],
)
def test_oauth_13_keys_that_cannot_be_registered(realm: Realm, change):
    key = {**Key("PS256").jwk, **change}
    made = realm.owner.post(
        "/v1/apps",
        {"name": "X", "token_endpoint_auth_method": "private_key_jwt", "scope": "read_only",
         "jwks": json.dumps({"keys": [key]})},
    )  # fmt: skip
    assert made.status == 400 and made.error["param"] == "jwks", made.text


def test_keys_are_rotated_with_an_overlap(realm: Realm):
    app = realm.app("private_key_jwt")
    assert app.key is not None
    old, new = app.key, Key(kid="next")
    both = json.dumps({"keys": [old.jwk, new.jwk]})
    assert realm.owner.post(f"/v1/apps/{app.id}", {"jwks": both}).status == 200
    renewed = App(app.id, app.object, new)
    assert own_token(realm, app).status == own_token(realm, renewed).status == 200
    assert realm.owner.post(f"/v1/apps/{app.id}", {"jwks": json.dumps({"keys": [new.jwk]})}).status == 200
    refused(own_token(realm, app), "invalid_client")
    assert own_token(realm, renewed).status == 200


def test_each_app_proves_itself_in_its_own_way_and_in_one_only(realm: Realm):
    code = {"grant_type": "authorization_code", "code": "x"}
    secret = realm.running["secret_key"]
    strong, weak, public = (realm.known(name) for name in ("private_key_jwt", "secret_key", "none"))
    door = realm.stranger()
    refused(door.post("/oauth/token", {**code, "client_id": strong.id}), "invalid_client")
    refused(door.post("/oauth/token", {**code, "client_id": weak.id}), "invalid_client")
    for app in (strong, public):
        refused(door.post("/oauth/token", {**code, "client_id": app.id, "client_secret": secret}), "invalid_client")
        refused(door.post("/oauth/token", code, headers={"Authorization": basic(app.id, secret)}), "invalid_client")
    both = {**code, **strong.fields(realm.issuer), "client_secret": secret}
    refused(door.post("/oauth/token", both), "invalid_request")
    refused(
        door.post("/oauth/token", {**code, "client_id": weak.id, "client_secret": secret},
                  headers={"Authorization": f"Bearer {secret}"}), "invalid_request",
    )  # fmt: skip
    refused(door.post("/oauth/token", code), "invalid_client")
    borrowed = {**code, **strong.fields(realm.issuer), "client_id": public.id}
    refused(door.post("/oauth/token", borrowed), "invalid_client")


def test_other_keys_speak_for_no_app(realm: Realm):
    app = realm.known("secret_key")
    code = {"grant_type": "authorization_code", "code": "x", "client_id": app.id}
    other = realm.running.command("accounts", "create", "--name", "Elsewhere").stdout.strip()
    theirs = realm.running.command("keys", "create", "--account", other, "--kind", "secret").stdout.split()
    foreign = next(word for word in theirs if word.startswith("sk_"))
    for text in (
        realm.running["publishable_key"], realm.running["live_secret_key"], foreign, "sk_test_x",
        realm.owner.tokens["access_token"],
    ):  # fmt: skip
        answer = realm.stranger().post("/oauth/token", {**code, "client_secret": text})
        refused(answer, "invalid_client")
        assert text not in answer.text
    header = realm.stranger().post("/oauth/token", code, headers={"Authorization": "Bearer sk_test_x"})
    assert header.headers["www-authenticate"].startswith("Bearer")
    header = realm.stranger().post("/oauth/token", code, headers={"Authorization": basic(app.id, "sk_test_x")})
    assert header.headers["www-authenticate"].startswith("Basic")


def test_a_secret_key_in_a_browser_is_refused_here_too(realm: Realm):
    app = realm.known("secret_key")
    answer = realm.stranger().post(
        "/oauth/token",
        {"grant_type": "authorization_code", "code": "x", "client_id": app.id, "client_secret": app.secret},
        headers={"Origin": "https://shop.example"},
    )
    assert answer.status == 403 and answer.json["error"] == "access_denied"
    assert app.secret is not None and app.secret not in answer.text
    assert realm.sql(
        "select from audit where account = $1 and action = 'key.in_browser'", realm.running["account"]
    )


@pytest.mark.parametrize("method", ["none", "secret_key"])
def test_only_apps_with_keys_of_their_own_act_for_themselves(realm: Realm, method):
    app = realm.known(method)
    refused(realm.post("/oauth/token", app, {"grant_type": "client_credentials"}), "unauthorized_client")


def test_an_app_acts_for_its_own_account_within_its_scope(realm: Realm):
    app = realm.app("private_key_jwt", scope="balance=read refunds=write")
    refused(own_token(realm, app, scope="payouts=write"), "invalid_scope")
    refused(own_token(realm, app, scope="api_keys=write"), "invalid_scope")
    token = own_token(realm, app, scope="balance=read").json["access_token"]
    assert realm.use(token).status == 200
    assert realm.use(token, path="/v1/refunds").status == 403
    assert realm.owner.post(f"/v1/apps/{app.id}", {"scope": "refunds=write"}).status == 200
    assert realm.gone(token), "a smaller registration is felt by tokens that are there"


def test_certificates_are_asked_for(realm: Realm):
    own = self_signed()
    app = realm.app("self_signed_tls_client_auth", **{"certificates[0]": own["cert"]})
    answer = realm.stranger().post("/oauth/token", {"grant_type": "client_credentials", "client_id": app.id})
    refused(answer, "invalid_client")
    again = realm.owner.post(f"/v1/apps/{app.id}", {"certificates[0]": own["cert"]})
    assert again.status == 400
