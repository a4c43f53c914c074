"""The pure rules of the room: scopes, redirect URIs, handles, PKCE, subjects and key sets."""

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lockgate.gateway.identity.core.dpop import same_target
from lockgate.gateway.oauth.core import clients, handles, pkce, redirects, scopes, subjects
from lockgate.gateway.oauth.core.errors import OAuthError
from lockgate.kernel.errors import Refusal
from lockgate.kernel.principal import ADMINISTRATIVE
from tests.gateway.oauth.realm import Key
from tests.oauth.test_oauth4webapi import self_signed

RFC_7636 = ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")


def test_pkce_by_the_example_of_its_rfc():
    pkce.check_verifier(*RFC_7636)
    with pytest.raises(OAuthError):
        pkce.check_verifier(RFC_7636[0][:-1] + "l", RFC_7636[1])


def test_scopes_are_written_as_short_as_they_can_be_and_read_back():
    for text in ("read_only", "read_write", "balance=read refunds=write"):
        assert scopes.write(scopes.read(text)) == text
    assert scopes.write(scopes.read("read_only refunds=write")) != "read_only"
    assert scopes.read("refunds=read refunds=write") == {"refunds": "write"}
    assert not ADMINISTRATIVE & set(scopes.read("read_write"))
    for text in ("", " ", "refunds", "refunds=write ", "apps=read", "refunds=all", "READ_ONLY"):
        with pytest.raises(OAuthError):
            scopes.read(text)


def test_a_handle_names_its_account_and_nothing_else_is_one():
    account = "acct_0123456789abcdef"
    text = handles.build("rt", account=account, random="x" * handles.RANDOM_LENGTH)
    assert handles.account_of("rt", text) == account
    for wrong in (text[:-1] + "-", text + "\n", "", "rt_", text.replace("rt_", "ac_"), "x" + text):
        assert handles.account_of("rt", wrong) is None


def test_answers_are_put_on_redirect_uris():
    assert redirects.onward("https://a.example/b", {"code": "x y", "state": "&="}) == (
        "https://a.example/b?code=x%20y&state=%26%3D"
    )
    assert redirects.onward("https://a.example/b?c=d", {"code": "x"}) == "https://a.example/b?c=d&code=x"


@pytest.mark.parametrize(
    ("registered", "given", "same"),
    [
        ("https://a.example/b", "https://a.example/b", True),
        ("https://a.example:8443/b", "https://a.example:8444/b", False),
        ("http://127.0.0.1/b", "http://127.0.0.1:9/b", True),
        ("http://127.0.0.1/b", "http://127.0.0.1:09/b", False),
        ("http://127.0.0.1/b?x", "http://127.0.0.1:9/b?x", True),
        ("http://127.0.0.1/b", "http://127.0.0.1:9/b?x", False),
        ("http://127.0.0.1/b", "http://127.0.0.1:9/b#x", False),
        ("http://127.0.0.1/b", "http://127.0.0.1:99999/b", False),
        ("http://[::1]/b", "http://[::1]:9/b", True),
        ("http://127.0.0.1", "http://127.0.0.1.evil.example", False),
    ],
)
def test_redirect_uris_are_the_same_or_not(registered, given, same):
    assert redirects.same(registered, given) is same


def test_one_redirect_uri_goes_without_saying_two_do_not():
    assert redirects.pick(["https://a.example/"], None) == "https://a.example/"
    assert redirects.pick(["https://a.example/", "https://b.example/"], None) is None
    assert redirects.pick([], None) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://A.example:443/v1/x", "https://a.example/v1/x", True),
        ("https://a.example", "https://a.example/", True),
        ("https://a.example/%7Eu", "https://a.example/~u", True),
        ("https://a.example/%2f", "https://a.example/%2F", True),
        ("https://a.example/%2F", "https://a.example//", False),
        ("https://a.example/a/../b", "https://a.example/b", True),
        ("https://a.example/b/", "https://a.example/b", False),
        ("https://a.example/B", "https://a.example/b", False),
        ("http://a.example/b", "https://a.example/b", False),
        ("https://a.example:8443/b", "https://a.example/b", False),
        ("https://u@a.example/b", "https://a.example/b", False),
        ("ftp://a.example/b", "ftp://a.example/b", False),
        ("/b", "/b", False),
    ],
)
def test_targets_are_compared_after_normalisation(one, other, same):
    assert same_target(one, other) is same


def test_subjects_by_name_and_by_alternative_names():
    der = x509.load_pem_x509_certificate(self_signed()["cert"].encode())
    raw = der.public_bytes(Encoding.DER)
    assert subjects.matches({"subject_dn": "CN=ledger-sync.example"}, raw)
    for subject in (
        {"subject_dn": "CN=ledger-sync.example,O=X"}, {"subject_dn": "CN=Ledger-sync.example"},
        {"san_dns": "ledger-sync.example"}, {}, {"subject_dn": "CN=ledger-sync.example", "san_dns": "x"},
    ):  # fmt: skip
        assert not subjects.matches(subject, raw), subject
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a, b")])
    assert subjects.check({"subject_dn": name.rfc4514_string()}) == {"subject_dn": name.rfc4514_string()}


def test_key_sets_are_public_and_for_signatures():
    keys = [Key(alg).jwk for alg in ("ES256", "EdDSA", "PS256")]
    assert clients.check_key_set(json.dumps({"keys": keys})) == {"keys": keys}
    for wrong in (
        {}, {"keys": []}, {"keys": [{}]}, {"keys": [keys[0], keys[0]]}, {"keys": keys * 4}, {"keys": keys, "x": 1},
        {"keys": [Key().private_jwk]}, {"keys": [{**keys[2], "alg": "RS256"}]}, {"keys": [{**keys[0], "use": "enc"}]},
        {"keys": [{"kty": "oct", "k": "AAAA"}]}, {"keys": [{**keys[0], "y": keys[0]["x"]}]},
    ):  # fmt: skip
        with pytest.raises(Refusal):
            clients.check_key_set(json.dumps(wrong))
    with pytest.raises(Refusal):
        clients.check_key_set("[]")


def test_an_assertion_names_one_key():
    one, two = {**Key().jwk, "kid": "1"}, {**Key().jwk, "kid": "2"}
    assert clients.key_for({"alg": "ES256", "kid": "2"}, [one, two])["x"] == two["x"]
    assert clients.key_for({"alg": "ES256"}, [one, two]) is None, "two fit: which one is not guessed"
    assert clients.key_for({"alg": "ES256"}, [one]) == {**one, "alg": "ES256"}
    assert clients.key_for({"alg": "RS256", "kid": "1"}, [one]) is None
    okp = {**Key("EdDSA").jwk, "alg": "EdDSA"}
    assert clients.key_for({"alg": "Ed25519"}, [okp]) is not None
