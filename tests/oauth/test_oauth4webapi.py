"""oauth4webapi, unmodified and strict, drives every flow against a started Lockgate over TLS."""

import datetime
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.gateway.oauth.realm import BACK, Key, Realm, b64, number, open_realm
from tests.support.running import discard, start_lockgate

HERE = Path(__file__).parent
PARAMS: dict[str, Any] = {
    "ES256": {"name": "ECDSA", "namedCurve": "P-256"},
    "EdDSA": {"name": "Ed25519"},
    "PS256": {"name": "RSA-PSS", "hash": "SHA-256"},
}

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules").is_dir(),
    reason="node or its packages are not installed: run 'npm ci' in tests/oauth",
)


@pytest.fixture(scope="module")
def realm() -> Iterator[Realm]:
    running = start_lockgate()
    try:
        yield open_realm(running)
    finally:
        discard(running)


def private_jwk(key: Key) -> dict[str, Any]:
    if key.alg == "ES256":
        return key.private_jwk
    if key.alg == "EdDSA":
        return {**key.jwk, "d": b64(key.private.private_bytes_raw())}
    whole = key.private.private_numbers()
    parts = {"d": whole.d, "p": whole.p, "q": whole.q, "dp": whole.dmp1, "dq": whole.dmq1, "qi": whole.iqmp}
    return {**key.jwk, **{name: number(value) for name, value in parts.items()}}


def pem(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def self_signed() -> dict[str, str]:
    """A certificate that an app made for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ledger-sync.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return {"cert": made.public_bytes(serialization.Encoding.PEM).decode(), "key": pem(key)}


def issued(realm: Realm) -> tuple[dict[str, str], str]:
    """A certificate of the installation's own authority for the merchant, and the subject that it names."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    made = realm.owner.post(
        "/v1/client_certificates", {"csr": request.public_bytes(serialization.Encoding.PEM).decode()}
    )
    assert made.status == 200, made.text
    found = x509.load_pem_x509_certificate(made.json["certificate"].encode())
    chain = made.json["certificate"] + (made.json["chain"] or "")
    return {"cert": chain, "key": pem(key)}, found.subject.rfc4514_string()


@pytest.fixture(scope="module")
def seen(realm: Realm) -> dict[str, Any]:
    """What the client saw, flow by flow."""
    apps: dict[str, Any] = {"none": realm.app().id, "secret_key": realm.app("secret_key").id}
    for algorithm, params in PARAMS.items():
        app = realm.app("private_key_jwt", alg=algorithm, strict="true")
        assert app.key is not None
        apps[algorithm] = {"id": app.id, "jwk": private_jwk(app.key), "params": params}
    own = self_signed()
    made = realm.app("self_signed_tls_client_auth", **{"certificates[0]": own["cert"]})
    apps["self_signed_tls_client_auth"] = {"id": made.id, **own}
    theirs, subject = issued(realm)
    made = realm.app("tls_client_auth", **{"tls_client_auth[subject_dn]": subject})
    apps["tls_client_auth"] = {"id": made.id, **theirs}
    told = {
        "issuer": realm.issuer, "session": realm.owner.tokens["access_token"], "back": BACK, "apps": apps,
        "key": realm.running["secret_key"],
    }  # fmt: skip
    done = subprocess.run(
        ["node", "flows.mjs"],
        cwd=HERE, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "LOCKGATE_REALM": json.dumps(told), "NODE_EXTRA_CA_CERTS": realm.running["ca_file"]},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_metadata_is_what_strict_clients_want(seen, realm):
    told = seen["metadata"]
    assert told["issuer"] == realm.issuer
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["authorization_response_iss_parameter_supported"] is True


def test_a_public_app_gets_refreshes_and_revokes(seen, realm):
    assert seen["public"] == {
        "type": "bearer", "scope": "balance=read payment_intents=write refunds=read", "used": 200, "again": 200,
        "rotated": True, "audience": realm.issuer, "client": seen["public"]["client"], "revoked": "invalid_grant",
    }  # fmt: skip


def test_a_key_binds_tokens(seen):
    assert seen["dpop"] == {"type": "dpop", "used": 200, "stolen": "invalid_token"}


@pytest.mark.parametrize("algorithm", PARAMS)
def test_a_strict_app_pushes_proves_itself_and_acts_for_itself(seen, algorithm):
    assert seen[algorithm] == {
        "expires": 90, "used": 200, "active": True, "type": "DPoP", "bound": "string", "own": 200,
        "scope": "balance=read",
    }  # fmt: skip


@pytest.mark.parametrize("spelling", ["post", "basic"])
def test_the_owners_key_is_a_client_secret(seen, realm, spelling):
    assert seen[spelling] == {"account": realm.running["account"], "livemode": False, "used": 200}


@pytest.mark.parametrize("method", ["self_signed_tls_client_auth", "tls_client_auth"])
def test_a_certificate_says_who_asks_and_binds(seen, method):
    assert seen[method] == {"type": "bearer", "used": 200, "stolen": "invalid_token"}


def test_without_a_challenge_the_app_is_told_so(seen):
    assert seen["noChallenge"] == "invalid_request"
