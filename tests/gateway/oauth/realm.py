"""A started Lockgate with an owner in a browser, apps of every kind, and the way from a consent page to tokens."""

import asyncio
import base64
import hashlib
import json
import re
import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from lockgate.kernel.jws import base64url
from tests.support.cluster import run_apart
from tests.support.door import FORM, SECURITY, Client, Reply
from tests.support.people import Person, owner
from tests.support.running import Running

BACK = "https://app.example/back"
FRESH_S = 200
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def b64(data: bytes) -> str:
    return base64url(data)


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass
class Key:
    """A key pair of any algorithm, that signs whatever it is told to."""

    alg: str = "ES256"
    kid: str | None = None
    private: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.private is None:
            self.private = {
                "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
                "EdDSA": ed25519.Ed25519PrivateKey.generate,
            }.get(self.alg, lambda: rsa.generate_private_key(65537, 2048))()

    @property
    def jwk(self) -> dict[str, Any]:
        public = self.private.public_key()
        if self.alg == "ES256":
            numbers = public.public_numbers()
            made = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")),
                    "y": b64(numbers.y.to_bytes(32, "big"))}  # fmt: skip
        elif self.alg == "EdDSA":
            made = {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
        else:
            numbers = public.public_numbers()
            made = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        return made | ({"kid": self.kid} if self.kid else {})

    @property
    def private_jwk(self) -> dict[str, Any]:
        return {**self.jwk, "d": b64(self.private.private_numbers().private_value.to_bytes(32, "big"))}

    @property
    def thumbprint(self) -> str:
        members = {name: value for name, value in self.jwk.items() if name in ("kty", "crv", "x", "y", "n", "e")}
        return b64(hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())

    def jws(self, head: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        start = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
        return f"{start}.{b64(self.sign(start.encode()))}"

    def sign(self, data: bytes) -> bytes:
        if self.alg == "ES256":
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if self.alg == "EdDSA":
            return self.private.sign(data)
        if self.alg == "PS256":
            return self.private.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())


def proof(
    key: Key, url: str, *, method: str = "POST", token: str | None = None,
    head: Mapping[str, Any] | None = None, drop: tuple[str, ...] = (), **claims: Any,
) -> str:  # fmt: skip
    """A DPoP proof; ``head`` and ``claims`` change it, ``drop`` leaves members out."""
    said = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time())}
    if token is not None:
        said["ath"] = b64(hashlib.sha256(token.encode()).digest())
    whole = {"typ": "dpop+jwt", "alg": key.alg, "jwk": key.jwk, **(head or {})}
    keep = lambda parts: {name: value for name, value in parts.items() if name not in drop}  # noqa: E731
    return key.jws(keep(whole), keep({**said, **claims}))


def pkce() -> tuple[str, str]:
    """A verifier and its challenge."""
    verifier = secrets.token_urlsafe(48)
    return verifier, b64(hashlib.sha256(verifier.encode()).digest())


@dataclass
class App:
    """A registered app and what it proves itself by."""

    id: str
    object: dict[str, Any]
    key: Key | None = None
    secret: str | None = field(default=None, repr=False)

    def fields(self, issuer: str, **claims: Any) -> dict[str, str]:
        """What it adds to a request to say who it is."""
        if self.key is not None:
            return {"client_assertion_type": ASSERTION, "client_assertion": self.assertion(issuer, **claims)}
        return {"client_id": self.id} | ({"client_secret": self.secret} if self.secret else {})

    def assertion(self, issuer: str, head: Mapping[str, Any] | None = None, **claims: Any) -> str:
        assert self.key is not None
        now = int(time.time())
        said = {"iss": self.id, "sub": self.id, "aud": issuer, "jti": secrets.token_urlsafe(16), "exp": now + 60,
                "iat": now, **claims}  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        return self.key.jws({"alg": self.key.alg, **({"kid": self.key.kid} if self.key.kid else {}), **(head or {})},
                            said)  # fmt: skip


@dataclass
class Grant:
    """A code and what it was asked with."""

    code: str
    verifier: str
    location: str


