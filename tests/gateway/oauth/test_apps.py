"""Apps and grants as operations, what apps may ask about their tokens, scopes everywhere, and the dialect's SDK."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from lockgate.gateway.oauth.core import scopes
from tests.gateway.oauth.realm import Key, Realm, proof
from tests.gateway.oauth.test_tokens import refused
from tests.support.people import member


def test_an_app_is_made_looked_at_changed_and_deleted(realm: Realm):
    app = realm.app(name="Books", scope="charges=read balance=read")
    assert app.object["object"] == "app" and app.object["livemode"] is False and app.object["strict"] is False
    assert app.object["scope"] == "balance=read charges=read" and app.id.startswith("ca_")
    assert realm.owner.get(f"/v1/apps/{app.id}").json == app.object
    changed = realm.owner.post(f"/v1/apps/{app.id}", {"name": "Ledger", "strict": "true"}).json
    assert changed == {**app.object, "name": "Ledger", "strict": True}
    assert app.id in {one["id"] for one in realm.owner.get("/v1/apps", {"limit": 100}).json["data"]}
    live = realm.owner.get(f"/v1/apps/{app.id}", headers={"Stripe-Livemode": "true"})
    assert live.status == 404, "test and live mode have their own"
    assert realm.owner.delete(f"/v1/apps/{app.id}").json == {"id": app.id, "object": "app", "deleted": True}
    assert realm.owner.get(f"/v1/apps/{app.id}").status == 404
    assert realm.ask(app).status == 400
    words = realm.sql(
        "select action from audit where account = $1 and object = $2 order by id", realm.running["account"], app.id
    )
    assert [row["action"] for row in words] == ["app.create", "app.update", "app.delete"]


def test_a_deleted_apps_tokens_end(realm: Realm):
    app = realm.app()
    tokens = realm.tokens(app)
    assert realm.use(tokens["access_token"]).status == 200
    assert realm.owner.delete(f"/v1/apps/{app.id}").status == 200
    assert realm.gone(tokens["access_token"])
    refused(realm.refresh(app, tokens["refresh_token"]), "invalid_client")


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"name": "a\u202eb"}, "name"),
        ({"scope": "apps=read"}, "scope"),
        ({"scope": "everything"}, "scope"),
        ({"redirect_uris[0]": None}, "redirect_uris"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "tls_client_auth"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "certificates"),
        ({"jwks": json.dumps({"keys": [Key().jwk]})}, "jwks"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": "{}"}, "jwks"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": json.dumps({"keys": []})}, "jwks"),
        ({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth[subject_dn]": "=x"}, "tls_client_auth"),
        ({"strict": "yes"}, "strict"),
        ({"logo": "x"}, "logo"),
    ],
)
def test_what_cannot_be_registered(realm: Realm, changes, param):
    asked = {"name": "X", "token_endpoint_auth_method": "none", "scope": "read_only",
             "redirect_uris[0]": "https://app.example/back", **changes}  # fmt: skip
    answer = realm.owner.post("/v1/apps", {name: value for name, value in asked.items() if value is not None})
    assert answer.status == 400, answer.text
    assert answer.error["param"].startswith(param)


def test_apps_are_for_people_with_that_role(realm: Realm):
    auditor = member(realm.owner, ["auditor"])
    app = realm.known()
    assert auditor.get(f"/v1/apps/{app.id}").status == 200
    assert auditor.post(f"/v1/apps/{app.id}", {"name": "Mine"}).status == 403
    key = realm.running["secret_key"]
    for path in ("/v1/apps", "/v1/authorizations", f"/v1/apps/{app.id}"):
        assert realm.use(key, path=path).status == 403, "a secret key is on too many servers for this"


def test_introspection_tells_an_app_of_its_own_tokens_only(realm: Realm):
    app, other = realm.known("secret_key"), realm.known("private_key_jwt")
    tokens = realm.tokens(app, scope="balance=read")
    told = realm.post("/oauth/introspect", app, {"token": tokens["access_token"]}).json
    assert told["active"] is True and told["scope"] == "balance=read" and told["client_id"] == app.id
    assert told["iss"] == told["aud"] == realm.issuer and told["token_type"] == "Bearer"
    assert told["stripe_user_id"] == realm.running["account"]
    refresh = realm.post("/oauth/introspect", app, {"token": tokens["refresh_token"]}).json
    assert refresh["active"] is True and refresh["exp"] > told["exp"]
    for text in (tokens["access_token"], tokens["refresh_token"]):
        assert realm.post("/oauth/introspect", other, {"token": text}).json == {"active": False}
    for text in ("x", "a.b.c", tokens["access_token"] + "x", "rt_" + "0" * 59):
        assert realm.post("/oauth/introspect", app, {"token": text}).json == {"active": False}
    refused(realm.post("/oauth/introspect", realm.known(), {"token": tokens["access_token"]}), "invalid_client")
    refused(realm.stranger().post("/oauth/introspect", {"token": tokens["access_token"]}), "invalid_client")
    refused(realm.post("/oauth/introspect", app, {}), "invalid_request")


def test_revocation_ends_a_token_or_a_family_and_only_ones_own(realm: Realm):
    app, other = realm.known("secret_key"), realm.known("private_key_jwt")
    tokens = realm.tokens(app)
    for text in (tokens["access_token"], tokens["refresh_token"], "x", "a.b.c"):
        answer = realm.post("/oauth/revoke", other, {"token": text, "token_type_hint": "access_token"})
        assert answer.status == 200 and answer.json == {}
    assert realm.use(tokens["access_token"]).status == 200
    assert realm.post("/oauth/revoke", app, {"token": tokens["access_token"]}).status == 200
    assert realm.gone(tokens["access_token"])
    assert realm.post("/oauth/introspect", app, {"token": tokens["access_token"]}).json == {"active": False}
    fresh = realm.refresh(app, tokens["refresh_token"]).json
    assert realm.use(fresh["access_token"]).status == 200, "the family goes on"
    assert realm.post("/oauth/revoke", app, {"token": fresh["refresh_token"]}).status == 200
    assert realm.gone(fresh["access_token"])
    refused(realm.refresh(app, fresh["refresh_token"]), "invalid_grant")
    refused(realm.stranger().post("/oauth/revoke", {"token": "x"}), "invalid_client")


def test_the_dialects_sdk_connects_and_disconnects_an_account(realm: Realm, monkeypatch):
    app = realm.app("secret_key", name="Platform")
    monkeypatch.setattr(stripe, "connect_api_base", realm.issuer)
    monkeypatch.setattr(stripe, "api_key", realm.running["secret_key"])
    monkeypatch.setattr(stripe, "ca_bundle_path", realm.running["ca_file"])
    monkeypatch.setattr(stripe, "client_id", app.id)
    asked, verifier = realm.question(app)
    url = stripe.OAuth.authorize_url(
        scope="read_write", state=asked["state"], redirect_uri=asked["redirect_uri"],
        code_challenge=asked["code_challenge"], code_challenge_method="S256",
    )  # fmt: skip
    assert url.startswith(f"{realm.issuer}/oauth/authorize?")
    grant = realm.grant(app, **{name: values[0] for name, values in parse_qs(urlsplit(url).query).items()})
    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        stripe.OAuth.token(grant_type="authorization_code", code=grant.code)
    tokens = stripe.OAuth.token(grant_type="authorization_code", code=grant.code, code_verifier=verifier)
    assert tokens.stripe_user_id == realm.running["account"] and tokens.livemode is False
    assert tokens.scope == "read_write" and tokens.token_type.lower() == "bearer"
    assert tokens.stripe_publishable_key.startswith("pk_test_")
    again = stripe.OAuth.token(grant_type="refresh_token", refresh_token=tokens.refresh_token)
    assert again.stripe_publishable_key == tokens.stripe_publishable_key
    assert realm.use(again.access_token).status == 200
    publishable = tokens.stripe_publishable_key
    card = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2040}
    bearer = {"Authorization": f"Bearer {publishable}"}
    assert realm.stranger().post("/v1/payment_methods", card, headers=bearer).status == 200
    gone = stripe.OAuth.deauthorize(stripe_user_id=tokens.stripe_user_id)
    assert gone.stripe_user_id == tokens.stripe_user_id
    assert realm.gone(again.access_token)
    assert realm.stranger().post("/v1/payment_methods", card, headers=bearer).status == 401
    with pytest.raises(stripe.oauth_error.InvalidClientError):
        stripe.OAuth.deauthorize(stripe_user_id=tokens.stripe_user_id)
    told = realm.sql(
        "select action from audit where account = $1 and action like 'account.application.%' order by id desc limit 2",
        realm.running["account"],
    )
    assert [row["action"] for row in told] == [
        "account.application.deauthorized", "account.application.authorized",
    ]  # fmt: skip


def test_oauth_17_scopes_hold_at_every_operation(realm: Realm):
    """Each operation with a token that has every permission but the one it needs: never a 2xx, always a 403."""
    document = realm.stranger().get("/openapi.json").json
    app = realm.known()
    whole = dict.fromkeys(scopes.GRANTABLE, "write")
    unexpected, asked = [], 0
    tokens: dict[tuple[str, str], str] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            needs = operation["x-permissions"]
            resource, access = needs["resource"], needs["access"]
            if (resource, access) not in tokens:
                lacking = {name: level for name, level in whole.items() if name != resource}
                if access == "write" and resource in whole:
                    lacking[resource] = "read"
                words = " ".join(f"{name}={level}" for name, level in lacking.items())
                tokens[resource, access] = realm.tokens(app, scope=words)["access_token"]
            answer = realm.stranger().request(
                method.upper(), re.sub(r"\{[a-z_]+\}", "x", path),
                headers={"Authorization": f"Bearer {tokens[resource, access]}", "Stripe-Version": "2024-06-20"},
            )  # fmt: skip
            asked += 1
            if answer.status != 403:
                unexpected.append((operation["operationId"], answer.status))
    assert asked > 100
    assert unexpected == []


def test_oauth_17_read_only_reads(realm: Realm):
    tokens = realm.tokens(realm.known(), scope="read_only")
    assert tokens["scope"] == "read_only"
    assert realm.use(tokens["access_token"], path="/v1/customers").status == 200
    made = realm.stranger().post("/v1/customers", {}, headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert made.status == 403
    written = realm.tokens(realm.known(), scope="read_write")["access_token"]
    made = realm.stranger().post("/v1/customers", {}, headers={"Authorization": f"Bearer {written}"})
    assert made.status == 200


def test_an_app_reaches_the_account_and_mode_that_let_it_in(realm: Realm):
    token = realm.tokens(realm.known())["access_token"]
    other = realm.running.command("accounts", "create", "--name", "Another").stdout.strip()
    assert realm.use(token, **{"Stripe-Account": other}).status == 403
    assert realm.use(token, **{"Stripe-Account": realm.running["account"]}).status == 200
    assert realm.use(token, **{"Stripe-Livemode": "true"}).json["livemode"] is False


def test_apps_from_the_command_line(realm: Realm):
    made = realm.running.command(
        "apps", "create", "--name", "By hand", "--redirect-uri", "https://app.example/back", "--scope", "balance=read"
    ).stdout.strip()
    assert made.startswith("ca_")
    listed = realm.running.command("apps", "list").stdout
    assert f"{made}  By hand  none  balance=read" in listed
    assert realm.owner.get(f"/v1/apps/{made}").json["name"] == "By hand"
    realm.running.command("apps", "delete", made)
    assert made not in realm.running.command("apps", "list").stdout
    bad = realm.running.command(
        "apps", "create", "--name", "X", "--redirect-uri", "http://app.example/", check=False
    )
    assert bad.returncode == 1 and "loopback" in bad.stderr and "Traceback" not in bad.stderr


def test_a_proof_binds_the_tokens_of_any_app(realm: Realm):
    app, key = realm.known("secret_key"), Key()
    tokens = realm.tokens(app, key=key)
    url = f"{realm.issuer}/v1/balance"
    assert tokens["token_type"] == "DPoP"
    assert realm.use(tokens["access_token"]).status == 401
    shown = proof(key, url, method="GET", token=tokens["access_token"])
    assert realm.use(tokens["access_token"], scheme="DPoP", DPoP=shown).status == 200


def test_nothing_of_a_token_or_code_stands_in_logs_or_tables(realm: Realm):
    app = realm.known()
    grant = realm.grant(app)
    tokens = realm.token(app, grant).json
    texts = [grant.code, grant.verifier, tokens["access_token"], tokens["refresh_token"]]
    logs = "".join(file.read_text(errors="replace") for file in (realm.running.home / "logs").glob("*.log"))
    kept = "".join(
        str(realm.sql(statement, realm.running["account"]))
        for statement in (
            "select * from app_code where account = $1", "select * from app_refresh where account = $1",
            "select * from app_session where account = $1", "select detail, object from audit where account = $1",
        )
    )  # fmt: skip
    for text in texts:
        assert text not in logs and text not in kept


def test_an_app_that_acts_for_itself_is_no_stronger_than_who_sets_it_up(realm: Realm):
    developer = member(realm.owner, ["developer"])
    key, other = Key("ES256", kid="mine"), Key("ES256", kid="owners")
    asked = {"name": "Own", "token_endpoint_auth_method": "private_key_jwt", "jwks": json.dumps({"keys": [key.jwk]})}
    strong = developer.post("/v1/apps", {**asked, "scope": "payouts=write"})
    assert (strong.status, strong.json["error"]["code"]) == (403, "permission_exceeded")
    weak = developer.post("/v1/apps", {**asked, "scope": "payouts=read"})
    assert weak.status == 200, weak.text
    widened = developer.post(f"/v1/apps/{weak.json['id']}", {"scope": "payouts=write"})
    assert widened.json["error"]["code"] == "permission_exceeded"
    owners = realm.app("private_key_jwt", scope="payouts=write", jwks=json.dumps({"keys": [other.jwk]}))
    taken = developer.post(f"/v1/apps/{owners.id}", {"jwks": asked["jwks"]})
    assert taken.json["error"]["code"] == "permission_exceeded"
    assert developer.post(f"/v1/apps/{owners.id}", {"name": "Renamed"}).status == 200
    assert developer.post(f"/v1/apps/{owners.id}", {"scope": "payouts=read"}).status == 200
