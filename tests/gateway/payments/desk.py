"""A merchant's desk for tests: real storage and the real adapter, with the vault's answers scripted."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments import api_refunds, api_setups
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.processors.simulator import PROCESSOR
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.gateway.storage.packing import unpack
from lockgate.gateway.storage.rows import ChargeRow, Commit, CustomerRow, PaymentMethodRow
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call, Claim
from lockgate.kernel.orders import Answered, Order, Reply
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from lockgate.kernel.testcards import BY_NUMBER
from tests.gateway.payments.judge import Judge
from tests.support.cluster import Database

ORIGIN = "https://simulator.test"
MERCHANT = Principal("acct_a", False, "secret", "key_a")
SHOPPER = Principal("acct_a", False, "publishable", "key_p")
STRANGER = Principal("acct_b", False, "secret", "key_b")


class PlainBox:
    """Keeps personal fields as they are, marked with whose they are."""

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None:
        return json.dumps([account, subject, fields]).encode()

    async def open(self, account: str, subject: str, sealed: bytes | None) -> dict[str, Any]:
        if sealed is None:
            return {}
        owner, about, fields = json.loads(sealed)
        assert (owner, about) == (account, subject)
        return fields

    async def blind_index(self, account: str, name: str, value: str) -> bytes:
        return f"{account}/{name}/{value}".encode()


@dataclass
class ScriptedVault:
    """Answers each order as ``script`` says; knows test cards."""

    script: Callable[[Order], Reply] = lambda order: Answered(200, (), b"{}")
    orders: list[Order] = field(default_factory=list)

    async def forward(self, account: str, livemode: bool, order: Order, *, intent: str | None = None) -> Reply:
        self.orders.append(order)
        return self.script(order)

    async def tombstone(self, account: str, step: str) -> Mapping[str, Any]:
        return {"state": "claimed"}

    async def commit_token(self, account: str, tokens: Sequence[str], *, subject: str | None = None) -> None:
        return None

    async def tokenize_test(self, account: str, card: dict[str, Any]) -> dict[str, Any]:
        known = BY_NUMBER[card["number"]]
        return {
            "token": new_id("tok"), "brand": known.brand, "bin": known.number[:6], "last4": known.number[-4:],
            "exp_month": card["exp_month"], "exp_year": card["exp_year"], "funding": known.funding,
            "country": known.country, "alias": "1", "has_cvc": True, "test_number": known.name,
            "fingerprint": "finger",
        }


class Concludes:
    """Answers as plain JSON."""

    async def object(
        self, call: Call, rendered: Mapping[str, Any], *, fresh: Sequence[Mapping[str, Any]]
    ) -> Answer:
        return Answer(200, json.dumps(rendered).encode())

    async def refusal(self, call: Call, refusal: Refusal) -> Answer:
        body = {"code": refusal.code, "message": refusal.message, "decline_code": refusal.decline_code,
                "param": refusal.param, **(refusal.embed or {})}
        return Answer(402 if refusal.kind.value == "card" else 400, json.dumps({"error": body}).encode())

    async def seal(self, call: Call, answer: Answer) -> bytes:
        return answer.body


@dataclass
class Desk:
    """``call`` runs one operation as the web layer would."""

    ports: Ports
    vault: ScriptedVault

    async def call(
        self, name: str, body: str = "", *, who: Principal = MERCHANT, key: str | None = None,
        expand: tuple[str, ...] = (), **path: str,
    ) -> Any:
        operations = [*api_refunds.operations(self.ports), *api_setups.operations(self.ports)]
        operation = next(operation for operation in operations if operation.name == name)
        answer = await operation.handler(
            Call(
                operation=operation, principal=who, path=path,
                params=operation.params.parse(nest(read_fields(body.encode())), ""), expand=expand, request_id="req_1",
                api_version="2026-06-24.dahlia", now=clock.now(),
                claim=Claim(key, b"hash", new_id("own")) if key else None, concluding=Concludes(),
            )
        )
        return json.loads(answer.body) if isinstance(answer, Answer) else answer

    @property
    def pool(self) -> Pool:
        return self.ports.pool

    @property
    def judge(self) -> Judge:
        """Who judges the payments here."""
        assert isinstance(self.ports.assess, Judge)
        return self.ports.assess

    async def events(self, *, of: str | None = None) -> list[str]:
        """The types of all events so far, oldest first."""
        rows = await self.pool.fetch("select type from event where $1::text is null or object = $1 order by id", of)
        return [row["type"] for row in rows]

    async def event(self, type_: str) -> dict[str, Any]:
        """What the newest event of ``type_`` shows."""
        packed = await self.pool.fetchval("select data from event where type = $1 order by id desc limit 1", type_)
        return unpack(packed)["object"]

    async def captured(
        self, amount: int = 1000, *, fee: int = 59, delay_s: int = 1000, taken: int | None = None
    ) -> ChargeRow:
        """A charge of which ``taken`` was captured, with its books."""
        taken = amount if taken is None else taken
        charge = ChargeRow(
            account="acct_a", livemode=False, id=new_id("ch"), version=1, created=clock.now(), status="succeeded",
            intent=new_id("pi"), amount=amount, amount_captured=taken, amount_refunded=0, capture_in_doubt=0,
            refund_in_doubt=0, currency="usd", customer=None, payment_method="pm_1", balance_transaction=None,
            processor="simulator", processor_reference="au_1", subject="pi_1", data="{}", personal=None,
        )
        commit = Commit(charges=[charge])
        if taken:
            booked = transfers.captured(
                charge, taken, fee=fee, now=clock.now(), available_on=clock.now() + delay_s, held=False
            )
            charge = charge._replace(balance_transaction=booked.transaction.id)
            commit = Commit(
                charges=[charge], transfers=booked.transfers, balance_transactions=[booked.transaction]
            )
        await self.ports.committer.commit(commit)
        return charge

    async def customer(self) -> str:
        id_ = new_id("cus")
        row = CustomerRow("acct_a", False, id_, 1, clock.now(), False, None, '{"metadata":{}}', None)
        await self.ports.committer.commit(Commit(customers=[row]))
        return id_

    async def method(self, id_: str) -> PaymentMethodRow:
        row = await self.pool.fetchrow("select * from payment_method where id = $1", id_)
        assert row is not None
        return PaymentMethodRow(*row)


async def open_desk(database: Database) -> Desk:
    """A desk on a fresh database; close its pool afterwards."""
    login = database["worker"]
    pool = await connect_pool(database=database.settings, user=login["user"], password=login["password"], size=6)
    await pool.executemany(
        "insert into account (id, created, name, country, default_currency, api_version)"
        " values ($1, 1, 'A shop', 'US', 'usd', '2026-06-24.dahlia')",
        [("acct_a",), ("acct_b",)],
    )
    vault, box, committer = ScriptedVault(), PlainBox(), Committer(pool)

    @dataclass
    class Cards:
        vault: Any
        box: Any

    ports = Ports(
        pool=pool, committer=committer, vault=vault, box=box, client_secrets=ClientSecrets(bytes(32)),
        customers=Cards(vault, box), assess=Judge(), processors={"simulator": PROCESSOR},
        settings={"simulator": {"origin": ORIGIN, "fee_percent_hundredths": 290, "fee_fixed_minor": 30}},
        card_processor="simulator", public_url="https://gateway.test", return_key=bytes(32), poke=lambda: None,
    )
    return Desk(ports, vault)


def said(order: Order) -> dict[str, Any]:
    """The body of an order; card slots read as their names."""
    return json.loads(b"".join(part if isinstance(part, bytes) else part.name.encode() for part in order.body))


def answers(**fields: Any) -> Callable[[Order], Reply]:
    """A processor that says ``fields`` to every order, echoing its reference and amount."""

    def script(order: Order) -> Reply:
        asked = said(order)
        body = {
            "reference": asked["reference"], "id": new_id("sim"), "amount": asked.get("amount", 0),
            "status": "approved", "decline_code": None, "network_decline_code": None, "advice_code": None,
            "checks": {"cvc_check": "pass"}, "redirect_url": None, "three_d_secure": None,
            "network_transaction_id": "ntx_1", "captured_amount": 0, "expires_at": 2_000_000_000,
            "funds_available_at_once": False, **fields,
        }
        return Answered(200, (), json.dumps(body).encode())

    return script