class Door(Client):
    """A client of endpoints that answer in OAuth's form or with pages; security headers are checked all the same."""

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        sent = {"Content-Type": FORM} if method == "POST" else {}
        if method == "POST":
            body = urlencode(params or {}).encode() if body is None else body
        elif params:
            path = f"{path}?{urlencode(params)}"
        try:
            reply = self._send(method, path, body, {**sent, **(headers or {})})
        except (ConnectionError, HTTPException, ssl.SSLEOFError):
            self.close()
            reply = self._send(method, path, body, {**sent, **(headers or {})})
        assert not SECURITY - set(reply.headers), f"{reply.status} lacks {SECURITY - set(reply.headers)}"
        return reply


class Browser:
    """One person's browser: it keeps cookies, names the origin of its forms, and never follows to another site."""

    def __init__(self, realm: "Realm", person: Person | None = None) -> None:
        self.door = realm.stranger()
        self.origin = realm.issuer
        self.cookies: dict[str, str] = {}
        if person is not None:
            self.cookies["__Host-session"] = person.tokens["access_token"]

    def get(self, path: str) -> Reply:
        return self._keep(self.door.get(path, headers=self._headers()))

    def post(self, path: str, fields: Mapping[str, Any], **headers: str) -> Reply:
        sent = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin", **self._headers(), **headers}
        return self._keep(self.door.post(path, fields, headers=sent))

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def _keep(self, reply: Reply) -> Reply:
        for name, value in re.findall(r"(__Host-[a-z-]+)=([^;]*)", reply.headers.get("set-cookie", "")):
            self.cookies[name] = value
        return reply


def fields_of(page: str) -> dict[str, str]:
    """The fields of a consent page as they would be sent, buttons aside."""
    found = {unescape(name): unescape(value) for name, value in
             re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)}  # fmt: skip
    for name, body in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([a-z]+)" selected', body)
        found[name] = chosen[1] if chosen else "none"
    return found


