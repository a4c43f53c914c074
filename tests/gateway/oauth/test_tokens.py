"""The token endpoint: codes that are good once, refresh tokens that rotate, and what ends them."""

import asyncio
import time
from urllib.parse import urlencode

import pytest

from tests.gateway.oauth.realm import BACK, Grant, Key, Realm, at_once, proof
from tests.support.people import PASSWORD, member


def refused(answer, error: str) -> None:
    assert answer.status == (401 if error == "invalid_client" else 400), answer.text
    assert answer.json["error"] == error, answer.text
    assert isinstance(answer.json["error_description"], str)
    assert answer.headers["cache-control"] == "no-store" and answer.headers["pragma"] == "no-cache"


def test_oauth_03_without_or_with_a_wrong_verifier(realm: Realm):
    app = realm.known()
    grant = realm.grant(app)
    for verifier in (None, "w" * 43, grant.verifier[:-1] + "~", "short", "ä" * 50):
        refused(realm.token(app, grant, code_verifier=verifier), "invalid_grant")
    assert realm.token(app, grant).status == 200, "a wrong guess does not spend the code"


def test_oauth_04_a_verifier_without_a_bound_challenge_is_a_downgrade(realm: Realm):
    app = realm.known()
    grant = realm.grant(app)
    realm.sql(
        "update app_code set asked = jsonb_set(asked, '{challenge}', 'null')"
        " where account = $1 and hash = $2", realm.running["account"], realm.hash(grant.code),
    )  # fmt: skip
    refused(realm.token(app, grant), "invalid_grant")
    refused(realm.token(app, grant, code_verifier=None), "invalid_grant")


async def test_oauth_07_of_50_parallel_redemptions_one_wins(realm: Realm):
    app = realm.known()
    grant = realm.grant(app)
    door = [realm.stranger() for _ in range(50)]
    answers = await at_once(*(lambda one=one: realm.token(app, grant, door=one) for one in door))
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1
    assert {answer.json["error"] for answer in answers if answer.status != 200} == {"invalid_grant"}
    assert realm.gone(won[0].json["access_token"]), "more than one had the code: nobody keeps anything"


def test_oauth_07_a_second_use_revokes_what_the_first_got(realm: Realm):
    app = realm.known()
    grant = realm.grant(app)
    tokens = realm.token(app, grant).json
    assert realm.use(tokens["access_token"]).status == 200
    refused(realm.token(app, grant), "invalid_grant")
    assert realm.gone(tokens["access_token"])
    refused(realm.refresh(app, tokens["refresh_token"]), "invalid_grant")


def test_oauth_08_a_code_lives_a_minute(realm: Realm):
    app = realm.known()
    grant = realm.grant(app)
    row = realm.sql(
        "update app_code set expires_at = expires_at - 60 where account = $1 and hash = $2"
        " returning expires_at - created as life", realm.running["account"], realm.hash(grant.code),
    )  # fmt: skip
    assert row[0]["life"] == 0, "it lived for sixty seconds before"
    refused(realm.token(app, grant), "invalid_grant")


def test_oauth_08_another_app_cannot_redeem_it(realm: Realm):
    grant = realm.grant(realm.known())
    for method in ("none", "secret_key", "private_key_jwt"):
        refused(realm.token(realm.app(method), grant), "invalid_grant")
    assert realm.token(realm.known(), grant).status == 200, "a stranger's try neither spends nor ends anything"


@pytest.mark.parametrize("uri", [None, f"{BACK}/", "https://evil.example/"])
def test_oauth_08_a_code_is_bound_to_its_redirect_uri(realm: Realm, uri):
    refused(realm.token(realm.known(), realm.grant(realm.known()), redirect_uri=uri), "invalid_grant")


def test_a_code_may_be_bound_to_a_key(realm: Realm):
    app, key = realm.known(), Key()
    url = f"{realm.issuer}/oauth/token"
    grant = realm.grant(app, dpop_jkt=key.thumbprint)
    refused(realm.token(app, grant), "invalid_grant")
    refused(realm.token(app, grant, headers={"DPoP": proof(Key(), url)}), "invalid_grant")
    assert realm.token(app, grant, headers={"DPoP": proof(key, url)}).json["token_type"] == "DPoP"


@pytest.mark.parametrize(
    "kind", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "CLIENT_CREDENTIALS", "x" * 500]
)
def test_oauth_09_other_grants_are_refused(realm: Realm, kind):
    sent = {"grant_type": kind, "username": "u", "password": PASSWORD, "client_id": realm.known().id}
    answer = realm.stranger().post("/oauth/token", sent)
    refused(answer, "unsupported_grant_type")
    assert PASSWORD not in answer.text and kind not in answer.json["error_description"]


