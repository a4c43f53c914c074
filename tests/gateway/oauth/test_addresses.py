"""From where apps get tokens: the account's address rules hold at these endpoints as they do at the API."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.gateway.oauth.realm import BACK, Grant, Realm, fields_of

ELSEWHERE = "203.0.113.0/24"


@contextmanager
def only_from(realm: Realm, scope: str, subject: str) -> Iterator[None]:
    """While this holds, ``subject`` may come from elsewhere only."""
    realm.running.command("addresses", "add", scope, ELSEWHERE, "--subject", subject, "--mode", "test")
    rule = realm.sql("select id from address_rule where subject = $1", subject)[0]["id"]
    time.sleep(1.1)
    try:
        yield
    finally:
        realm.running.command("addresses", "remove", rule, "--mode", "test")
        time.sleep(1.1)


def test_a_secret_key_speaks_for_its_apps_only_from_where_it_may_be_used(realm: Realm):
    app = realm.known("secret_key")
    key = realm.sql(
        "select id from api_key where account = $1 and kind = 'secret' and not livemode and revoked_at is null"
        " order by created, id limit 1", realm.running["account"],
    )[0]["id"]  # fmt: skip
    with only_from(realm, "key", key):
        answer = realm.token(app, Grant("x", "v" * 43, ""))
        assert (answer.status, answer.json["error"]) == (403, "access_denied"), answer.text
        assert realm.post("/oauth/introspect", app, {"token": "x"}).status == 403
    assert realm.token(app, Grant("x", "v" * 43, "")).json["error"] == "invalid_grant"


def test_an_app_gets_tokens_only_from_where_it_may_use_them(realm: Realm):
    public, server = realm.app(), realm.app("private_key_jwt")
    code, tokens = realm.grant(public), realm.tokens(public)
    with only_from(realm, "app", public.id):
        for answer in (realm.token(public, code), realm.refresh(public, tokens["refresh_token"])):
            assert (answer.status, answer.json["error"]) == (403, "access_denied"), answer.text
    with only_from(realm, "app", server.id):
        answer = realm.post("/oauth/token", server, {"grant_type": "client_credentials"})
        assert (answer.status, answer.json["error"]) == (403, "access_denied"), answer.text
        assert realm.post("/oauth/par", server, {"response_type": "code", "redirect_uri": BACK}).status == 403
    assert realm.refresh(public, tokens["refresh_token"]).status == 200, "a refusal spends nothing"
    assert realm.sql("select from audit where action = 'address.refused' and actor = $1", f"app:{server.id}")


def test_a_person_lets_an_app_in_only_from_where_the_account_wants_its_people(realm: Realm):
    app = realm.app()
    browser, path, page, _ = realm.consent(app)
    fields = {**fields_of(page.text), "decision": "allow"}
    with only_from(realm, "role", "owner"):
        answer = browser.post(path, fields, Accept="text/html")
        assert answer.status == 403 and answer.headers["content-type"].startswith("text/html"), answer.text
    assert browser.post(path, fields).status == 303