@dataclass
class Realm:
    """Everything that the tests of this room act on."""

    running: Running
    person: Person
    apps: dict[str, App] = field(default_factory=dict)
    signed_in: float = field(default_factory=time.monotonic)

    @property
    def owner(self) -> Person:
        """The owner, with a second factor that is fresh enough for what needs one."""
        if time.monotonic() - self.signed_in > FRESH_S:
            self.person.again()
            self.signed_in = time.monotonic()
        return self.person

    @property
    def issuer(self) -> str:
        return self.running["api"]

    def browser(self, person: Person | None = None) -> Browser:
        return Browser(self, person or self.owner)

    def stranger(self) -> Door:
        return Door(self.running["api"], self.running["ca_file"])

    def app(self, method: str = "none", *, alg: str = "ES256", **extra: Any) -> App:
        """A new app."""
        key = Key(alg, kid=f"k-{secrets.token_hex(4)}") if method == "private_key_jwt" else None
        asked: dict[str, Any] = {
            "name": "Ledger Sync", "token_endpoint_auth_method": method, "scope": "read_write",
            "redirect_uris[0]": BACK, **extra,
        }  # fmt: skip
        if key is not None and "jwks" not in asked:
            asked["jwks"] = json.dumps({"keys": [key.jwk]})
        made = self.owner.post("/v1/apps", asked)
        assert made.status == 200, made.text
        secret = self.running["secret_key"] if method == "secret_key" else None
        return App(made.json["id"], made.json, key, secret)

    def known(self, method: str = "none") -> App:
        """An app that tests share."""
        if method not in self.apps:
            self.apps[method] = self.app(method)
        return self.apps[method]

    def question(self, app: App, **changes: Any) -> tuple[dict[str, str], str]:
        """The parameters of a good authorization request, changed; and its verifier."""
        verifier, challenge = pkce()
        asked = {
            "response_type": "code", "client_id": app.id, "redirect_uri": BACK, "scope": "read_write",
            "state": secrets.token_hex(8), "code_challenge": challenge, "code_challenge_method": "S256", **changes,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value is not None}, verifier

    def ask(self, app: App, *, browser: Browser | None = None, **changes: Any) -> Reply:
        """The answer of the authorization endpoint."""
        asked, _ = self.question(app, **changes)
        return (browser or self.browser()).get(f"/oauth/authorize?{urlencode(asked)}")

    def consent(self, app: App, *, browser: Browser | None = None, **changes: Any) -> tuple[Browser, str, Reply, str]:
        """The consent page: browser, path, page, verifier."""
        browser = browser or self.browser()
        asked, verifier = self.question(app, **changes)
        sent = browser.get(f"/oauth/authorize?{urlencode(asked)}")
        assert sent.status == 303, sent.text
        path = sent.headers["location"]
        assert path.startswith("/oauth/consent/"), path
        page = browser.get(path)
        assert page.status == 200, page.text
        return browser, path, page, verifier

    def grant(
        self, app: App, *, choose: Mapping[str, str] | None = None, browser: Browser | None = None, **changes: Any
    ) -> Grant:
        """A code, after the owner has said yes."""
        browser, path, page, verifier = self.consent(app, browser=browser, **changes)
        fields = {**fields_of(page.text), **(choose or {}), "decision": "allow"}
        done = browser.post(path, fields)
        assert done.status == 303, done.text
        location = done.headers["location"]
        answered = parse_qs(urlsplit(location).query)
        assert "code" in answered, location
        return Grant(answered["code"][0], verifier, location)

    def token(self, app: App, grant: Grant, *, headers: Mapping[str, str] | None = None, door: Door | None = None,
              **changes: Any) -> Reply:  # fmt: skip
        """The answer of the token endpoint to a code."""
        sent = {
            "grant_type": "authorization_code", "code": grant.code, "redirect_uri": BACK,
            "code_verifier": grant.verifier, **app.fields(self.issuer), **changes,
        }  # fmt: skip
        sent = {name: value for name, value in sent.items() if value is not None}
        return (door or self.stranger()).post("/oauth/token", sent, headers=headers)

    def tokens(self, app: App, *, key: Key | None = None, **changes: Any) -> dict[str, Any]:
        """Tokens, all the way; bound to ``key`` if one is given."""
        headers = {"DPoP": proof(key, f"{self.issuer}/oauth/token")} if key else None
        answer = self.token(app, self.grant(app, **changes), headers=headers)
        assert answer.status == 200, answer.text
        return answer.json

    def refresh(self, app: App, text: str, *, headers: Mapping[str, str] | None = None, **changes: Any) -> Reply:
        sent = {"grant_type": "refresh_token", "refresh_token": text, **app.fields(self.issuer), **changes}
        return self.stranger().post("/oauth/token", sent, headers=headers)

    def post(self, path: str, app: App, fields: Mapping[str, Any], **headers: str) -> Reply:
        return self.stranger().post(path, {**app.fields(self.issuer), **fields}, headers=headers)

    def use(self, token: str, *, path: str = "/v1/balance", scheme: str = "Bearer", **headers: str) -> Reply:
        """A request of the API with an access token."""
        return self.stranger().get(path, headers={"Authorization": f"{scheme} {token}", **headers})

    def gone(self, token: str, *, within_s: float = 1.5) -> bool:
        """Whether an access token that worked is refused within about a second."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if self.use(token).status == 401:
                return True
            time.sleep(0.05)
        return False

    def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run one statement as the gateway's role: for what only time would bring about."""

        async def work() -> list[asyncpg.Record]:
            database = self.running.settings()["database"]
            connection = await asyncpg.connect(
                host=database["host"], port=database.get("port", 5432), database=database["name"],
                user="lockgate_gateway", password=self.running.secrets("gateway")["database_password"],
                server_settings={"search_path": "gateway"},
            )  # fmt: skip
            try:
                return await connection.fetch(statement, *arguments)
            finally:
                await connection.close()

        return run_apart(work())

    def hash(self, text: str) -> bytes:
        return hashlib.sha256(text.encode()).digest()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def open_realm(running: Running) -> Realm:
    return Realm(running, owner(running))


async def at_once(*work: Any) -> list[Any]:
    """Run blocking calls side by side, each in a thread of its own."""
    return list(await asyncio.gather(*(asyncio.to_thread(one) for one in work)))
