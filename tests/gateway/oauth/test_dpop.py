"""Proofs of possession: what a conformance suite wants refused and accepted, at the API and the token endpoint."""

import json
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.gateway.oauth.realm import Key, Realm, at_once, b64, proof

PATH = "/v1/balance"
KEY, OTHER, RSA = Key(), Key(), Key("PS256")


@pytest.fixture
def token(realm: Realm) -> str:
    """An access token that is bound to KEY."""
    return realm.tokens(realm.known(), key=KEY)["access_token"]


def made(realm: Realm, token: str, key: Key = KEY, **changes: Any) -> str:
    url = changes.pop("url", realm.issuer + PATH)
    return proof(key, url, **{"method": "GET", "token": token, **changes})


def ask(realm: Realm, token: str, *proofs: str, scheme: str = "DPoP", path: str = PATH):
    headers = {"DPoP": proofs[0]} if proofs else {}
    return realm.use(token, path=path, scheme=scheme, **headers)


def unsigned(realm: Realm, token: str) -> str:
    return made(realm, token, head={"alg": "none"}).rpartition(".")[0] + "."


def tampered(realm: Realm, token: str) -> str:
    head, claims, signature = made(realm, token).split(".")
    return f"{head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def endless(realm: Realm, token: str) -> str:
    head = json.dumps({"typ": "dpop+jwt", "alg": KEY.alg, "jwk": KEY.jwk}).encode()
    start = b64(head) + "." + b64(b'{"iat":1e999,"jti":"x","htm":"GET"}')
    return f"{start}.{b64(KEY.sign(start.encode()))}"


def now(shift: int) -> int:
    return int(time.time()) + shift


