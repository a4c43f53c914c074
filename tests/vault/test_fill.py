"""Slots first, then directives over what they filled: against published vectors and the standard tools."""

import base64
import hashlib
import hmac
import subprocess
from typing import Any

import pytest

from lockgate.kernel.orders import Body, Derived, HeaderPart, Order, Part, SentAt, Slot
from lockgate.vault.fill import Filled, fill

NOW = 1_767_225_600
VALUES = {"card.number": "4242424242424242", "card.exp_month": "03", "secret.key": "Jefe-Jefe", "secret.odd": 'a"+&/b'}


def _filled(body: tuple[Part, ...], *headers: tuple[HeaderPart, ...], values: Any = VALUES) -> Filled:
    named = tuple((f"x-{number}", parts) for number, parts in enumerate(headers))
    return fill(Order("pa_1", "acme", "POST", "https://acme.example/", named, body, 1, 1), values, now=NOW)


def _derived(kind: str, algorithm: str, *over: Any, encoding: str = "hex", key: str | None = None) -> Derived:
    return Derived(kind, algorithm, over or (Body(),), encoding, key)


def test_the_content_digests_of_rfc_9530() -> None:
    """Appendix B.1 and B.2: the same JSON text with and without a line feed at its end."""
    sha256, sha512 = (_derived("hash", name, encoding="base64") for name in ("sha256", "sha512"))
    said = _filled((b'{"hello": "world"}\n',), (b"sha-256=:", sha256, b":"), (sha512,))
    assert said.headers[0] == ("x-0", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:")
    assert said.headers[1][1].startswith("YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCs")
    assert _filled((b'{"hello": "world"}',), (sha256,)).headers[0][1] == "X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ("sha512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                   "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"),
    ],
)  # fmt: skip
def test_the_second_case_of_rfc_4231(algorithm: str, expected: str) -> None:
    mac = _derived("hmac", algorithm, b"what do ya ", Body(), key="secret.k")
    said = _filled((b"want for nothing?",), (mac,), values={"secret.k": "Jefe"})
    assert said.headers[0][1] == expected
    assert said.digests == (bytes.fromhex(expected),)


def test_directives_cover_the_filled_body_and_one_and_the_same_second() -> None:
    body = (b'{"number":"', Slot("card.number", "json"), b'","note":"', Slot("secret.odd", "json"), b'"}')
    mac = _derived("hmac", "sha256", SentAt(), b".", Body(), key="secret.key")
    digest = _derived("hash", "sha512", encoding="base64")
    said = _filled(body, (b"t=", SentAt(), b",v1=", mac), (Slot("secret.key", "ascii"),), (digest,))
    plain = b'{"number":"4242424242424242","note":"a\\"+&/b"}'
    assert said.body == plain
    expected = hmac.new(b"Jefe-Jefe", f"{NOW}.".encode() + plain, hashlib.sha256)
    whole = hashlib.sha512(plain)
    assert [value for _, value in said.headers] == [
        f"t={NOW},v1={expected.hexdigest()}", "Jefe-Jefe", base64.b64encode(whole.digest()).decode(),
    ]  # fmt: skip
    assert said.digests == (expected.digest(), whole.digest())
    assert "4242" not in repr(said) and expected.hexdigest() not in repr(said)


def test_openssl_agrees() -> None:
    command = ["openssl", "dgst", "-sha256", "-hmac", "Jefe-Jefe", "-r"]
    body = (b"a=", Slot("secret.odd", "form"))
    plain = _filled(body).body
    assert plain == b"a=a%22%2B%26%2Fb"
    theirs = subprocess.run(command, input=plain, capture_output=True, check=True).stdout.split()[0]
    assert _filled(body, (_derived("hmac", "sha256", key="secret.key"),)).headers[0][1] == theirs.decode()
