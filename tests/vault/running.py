"""A vault in this process behind a real socket, processors that answer as told over real TLS, and orders for them."""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import trustme
from joserfc import jwe
from joserfc.jwk import ECKey

from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.kernel.orders import Order, Slot
from lockgate.vault.server import Vault, serving

ACCOUNT = "acct_test"
KEYS = {"gateway": b"g" * 32, "worker": b"w" * 32, "admin": b"a" * 32}
SECRET = "simkey_0123456789abcdef"
SIGNER = "signer_fedcba9876543210"
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "987"}


def seal(keys: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    """A JWE to the vault's newest P-256 key, made by an independent JOSE library."""
    jwk = next(key["jwk"] for key in keys["keys"] if key["format"] == "jwe")
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": jwk["kid"]}
    text = json.dumps({"account": ACCOUNT, "iat": int(time.time()), **payload}).encode()
    public = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
    return jwe.encrypt_compact(header, text, public, algorithms=["ECDH-ES", "A256GCM"])


@dataclass
class House:
    """One vault with its three callers."""

    vault: Vault
    path: str
    pool: asyncpg.Pool
    gateway: VaultClient
    worker: VaultClient
    admin: VaultClient

    async def audit(self) -> list[dict[str, Any]]:
        await self.vault.door.audit.flush()
        return [dict(row) for row in await self.pool.fetch("SELECT * FROM vault.audit ORDER BY id")]


@contextlib.asynccontextmanager
async def vault_house(
    pool: asyncpg.Pool, root: Mapping[str, Any], directory: Path, *, profile: str = "sandbox", uids: Any = None
) -> AsyncIterator[House]:
    """A vault with nothing in it yet."""
    path = str(directory / "vault.sock")
    settings = {**root, "callers": {name: key.hex() for name, key in KEYS.items()}}
    async with serving(pool, settings, profile=profile, path=path, uids=uids or {}) as vault:
        clients = {name: VaultClient(path, caller=name, key=key) for name, key in KEYS.items()}
        try:
            yield House(vault, path, pool, clients["gateway"], clients["worker"], clients["admin"])
        finally:
            for client in clients.values():
                await client.close()


@dataclass
class Processor:
    """A TLS server that keeps what it was sent and answers what it is told."""

    origin: str
    ca_file: str
    answer: Callable[[bytes], bytes | None]
    requests: list[bytes] = field(default_factory=list)

    def bodies(self) -> list[Any]:
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.requests]


def http(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@contextlib.asynccontextmanager
async def processor(
    directory: Path,
    answer: Callable[[bytes], bytes | None] = lambda _request: http(b'{"status":"approved"}'),
    *,
    certificate: Callable[[trustme.CA], trustme.LeafCert] = lambda ca: ca.issue_cert("127.0.0.1"),
    trusted: trustme.CA | None = None,
) -> AsyncIterator[Processor]:
    """``answer`` gets one whole request; what it returns is sent, None hangs up. ``trusted`` is whom to trust."""
    authority = trustme.CA()
    ca_file = directory / f"ca-{id(authority)}.pem"
    (trusted or authority).cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate(authority).configure_cert(context)
    running = Processor("", str(ca_file), answer)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
                running.requests.append(head + body)
                reply = running.answer(head + body)
                if reply is None:
                    writer.transport.abort()
                    return
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    running.origin = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.close()


def manifest(at: Processor, *, name: str = "acme") -> dict[str, Any]:
    card = {"card.number": "number", "card.cvc": "cvc", "card.exp_month": "exp_month", "card.exp_year": "exp_year"}
    slots = [
        {"slot": slot, "method": "POST", "path": "/authorizations", "place": f"body:card.{place}"}
        for slot, place in card.items()
    ]
    slots.append({"slot": "secret.acme_key", "method": "*", "path": ".*", "place": "header:authorization"})
    return {
        "name": name, "origins": [at.origin], "ca_file": at.ca_file, "slots": slots, "reference_fields": ["reference"],
        "derived": [
            {"kind": "hash", "key": None, "method": "POST", "path": ".*", "header": "content-digest"},
            {"kind": "hmac", "key": "secret.acme_signer", "method": "POST", "path": ".*", "header": "x-signature"},
        ],
    }


async def introduce(house: House, at: Processor) -> None:
    """Give the vault the processor's manifest and secrets, as an operator does."""
    await house.admin.put_manifest(manifest(at))
    for livemode, mode in ((False, "test"), (True, "live")):
        for name, secret in (("acme_key", SECRET), ("acme_signer", SIGNER)):
            blob = seal(await house.admin.seal_keys(), {"secret": secret, "intent": f"secret_{mode}_{name}"})
            await house.admin.put_secret(ACCOUNT, livemode, name=name, blob=blob)


def order(at: Processor, step: str, *, card: str | None, cvc: bool = False, **changed: Any) -> Order:
    """An authorization as an adapter writes it."""
    body: list[bytes | Slot] = [b'{"reference":"', step.encode(), b'","card":{"number":"', Slot("card.number", "json")]
    body += [b'","exp_month":"', Slot("card.exp_month", "json"), b'","exp_year":"', Slot("card.exp_year", "json")]
    if cvc:
        body += [b'","cvc":"', Slot("card.cvc", "json")]
    body.append(b'"}}')
    fields: dict[str, Any] = {
        "step": step,
        "processor": "acme",
        "method": "POST",
        "url": f"{at.origin}/authorizations",
        "headers": (
            ("Content-Type", (b"application/json",)),
            ("Authorization", (b"Bearer ", Slot("secret.acme_key", "ascii"))),
        ),
        "body": tuple(body),
        "send_before_ms": int(time.time() * 1000) + 30_000,
        "timeout_ms": 5_000,
        "card": card,
    }
    return Order(**(fields | changed))
