"""Seals cards as docs/vault.md tells strangers to, in both formats, with nothing of the product's own code."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from joserfc import jwe
from joserfc.jwk import ECKey


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(answer: Mapping[str, Any], pinned: str) -> dict[str, Mapping[str, Any]]:
    """The newest key of each format whose signature holds under the pinned key; raises on a false one."""
    verifier = ed25519.Ed25519PublicKey.from_public_bytes(_bytes(pinned))
    now, newest = time.time(), {}
    for key in sorted(answer["keys"], key=lambda key: key["not_before"]):
        if key["format"] == "jwe":
            public = b"\x04" + _bytes(key["jwk"]["x"]) + _bytes(key["jwk"]["y"])
        else:
            public = _bytes(key["hpke_public"])
        text = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        times = (str(key["not_before"]), str(key["not_after"]))
        lines = ("lockgate-sealing-key-v1", key["kid"], key["format"], *times, text)
        verifier.verify(_bytes(key["signature"]), "\n".join(lines).encode())
        if key["not_before"] <= now < key["not_after"]:
            newest[key["format"]] = key
    return newest


@dataclass(frozen=True)
class Sealer:
    """Seals for one account with verified keys."""

    keys: Mapping[str, Mapping[str, Any]]
    account: str

    def jwe(self, card: Mapping[str, Any], intent: str | None = None) -> str:
        key = self.keys["jwe"]
        header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key["kid"]}
        content = json.dumps(self._content(card, intent)).encode()
        return jwe.encrypt_compact(header, content, ECKey.import_key(dict(key["jwk"])))

    def hpke(self, card: Mapping[str, Any], intent: str | None = None) -> str:
        key, content = self.keys["hpke"], self._content(card, intent)
        raw = _bytes(key["hpke_public"])
        public = hpke.MLKEM768X25519PublicKey(
            mlkem.MLKEM768PublicKey.from_public_bytes(raw[:1184]), x25519.X25519PublicKey.from_public_bytes(raw[1184:])
        )
        suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
        lines = ("lockgate-sealed-card-v1", self.account, intent or "", str(content["iat"]), key["kid"])
        sealed = suite.encrypt(json.dumps(content).encode(), public, "\n".join(lines).encode())
        text = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        return f"lgh1.{key['kid']}.{content['iat']}.{intent or ''}.{text}"

    def _content(self, card: Mapping[str, Any], intent: str | None) -> dict[str, Any]:
        bound = {} if intent is None else {"intent": intent}
        return {**card, "account": self.account, "iat": int(time.time()), **bound}
