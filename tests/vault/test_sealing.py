"""Sealed cards: independent sealers' blobs open in their own context, and nowhere and nohow else."""

import asyncio
import base64
import hashlib
import hmac
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.jwk import ECKey

from lockgate.kernel import clock, jws
from lockgate.vault import sealing
from lockgate.vault.keys import Keyring
from lockgate.vault.sealing import BLOB_LIFE_S, DAY_S, OFFERED_S, SealRefused, hpke_info

ACCOUNT, INTENT = "acct_1", "pi_1"
SEAL_JS = Path(sealing.__file__).parent / "static" / "seal.js"


def _card(**changes: Any) -> dict[str, Any]:
    card = {
        "number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123",
        "account": ACCOUNT, "intent": INTENT, "iat": clock.now(),
    }  # fmt: skip
    return {name: value for name, value in (card | changes).items() if value is not None}


def _key(ring: Keyring, key_format: str) -> dict[str, Any]:
    return next(key for key in ring.sealing_keys() if key["format"] == key_format)


def _jwe(ring: Keyring, card: dict[str, Any], **header: Any) -> str:
    """By joserfc, as a merchant's server would."""
    key = _key(ring, "jwe")
    protected = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key["kid"]} | header
    return jwe.encrypt_compact(protected, json.dumps(card).encode(), ECKey.import_key(key["jwk"]))


def _hpke_text(key: dict[str, Any], card: dict[str, Any], ciphertext: bytes) -> str:
    return f"lgh1.{key['kid']}.{card['iat']}.{card.get('intent', '')}.{jws.base64url(ciphertext)}"


def _hpke(ring: Keyring, card: dict[str, Any], *, account: str = ACCOUNT) -> str:
    key = _key(ring, "hpke")
    raw = jws.from_base64url(key["hpke_public"])
    public = hpke.MLKEM768X25519PublicKey(
        mlkem.MLKEM768PublicKey.from_public_bytes(raw[:1184]), x25519.X25519PublicKey.from_public_bytes(raw[1184:])
    )
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    info = hpke_info(account, card.get("intent", ""), sealed_at=card["iat"], kid=key["kid"])
    return _hpke_text(key, card, suite.encrypt(json.dumps(card).encode(), public, info))


