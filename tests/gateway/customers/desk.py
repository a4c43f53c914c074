"""Calls operations as the web edge would, against a real database, with a scripted vault and keys in memory."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.customers import api
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.gateway.vaultlink.client import VaultRefused
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.luhn import luhn_valid
from lockgate.kernel.operations import Answer, Call, Claim, Operation
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from lockgate.kernel.testcards import BY_NUMBER
from tests.support.cluster import Database

ACCOUNT = "acct_test0000000000001"
MERCHANT = Principal(ACCOUNT, False, "secret", "key_test")


class Conclusions:
    """Answers are plain JSON; sealing them is not what these tests are about."""

    async def object(self, call: Call, rendered: Mapping[str, Any], *, fresh: Sequence[Mapping[str, Any]]) -> Answer:
        return Answer(200, json.dumps(rendered).encode())

    async def refusal(self, call: Call, refusal: Exception) -> Answer:
        return Answer(402, b"{}")

    async def seal(self, call: Call, answer: Answer) -> bytes:
        return answer.body


@dataclass
class ScriptedVault:
    """Knows the published test numbers and forgets provisional cards like the real one."""

    provisional: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    async def tokenize_test(self, account: str, card: Mapping[str, Any]) -> dict[str, Any]:
        number = card["number"]
        if not luhn_valid(number):
            raise VaultRefused("invalid_card", "the number's check digit is wrong", reason="incorrect_number")
        if not 1 <= card["exp_month"] <= 12:
            raise VaultRefused("invalid_card", "the expiry month is not 1 to 12", reason="invalid_expiry_month")
        if number not in BY_NUMBER:
            raise VaultRefused("refused", "this mode does not take this card number", reason="number_not_allowed")
        known = BY_NUMBER[number]
        token = f"tok_v{os.urandom(8).hex()}"
        self.provisional[token] = number
        return {
            "token": token, "brand": known.brand, "bin": number[:6], "last4": number[-4:],
            "exp_month": card["exp_month"], "exp_year": card["exp_year"], "fingerprint": f"fp{hash(number)}",
            "funding": known.funding, "country": known.country, "alias": "9000000000000000",
            "has_cvc": "cvc" in card, "test_number": known.name,
        }  # fmt: skip

    async def tokenize_sealed(
        self, account: str, livemode: bool, blob: str, *, intent: str | None = None
    ) -> dict[str, Any]:
        return await self.tokenize_test(account, {"number": blob, "exp_month": 1, "exp_year": 2040, "cvc": "123"})

    async def commit_token(self, account: str, tokens: Sequence[str], *, subject: str | None = None) -> list[str]:
        for token in tokens:
            self.kept[token] = self.provisional.pop(token)
        return list(tokens)


class MemoryBox:
    """Real encryption with keys in memory; ``shred`` destroys one person's."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str, str], bytes | None] = {}

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None:
        return self._keys.setdefault((account, purpose, subject), os.urandom(32))

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None:
        key = await self.key(account, "personal", subject)
        nonce = os.urandom(12)
        return key and nonce + AESGCM(key).encrypt(nonce, json.dumps(fields).encode(), subject.encode())

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]:
        key = await self.key(account, "personal", subject)
        if blob is None or not key:
            return {}
        return json.loads(AESGCM(key).decrypt(blob[:12], blob[12:], subject.encode()))

    async def blind_index(self, account: str, name: str, value: str) -> bytes:
        return f"{account}{name}{value}".encode()[::-1][:16]

    async def blind_indexes(self, account: str, values: Sequence[tuple[str, str]]) -> list[bytes]:
        return [await self.blind_index(account, name, value) for name, value in values]

    def shred(self, account: str, subject: str) -> None:
        self._keys[account, "personal", subject] = None


async def issuer(call: Call, row: PaymentMethodRow) -> PaymentMethodRow:
    """An issuer that declines the card made for it."""
    if json.loads(row.data)["card"]["test"] == "charge_declined":
        raise Refusal(Kind.CARD, "Your card was declined.", code="card_declined", decline_code="generic_decline")
    return row


@dataclass
class Desk:
    """One caller's view. ``do("customer.create", name="A")`` calls an operation with form fields."""

    pool: Pool
    committer: Committer
    operations: dict[str, Operation]
    box: MemoryBox
    vault: ScriptedVault
    principal: Principal = MERCHANT
    now: int = field(default_factory=clock.now)

    async def do(self, name: str, key: str | None = None, /, **fields: Any) -> dict[str, Any]:
        operation = self.operations[name]
        path = {part: fields.pop(part) for part in list(fields) if f"{{{part}}}" in operation.path}
        flat = fields.pop("form", {}) | fields
        body = urlencode([(k, str(v).lower() if isinstance(v, bool) else v) for k, v in flat.items()]).encode()
        claim = Claim(key, b"hash", f"owner-{os.urandom(4).hex()}") if key else None
        call = Call(
            operation=operation, principal=self.principal, path=path,
            params=operation.params.parse(nest(read_fields(body)), ""), expand=(), request_id="req_1",
            api_version="2026-08-26.dahlia", now=self.now, claim=claim, concluding=Conclusions(),
        )  # fmt: skip
        answer = await operation.handler(call)
        shown = json.loads(answer.body) if isinstance(answer, Answer) else dict(answer)
        return shown


@asynccontextmanager
async def pool_as(database: Database, role: str):
    """A pool as one of our roles."""
    who = database[role]
    pool = await connect_pool(database=database.settings, user=who["user"], password=who["password"], size=4)
    try:
        yield pool
    finally:
        await pool.close()


async def undefended(call: Call) -> None:
    """Nobody is suspected of trying out cards."""


@asynccontextmanager
async def open_desk(database: Database):
    """A desk at the customers room."""
    async with pool_as(database, "gateway") as pool:
        committer, box, vault = Committer(pool), MemoryBox(), ScriptedVault()
        ports = Ports(pool, committer, vault, box, lambda: None, b"p" * 32, issuer, undefended)
        yield Desk(pool, committer, {op.name: op for op in api.operations(ports)}, box, vault)
        await committer.close()