REJECTED = {
    "typ missing": lambda r, t: made(r, t, drop=("typ",)),
    "typ JWT": lambda r, t: made(r, t, head={"typ": "JWT"}),
    "typ at+jwt": lambda r, t: made(r, t, head={"typ": "at+jwt"}),
    "alg none": unsigned,
    "alg missing": lambda r, t: made(r, t, drop=("alg",)),
    "alg RS256": lambda r, t: made(r, t, Key("RS256", private=RSA.private)),
    "alg HS256": lambda r, t: made(r, t, head={"alg": "HS256"}),
    "alg of another key": lambda r, t: made(r, t, head={"alg": "PS256"}),
    "jwk missing": lambda r, t: made(r, t, drop=("jwk",)),
    "jwk private": lambda r, t: made(r, t, head={"jwk": KEY.private_jwk}),
    "jwk of another": lambda r, t: made(r, t, head={"jwk": OTHER.jwk}),
    "jwk symmetric": lambda r, t: made(r, t, head={"jwk": {"kty": "oct", "k": "AAAA"}}),
    "jwk no object": lambda r, t: made(r, t, head={"jwk": "x"}),
    "signature wrong": tampered,
    "htm missing": lambda r, t: made(r, t, drop=("htm",)),
    "htm wrong": lambda r, t: made(r, t, method="POST"),
    "htm in small letters": lambda r, t: made(r, t, method="get"),
    "htu missing": lambda r, t: made(r, t, drop=("htu",)),
    "htu wrong path": lambda r, t: made(r, t, url=r.issuer + "/v1/refunds"),
    "htu wrong host": lambda r, t: made(r, t, url="https://evil.example" + PATH),
    "htu wrong scheme": lambda r, t: made(r, t, url=r.issuer.replace("https", "http") + PATH),
    "htu relative": lambda r, t: made(r, t, url=PATH),
    "iat missing": lambda r, t: made(r, t, drop=("iat",)),
    "iat long past": lambda r, t: made(r, t, iat=now(-300)),
    "iat far ahead": lambda r, t: made(r, t, iat=now(120)),
    "iat in words": lambda r, t: made(r, t, iat="now"),
    "exp over": lambda r, t: made(r, t, exp=now(-5)),
    "nbf far ahead": lambda r, t: made(r, t, nbf=now(120)),
    "jti missing": lambda r, t: made(r, t, drop=("jti",)),
    "jti empty": lambda r, t: made(r, t, jti=""),
    "jti of half a character": lambda r, t: made(r, t, jti="\ud800"),
    "ath of half a character": lambda r, t: made(r, t, ath="\ud800"),
    "iat beyond all numbers": endless,
    "htu with a line break": lambda r, t: made(r, t, url=r.issuer + "/v1/\nbalance"),
    "htu with port 0": lambda r, t: made(r, t, url=r.issuer.rpartition(":")[0] + ":0" + PATH),
    "ath missing": lambda r, t: made(r, t, drop=("ath",)),
    "ath of another token": lambda r, t: made(r, t + "x"),
    "crit": lambda r, t: made(r, t, head={"crit": ["jti"]}),
    "another key": lambda r, t: made(r, t, OTHER),
    "not a proof": lambda r, t: "x",
    "empty": lambda r, t: "",
}
ACCEPTED = {
    "plain": made,
    "ten seconds ahead": lambda r, t: made(r, t, iat=now(10)),
    "ten seconds ago": lambda r, t: made(r, t, iat=now(-10)),
    "query and fragment": lambda r, t: made(r, t, url=r.issuer + PATH + "?a=1#b"),
    "capital scheme and host": lambda r, t: made(r, t, url=r.issuer.replace("https", "HTTPS") + PATH),
    "needless escapes": lambda r, t: made(r, t, url=r.issuer + "/v1/b%61lance"),
    "dots in the path": lambda r, t: made(r, t, url=r.issuer + "/v1/./x/../balance"),
    "exp ahead, more claims": lambda r, t: made(r, t, exp=now(60), extra="x"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_oauth_14_must_be_rejected(realm: Realm, token, name):
    answer = ask(realm, token, REJECTED[name](realm, token))
    assert answer.status == 401, answer.text
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert token not in answer.text


@pytest.mark.parametrize("name", ACCEPTED)
def test_oauth_14_must_be_accepted(realm: Realm, token, name):
    answer = ask(realm, token, ACCEPTED[name](realm, token))
    assert answer.status == 200, answer.text


def test_oauth_14_a_proof_is_good_once(realm: Realm, token):
    once = made(realm, token)
    assert ask(realm, token, once).status == 200
    assert ask(realm, token, once).status == 401
    same_jti = made(realm, token, jti="fixed", iat=now(0))
    assert ask(realm, token, same_jti).status == 200
    assert ask(realm, token, made(realm, token, jti="fixed", iat=now(1))).status == 401


async def test_oauth_14_a_proof_is_good_once_at_a_time_too(realm: Realm, token):
    once = made(realm, token)
    answers = await at_once(*[lambda: ask(realm, token, once)] * 20)
    assert sorted(answer.status for answer in answers) == [200] + [401] * 19


def test_oauth_14_two_headers_are_refused(realm: Realm, token):
    joined = f"{made(realm, token)}, {made(realm, token)}"
    assert ask(realm, token, joined).status == 401
    lines = [f"Authorization: DPoP {token}", *(f"DPoP: {made(realm, token)}" for _ in range(2))]
    answer = raw(realm, f"GET {PATH}", *lines)
    assert answer.startswith("HTTP/1.1 401 ") and 'www-authenticate: DPoP error="invalid_dpop_proof"' in answer


def test_what_is_wrong_with_headers_is_said_in_oauths_form(realm: Realm):
    app = realm.known()
    body = f"grant_type=refresh_token&refresh_token=x&client_id={app.id}"
    post = ("POST /oauth/token", "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}")
    for name, value, error in (
        ("Authorization", "Basic eDp5", "invalid_request"),
        ("Content-Type", "application/x-www-form-urlencoded", "invalid_request"),
    ):
        answer = raw(realm, *post, f"{name}: {value}", f"{name}: {value}", body=body)
        assert answer.startswith("HTTP/1.1 400 "), answer
        assert json.loads(answer.partition("\r\n\r\n")[2])["error"] == error
    grant = realm.grant(app)
    body = f"grant_type=authorization_code&code={grant.code}&code_verifier={grant.verifier}&client_id={app.id}"
    proofs = [f"DPoP: {proof(KEY, realm.issuer + '/oauth/token')}" for _ in range(2)]
    answer = raw(realm, *post[:2], f"Content-Length: {len(body)}", *proofs, body=body)
    assert json.loads(answer.partition("\r\n\r\n")[2])["error"] == "invalid_dpop_proof"


def test_oauth_14_no_proof_at_all(realm: Realm, token):
    assert ask(realm, token).status == 401


def test_oauth_15_a_bound_token_is_refused_as_bearer(realm: Realm, token):
    answer = ask(realm, token, scheme="Bearer")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert ask(realm, token, made(realm, token), scheme="Bearer").status == 401


def test_oauth_15_an_unbound_token_is_refused_with_a_proof(realm: Realm):
    plain = realm.tokens(realm.known())["access_token"]
    assert ask(realm, plain, made(realm, plain)).status == 401


TOKEN_REJECTED = [
    {"head": {"typ": "JWT"}}, {"method": "GET"}, {"url": "https://evil.example/oauth/token"}, {"iat": 1},
    {"drop": ("jti",)}, {"head": {"jwk": KEY.private_jwk}},
]  # fmt: skip


@pytest.mark.parametrize("change", TOKEN_REJECTED)
def test_oauth_14_the_token_endpoint_rejects_too(realm: Realm, change):
    app = realm.known()
    grant = realm.grant(app)
    bad = proof(KEY, **{"url": f"{realm.issuer}/oauth/token", **change})
    answer = realm.token(app, grant, headers={"DPoP": bad})
    assert answer.status == 400 and answer.json["error"] == "invalid_dpop_proof", answer.text
    assert realm.token(app, grant).status == 200, "a bad proof does not spend the code"


def test_oauth_14_the_token_endpoint_takes_a_proof_once(realm: Realm):
    app = realm.known()
    once = proof(KEY, f"{realm.issuer}/oauth/token")
    assert realm.token(app, realm.grant(app), headers={"DPoP": once}).status == 200
    again = realm.token(app, realm.grant(app), headers={"DPoP": once})
    assert again.json["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("alg", ["EdDSA", "PS256"])
def test_keys_of_every_algorithm_bind(realm: Realm, alg):
    key = Key(alg)
    bound = realm.tokens(realm.known(), key=key)
    assert bound["token_type"] == "DPoP"
    assert ask(realm, bound["access_token"], made(realm, bound["access_token"], key)).status == 200


def raw(realm: Realm, start: str, *lines: str, body: str = "") -> str:
    """The answer to a request with headers that ordinary clients cannot send."""
    place = urlsplit(realm.issuer)
    context = ssl.create_default_context(cafile=realm.running["ca_file"])
    sent = [f"{start} HTTP/1.1", f"Host: {place.netloc}", *lines, "Connection: close", "", body]
    plain = socket.create_connection((place.hostname or "", place.port or 443))
    with context.wrap_socket(plain, server_hostname=place.hostname) as wrapped:
        wrapped.sendall("\r\n".join(sent).encode())
        return "".join(iter(lambda: wrapped.recv(65536).decode(), ""))