def _hpke_by_hand(ring: Keyring, card: dict[str, Any]) -> str:
    """RFC 9180 base mode and X-Wing written out from the documents, as docs/vault.md describes them."""
    key = _key(ring, "hpke")
    raw = base64.urlsafe_b64decode(key["hpke_public"] + "==")
    pk_m, pk_x = raw[:1184], raw[1184:]
    ss_m, ct_m = mlkem.MLKEM768PublicKey.from_public_bytes(pk_m).encapsulate()
    ephemeral = x25519.X25519PrivateKey.generate()
    ct_x = ephemeral.public_key().public_bytes_raw()
    ss_x = ephemeral.exchange(x25519.X25519PublicKey.from_public_bytes(pk_x))
    shared = hashlib.sha3_256(ss_m + ss_x + ct_x + pk_x + b"\\.//^\\").digest()
    suite_id = b"HPKE" + bytes.fromhex("647a00010002")

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite_id + label + ikm, "sha256")

    def expand(prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + info
        return hmac.digest(prk, labelled + b"\x01", "sha256")[:length]

    lines = ("lockgate-sealed-card-v1", card["account"], card.get("intent", ""), str(card["iat"]), key["kid"])
    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", "\n".join(lines).encode())
    secret = extract(shared, b"secret", b"")
    sealed = AESGCM(expand(secret, b"key", context, 32)).encrypt(
        expand(secret, b"base_nonce", context, 12), json.dumps(card).encode(), b""
    )
    return _hpke_text(key, card, ct_m + ct_x + sealed)


SEALERS = {"joserfc": _jwe, "cryptography": _hpke, "by hand": _hpke_by_hand}


async def _code(ring: Keyring, blob: str, *, account: str = ACCOUNT, intent: str | None = INTENT) -> str:
    with pytest.raises(SealRefused) as refused:
        await ring.open_sealed(blob, account=account, intent=intent)
    assert "4242" not in str(refused.value)
    return refused.value.code


@pytest.mark.parametrize("sealer", SEALERS)
async def test_blobs_of_independent_sealers_open(keyring: Keyring, sealer: str) -> None:
    card = _card()
    blob = SEALERS[sealer](keyring, card)
    for _ in range(2):
        assert json.loads(await keyring.open_sealed(blob, account=ACCOUNT, intent=INTENT)) == card
    unbound = _card(intent=None)
    blob = SEALERS[sealer](keyring, unbound)
    for intent in (None, INTENT):
        assert json.loads(await keyring.open_sealed(blob, account=ACCOUNT, intent=intent)) == unbound


@pytest.mark.parametrize("sealer", SEALERS)
async def test_another_context_is_refused(keyring: Keyring, sealer: str) -> None:
    blob = SEALERS[sealer](keyring, _card())
    assert await _code(keyring, blob, intent=None) == "wrong_context"
    assert await _code(keyring, blob, intent="pi_2") == "wrong_context"
    assert await _code(keyring, blob, account="acct_2") in ("wrong_context", "tampered")


@pytest.mark.parametrize("sealer", SEALERS)
async def test_old_and_postdated_blobs_are_refused(keyring: Keyring, sealer: str) -> None:
    for iat in (clock.now() - BLOB_LIFE_S - 5, clock.now() + 3600):
        assert await _code(keyring, SEALERS[sealer](keyring, _card(iat=iat))) == "expired"


@pytest.mark.parametrize("sealer", ["joserfc", "cryptography"])
async def test_every_altered_character_is_refused(keyring: Keyring, sealer: str) -> None:
    blob = SEALERS[sealer](keyring, _card())
    step = max(1, len(blob) // 300)
    for at in range(0, len(blob), step):
        altered = blob[:at] + ("A" if blob[at] != "A" else "B") + blob[at + 1 :]
        assert await _code(keyring, altered) in ("malformed", "tampered", "unknown_key", "wrong_context", "expired")
    for appended in (blob + "=", blob + ".", " " + blob, blob + "\n", blob[:-1], ""):
        assert await _code(keyring, appended) in ("malformed", "tampered")


async def test_hpke_clear_part_must_agree_with_the_content(keyring: Keyring) -> None:
    card = _card()
    key = _key(keyring, "hpke")
    outer = _card(iat=card["iat"] - 1)
    text = _hpke(keyring, outer)
    assert json.loads(await keyring.open_sealed(text, account=ACCOUNT, intent=INTENT))["iat"] == outer["iat"]
    swapped = text.replace(f".{outer['iat']}.", f".{card['iat']}.")
    assert await _code(keyring, swapped) == "tampered"
    assert await _code(keyring, text.replace(f".{INTENT}.", "..")) == "tampered"
    assert await _code(keyring, _hpke(keyring, _card(account="acct_2"))) == "wrong_context"
    assert await _code(keyring, text.replace(key["kid"], _key(keyring, "jwe")["kid"])) == "unknown_key"


async def test_jwe_refuses_what_jose_would_allow(keyring: Keyring) -> None:
    assert await _code(keyring, _jwe(keyring, _card(), zip="DEF")) == "malformed"
    assert await _code(keyring, _jwe(keyring, _card(), enc="A128GCM")) == "malformed"
    assert await _code(keyring, _jwe(keyring, _card(), alg="ECDH-ES+A256KW")) == "malformed"
    assert await _code(keyring, _jwe(keyring, _card(), kid="seal_" + "0" * 22)) == "unknown_key"
    assert await _code(keyring, _jwe(keyring, _card(), kid="x")) == "unknown_key"
    assert await _code(keyring, _jwe(keyring, _card(account=None))) == "wrong_context"
    assert await _code(keyring, _jwe(keyring, _card(iat="now"))) == "malformed"
    assert await _code(keyring, "x" * 9000) == "malformed"
    named = _jwe(keyring, _card(), apu="QWxpY2U", apv="Qm9i", typ="JWE", cty="json")
    assert await keyring.open_sealed(named, account=ACCOUNT, intent=INTENT)


async def test_the_key_list_is_signed_over_all_that_matters(keyring: Keyring) -> None:
    verify_key = jws.from_base64url(keyring.verify_key)
    assert {key["format"] for key in keyring.sealing_keys()} == {"jwe", "hpke"}
    for key in keyring.sealing_keys():
        if key["format"] == "jwe":
            public = b"\x04" + jws.from_base64url(key["jwk"]["x"]) + jws.from_base64url(key["jwk"]["y"])
        else:
            public = jws.from_base64url(key["hpke_public"])
        lines = ["lockgate-sealing-key-v1", key["kid"], key["format"], key["not_before"], key["not_after"]]
        signed = "\n".join([*map(str, lines), jws.base64url(public)]).encode()
        assert jws.verify_ed25519(verify_key, jws.from_base64url(key["signature"]), data=signed)
        assert not jws.verify_ed25519(verify_key, jws.from_base64url(key["signature"]), data=signed + b"0")
        assert "private" not in json.dumps(key)
        assert "d" not in key.get("jwk", {})


async def test_keys_change_daily_overlap_and_end(
    pool: asyncpg.Pool, secrets: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    now = start

    monkeypatch.setattr(clock, "now", lambda: now)
    ring, other = [await Keyring.open(pool, secrets, profile="sandbox") for _ in range(2)]
    first = {key["kid"] for key in ring.sealing_keys()}
    assert first == {key["kid"] for key in other.sealing_keys()}
    blob = _jwe(ring, _card())
    now = start + DAY_S
    await asyncio.gather(ring.renew_sealing_keys(), other.renew_sealing_keys())
    assert len(ring.sealing_keys()) == 4
    assert {key["kid"] for key in ring.sealing_keys()[2:]} == first
    late = _jwe(ring, _card())
    assert await other.open_sealed(late, account=ACCOUNT, intent=INTENT)  # made by either, opened by both
    assert await ring.open_sealed(blob, account=ACCOUNT, intent=INTENT)
    now = start + OFFERED_S
    assert not first & {key["kid"] for key in ring.sealing_keys()}
    now = start + OFFERED_S + BLOB_LIFE_S + 1
    assert await _code(ring, blob) == "unknown_key"
    await ring.renew_sealing_keys()
    assert not first & {row["kid"] for row in await pool.fetch("select kid from vault.sealing_key")}


@pytest.fixture
def key_list(keyring: Keyring) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A loopback server that answers with the list held here, so that a test can alter it."""
    held = json.loads(json.dumps(keyring.sealing_keys()))

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": held}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/keys", held
    server.shutdown()
    thread.join()
    server.server_close()


async def _seal_by_node(tmp_path: Path, options: dict[str, Any]) -> tuple[int, str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    module = tmp_path / "seal.mjs"
    module.write_text(SEAL_JS.read_text())
    script = tmp_path / "run.mjs"
    script.write_text(
        'import { sealCard } from "./seal.mjs";\n'
        'const card = { number: "4242 4242 4242 4242", exp_month: "12", exp_year: "2040", cvc: "123" };\n'
        "process.stdout.write(await sealCard(card, JSON.parse(process.argv[2])));\n"
    )
    process = await asyncio.create_subprocess_exec(
        node, script, json.dumps(options), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, (out or err).decode()


async def test_the_browser_module_seals(
    keyring: Keyring, key_list: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    options = {"keysUrl": key_list[0], "verifyKey": keyring.verify_key, "account": ACCOUNT, "intent": INTENT}
    status, blob = await _seal_by_node(tmp_path, options)
    assert status == 0, blob
    opened = json.loads(await keyring.open_sealed(blob, account=ACCOUNT, intent=INTENT))
    assert opened | {"iat": 0} == _card(iat=0)
    assert await _code(keyring, blob, intent="pi_2") == "wrong_context"


@pytest.mark.parametrize("change", ["x", "kid", "not_after", "signature", "pin"])
async def test_the_browser_module_refuses_a_list_it_cannot_trust(
    keyring: Keyring, key_list: tuple[str, list[dict[str, Any]]], tmp_path: Path, change: str
) -> None:
    url, held = key_list
    options = {"keysUrl": url, "verifyKey": keyring.verify_key, "account": ACCOUNT}
    for key in held:
        if change == "x" and "jwk" in key:
            stranger = ECKey.generate_key("P-256").as_dict(private=False)
            key["jwk"] |= {"x": stranger["x"], "y": stranger["y"]}
        elif change == "kid":
            key["kid"] = "seal_" + "0" * 22
        elif change == "not_after":
            key["not_after"] += 1
        elif change == "signature":
            key["signature"] = jws.base64url(bytes(64))
    if change == "pin":
        options["verifyKey"] = jws.base64url(await keyring.public_key("platform", "another"))
    status, message = await _seal_by_node(tmp_path, options)
    assert status != 0
    assert "signature" in message
    assert "4242" not in message