def test_oauth_10_reuse_of_an_old_refresh_token_ends_the_family(realm: Realm):
    app = realm.known()
    first = realm.tokens(app)
    second = realm.refresh(app, first["refresh_token"]).json
    third = realm.refresh(app, second["refresh_token"]).json
    assert len({one["refresh_token"] for one in (first, second, third)}) == 3
    refused(realm.refresh(app, first["refresh_token"]), "invalid_grant")
    refused(realm.refresh(app, third["refresh_token"]), "invalid_grant")
    assert realm.gone(third["access_token"]) and realm.gone(first["access_token"])


def test_oauth_10_the_absolute_lifetime_holds(realm: Realm):
    app = realm.known()
    tokens = realm.tokens(app)
    row = realm.sql(
        "select s.id, s.expires_at - s.created as life, r.expires_at - r.created as idle from app_session s"
        " join app_refresh r on r.session = s.id where r.account = $1 and r.hash = $2",
        realm.running["account"], realm.hash(tokens["refresh_token"]),
    )[0]  # fmt: skip
    assert row["life"] == 90 * 86400 and row["idle"] == 30 * 86400
    realm.sql(
        "update app_session set expires_at = $3 where account = $1 and id = $2", realm.running["account"], row["id"],
        int(time.time()) - 1,
    )  # fmt: skip
    refused(realm.refresh(app, tokens["refresh_token"]), "invalid_grant")
    assert realm.gone(tokens["access_token"])


def test_oauth_10_a_refresh_token_that_nobody_uses_ends(realm: Realm):
    app = realm.known()
    tokens = realm.tokens(app)
    realm.sql(
        "update app_refresh set expires_at = $3 where account = $1 and hash = $2", realm.running["account"],
        realm.hash(tokens["refresh_token"]), int(time.time()) - 1,
    )  # fmt: skip
    refused(realm.refresh(app, tokens["refresh_token"]), "invalid_grant")


def test_oauth_11_a_lost_answer_can_be_had_again(realm: Realm):
    app = realm.known()
    tokens = realm.tokens(app)
    lost = realm.refresh(app, tokens["refresh_token"]).json
    again = realm.refresh(app, tokens["refresh_token"])
    assert again.status == 200 and again.json["refresh_token"] == lost["refresh_token"]
    assert realm.use(again.json["access_token"]).status == 200
    next_ = realm.refresh(app, again.json["refresh_token"])
    assert next_.status == 200
    refused(realm.refresh(app, tokens["refresh_token"]), "invalid_grant")
    refused(realm.refresh(app, next_.json["refresh_token"]), "invalid_grant")


def test_oauth_11_an_attacker_who_comes_later_ends_it(realm: Realm):
    app = realm.known()
    tokens = realm.tokens(app)
    kept = realm.refresh(app, tokens["refresh_token"]).json
    realm.sql(
        "update app_refresh set used_at = used_at - 11 where account = $1 and hash = $2", realm.running["account"],
        realm.hash(tokens["refresh_token"]),
    )  # fmt: skip
    refused(realm.refresh(app, tokens["refresh_token"]), "invalid_grant")
    refused(realm.refresh(app, kept["refresh_token"]), "invalid_grant")
    assert realm.gone(kept["access_token"])


async def test_oauth_11_parallel_refreshes_share_one_successor(realm: Realm):
    app = realm.known()
    tokens = realm.tokens(app)
    answers = await at_once(*[lambda: realm.refresh(app, tokens["refresh_token"])] * 20)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    members = realm.sql(
        "select count(*) from app_refresh where account = $1 and session = (select session from app_refresh"
        " where account = $1 and hash = $2)", realm.running["account"], realm.hash(tokens["refresh_token"]),
    )  # fmt: skip
    assert members[0]["count"] == 2


def test_a_refresh_token_is_the_apps_that_got_it(realm: Realm):
    tokens = realm.tokens(realm.known())
    for method in ("none", "secret_key", "private_key_jwt"):
        refused(realm.refresh(realm.app(method), tokens["refresh_token"]), "invalid_grant")
    assert realm.refresh(realm.known(), tokens["refresh_token"]).status == 200


