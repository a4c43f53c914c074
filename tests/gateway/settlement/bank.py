"""A merchant with money for tests: real storage and the real adapter, before a bank with a memory and with faults."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lockgate.gateway.ledger import transfers
from lockgate.gateway.settlement import api
from lockgate.gateway.settlement.conclude import ACTIONS, Concluder
from lockgate.gateway.settlement.jobs import due
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.packing import unpack
from lockgate.gateway.storage.records import TestClockRow
from lockgate.gateway.storage.rows import ChargeRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call, Claim
from lockgate.kernel.orders import Answered, Lost, NotSent, Order, Reply
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.payments.desk import MERCHANT, ORIGIN, Concludes, Desk, ScriptedVault, open_desk, said
from tests.support.cluster import Database

DAY_S = 86_400


@dataclass
class Bank(ScriptedVault):
    """The way to the bank, and what it did. ``faults`` are used up one an order: not_sent, lost_before, lost_after."""

    payouts: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    refuses: str | None = None
    silent: bool = False

    async def forward(self, account: str, livemode: bool, order: Order, *, intent: str | None = None) -> Reply:
        self.orders.append(order)
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "not_sent" or order.step in self.dead:
            return NotSent("unreachable")
        if fault == "lost_before" or self.silent:
            return Lost("timeout")
        body = self._decide(order.url.removeprefix(ORIGIN), said(order))
        return Lost("reset") if fault == "lost_after" else Answered(200, (), json.dumps(body).encode())

    async def tombstone(self, account: str, step: str) -> Mapping[str, Any]:
        if any(order.step == step for order in self.orders):
            return {"state": "claimed"}
        self.dead.add(step)
        return {"state": "tombstoned"}

    def _decide(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        if path == "/inquiries":
            step = self.steps.get(asked["reference"])
            return {"reference": asked["reference"], "found": False} if step is None else {**step, "found": True}
        if path == "/payouts/inquiries":
            payout = self.payouts[asked["payout"]]
            return {"id": asked["payout"], "payout": asked["payout"], "found": True, **payout}
        id_ = new_id("spo")
        answer = {
            "id": id_, "reference": asked["reference"], "amount": asked.get("amount", 0), "currency": "usd",
            "status": "declined" if self.refuses else "approved", "decline_code": self.refuses,
            "kind": {"/payouts": "payout", "/payouts/cancel": "payout_cancellation"}.get(path, "payout_reversal"),
        }
        if self.refuses is None and path == "/payouts/cancel":
            self.payouts[asked["payout"]]["status"] = "canceled"
        elif self.refuses is None:
            arrival = asked.get("arrival_date", clock.now() + 2 * DAY_S)
            self.payouts[id_] = {"status": "pending", "failure_code": None, "arrival_date": arrival}
        self.steps[asked["reference"]] = answer
        return answer


@dataclass
class House:
    """``call`` runs one operation of the room as the web layer would."""

    ports: Ports
    bank: Bank
    desk: Desk

    async def call(
        self, name: str, body: str = "", *, who: Principal = MERCHANT, key: str | None = None, **path: str
    ) -> Any:
        answer = await self.raw(name, body, who=who, key=key, **path)
        return json.loads(answer.body) if isinstance(answer, Answer) else answer

    async def raw(
        self, name: str, body: str = "", *, who: Principal = MERCHANT, key: str | None = None, **path: str
    ) -> Any:
        return await self.operation(name).handler(self.request(name, body, who=who, key=key, **path))

    def operation(self, name: str) -> Any:
        return next(operation for operation in api.operations(self.ports) if operation.name == name)

    def request(
        self, name: str, body: str = "", *, who: Principal = MERCHANT, key: str | None = None, **path: str
    ) -> Call:
        operation = self.operation(name)
        return Call(
            operation=operation, principal=who, path=path,
            params=operation.params.parse(nest(read_fields(body.encode())), ""), expand=(), request_id="req_1",
            api_version="2026-06-24.dahlia", now=clock.now(),
            claim=Claim(key, b"hash", new_id("own")) if key else None, concluding=Concludes(),
        )

    async def earn(
        self, amount: int, *, fee: int = 0, delay_s: int = 0, currency: str = "usd", age_s: int = 0,
        who: Principal = MERCHANT,
    ) -> ChargeRow:
        """A capture, available after ``delay_s``."""
        now = clock.now() - age_s
        charge = ChargeRow(
            account=who.account, livemode=who.livemode, id=new_id("ch"), version=1, created=now, status="succeeded",
            intent=new_id("pi"), amount=amount, amount_captured=amount, amount_refunded=0, capture_in_doubt=0,
            refund_in_doubt=0, currency=currency, customer=None, payment_method="pm_1", balance_transaction=None,
            processor="simulator", processor_reference=new_id("au"), subject="pi_1", data="{}", personal=None,
        )
        booked = transfers.captured(charge, amount, fee=fee, now=now, available_on=now + delay_s, held=False)
        charge = charge._replace(balance_transaction=booked.transaction.id)
        await self.ports.committer.commit(
            Commit(charges=[charge], transfers=booked.transfers, balance_transactions=[booked.transaction])
        )
        return charge

    async def pay(self, amount: int, more: str = "", **options: Any) -> Any:
        return await self.call("payout.create", f"amount={amount}&currency=usd{more}", **options)

    async def get(self, id_: str) -> Any:
        return await self.call("payout.get", payout=id_)

    async def balance(self, kind: str = "available", currency: str = "usd") -> int:
        shown = await self.call("balance.get")
        return next(funds["amount"] for funds in shown[kind] if funds["currency"] == currency)

    async def events(self, of: str | None = None) -> list[str]:
        return await self.desk.events(of=of)

    async def event(self, type_: str) -> dict[str, Any]:
        """What the newest event of ``type_`` holds, ``previous_attributes`` included."""
        packed = await self.ports.pool.fetchval(
            "select data from event where type = $1 order by id desc limit 1", type_
        )
        return unpack(packed)

    def said_by_bank(self, **facts: Any) -> None:
        """The only payout at the bank, or the newest, becomes so."""
        self.bank.payouts[max(self.bank.payouts)] |= facts

    async def ask(self) -> None:
        """As if the time had come to ask about every payout."""
        await self.ports.pool.execute("update payout set ask_at = 1 where ask_at is not null")
        await due(self.ports, now=clock.now())

    async def wait(self, seconds: int) -> None:
        """Move the test clock, and let happen what is then due."""
        row = await self.ports.pool.fetchrow("select version, offset_s from test_clock where account = 'acct_a'")
        version, offset = (row["version"], row["offset_s"]) if row else (0, 0)
        moved = TestClockRow("acct_a", False, "acct_a", version + 1, clock.now(), offset + seconds)
        await self.ports.committer.commit(Commit(test_clocks=[moved]))
        while await due(self.ports, now=clock.now()):
            pass


async def open_house(database: Database) -> House:
    """A house on a fresh database; close its pool afterwards."""
    desk, bank = await open_desk(database), Bank()
    ports = Ports(
        pool=desk.pool, committer=desk.ports.committer, vault=bank, box=desk.ports.box,
        processors=desk.ports.processors, settings=desk.ports.settings, payout_processor="simulator", poke=lambda: None,
    )
    concluders = dict.fromkeys(ACTIONS, Concluder(ports))
    return House(ports, bank, Desk(replace(desk.ports, vault=bank, concluders=concluders), bank))