def test_a_public_apps_refresh_token_is_bound_to_its_key(realm: Realm):
    app, key = realm.known(), Key()
    url = f"{realm.issuer}/oauth/token"
    tokens = realm.tokens(app, key=key)
    refused(realm.refresh(app, tokens["refresh_token"]), "invalid_grant")
    refused(realm.refresh(app, tokens["refresh_token"], headers={"DPoP": proof(Key(), url)}), "invalid_grant")
    assert realm.refresh(app, tokens["refresh_token"], headers={"DPoP": proof(key, url)}).status == 200


def test_a_refresh_may_ask_for_less_and_never_for_more(realm: Realm):
    app = realm.known()
    tokens = realm.tokens(app, scope="balance=read charges=read")
    less = realm.refresh(app, tokens["refresh_token"], scope="balance=read")
    assert less.json["scope"] == "balance=read"
    assert realm.use(less.json["access_token"], path="/v1/charges").status == 403
    refused(realm.refresh(app, less.json["refresh_token"], scope="refunds=read"), "invalid_scope")
    all_ = realm.refresh(app, less.json["refresh_token"])
    assert all_.json["scope"] == "balance=read charges=read"


def test_oauth_18_token_answers_are_never_kept(realm: Realm):
    app = realm.known()
    answer = realm.token(app, realm.grant(app))
    assert answer.headers["cache-control"] == "no-store" and answer.headers["pragma"] == "no-cache"
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_oauth_20_tokens_are_for_one_audience(realm: Realm):
    app = realm.known()
    tokens = realm.tokens(app)
    browser = realm.browser()
    browser.cookies["__Host-session"] = tokens["access_token"]
    asked, _ = realm.question(app)
    sent = browser.get(f"/oauth/authorize?{urlencode(asked)}")
    assert sent.headers["location"].startswith("/sign-in"), "an app's token signs nobody in"
    session = realm.owner.tokens["access_token"]
    for fields in (
        {"grant_type": "refresh_token", "refresh_token": session, "client_id": app.id},
        {"grant_type": "authorization_code", "code": session, "client_id": app.id},
    ):
        refused(realm.stranger().post("/oauth/token", fields), "invalid_grant")
    for text in (session, tokens["access_token"]):
        answer = realm.stranger().post(
            "/oauth/token", {"grant_type": "client_credentials"}, headers={"Authorization": f"Bearer {text}"}
        )
        refused(answer, "invalid_client")
    told = realm.post("/oauth/introspect", realm.known("secret_key"), {"token": session})
    assert told.json == {"active": False}
    assert realm.use(tokens["access_token"], path="/v1/apps").status == 403
    assert realm.use(tokens["access_token"], path="/v1/people").status == 403


def test_what_the_person_may_no_longer_do_the_app_may_not_either(realm: Realm):
    helper = member(realm.owner, ["developer"])
    app = realm.known()
    tokens = realm.token(app, realm.grant(app, browser=realm.browser(helper))).json
    assert realm.use(tokens["access_token"], path="/v1/balance").status in (200, 403)
    assert realm.owner.delete(f"/v1/people/{helper.id}").status == 200
    assert realm.gone(tokens["access_token"])
    refused(realm.refresh(app, tokens["refresh_token"]), "invalid_grant")


def test_malformed_requests_are_refused_in_oauths_form(realm: Realm):
    door = realm.stranger()
    app = realm.known()
    refused(door.post("/oauth/token", {}), "invalid_request")
    refused(door.post("/oauth/token", {"grant_type": "refresh_token", "client_id": app.id}), "invalid_request")
    refused(door.request("POST", "/oauth/token", body=b"grant_type=a&grant_type=b"), "invalid_request")
    refused(door.request("POST", "/oauth/token", body=b"grant_type=%ff"), "invalid_request")
    json_ = door.request("POST", "/oauth/token", body=b"{}", headers={"Content-Type": "application/json"})
    refused(json_, "invalid_request")
    for code in ("x", "ac_" + "0" * 59, "rt_" + "0" * 59):
        refused(realm.token(app, Grant(code, "v" * 43, "")), "invalid_grant")
    assert door.get("/oauth/token").status == 405


async def test_a_race_of_code_and_refresh_leaves_nothing_behind(realm: Realm):
    app = realm.known()
    grant = realm.grant(app)
    tokens = realm.token(app, grant).json
    both = await asyncio.gather(
        asyncio.to_thread(realm.token, app, grant), asyncio.to_thread(realm.refresh, app, tokens["refresh_token"])
    )
    refused(both[0], "invalid_grant")
    last = both[1].json.get("refresh_token", tokens["refresh_token"])
    refused(realm.refresh(app, last), "invalid_grant")
