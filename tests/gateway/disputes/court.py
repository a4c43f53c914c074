"""A court for tests: the disputes room on real storage, before an issuer with a memory and faults on the way to it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.disputes import api, api_warnings, learn, warnings
from lockgate.gateway.disputes.order import Orders
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.invariants import check
from lockgate.gateway.settlement.render import balance_transaction
from lockgate.gateway.storage.packing import unpack
from lockgate.gateway.storage.rows import AttemptRow, ChargeRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call, Claim
from lockgate.kernel.orders import Answered, Lost, NotSent, Order, Reply
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.payments.desk import MERCHANT, ORIGIN, Concludes, Desk, open_desk, said
from tests.support.cluster import Database

DAY_S = 86_400
ACCOUNT = MERCHANT.account


@dataclass
class Issuer:
    """Knows its disputes and warnings by id, as a processor would tell of them; ``asked`` is every order it saw."""

    disputes: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((path, body))
        if path == "/disputes/inquiries":
            return self._found(self.disputes.get(body["dispute"]), body["dispute"])
        if path == "/warnings/inquiries":
            return self._found(self.warnings.get(body["warning"]), body["warning"])
        if path == "/inquiries":
            known = self.orders.get(body["reference"])
            return {**known, "found": True} if known else {"found": False, "reference": body["reference"]}
        dispute = self.disputes[body["dispute"]]
        inquiry = dispute["status"].startswith("warning_")
        refused = None if dispute["status"].endswith("needs_response") else f"dispute_{dispute['status']}"
        kind = "evidence" if path == "/disputes/evidence" else "acceptance"
        if refused is None and kind == "evidence":
            dispute["status"] = "warning_under_review" if inquiry else "under_review"
        elif refused is None:
            dispute["status"] = "warning_closed" if inquiry else "lost"
        self.orders[body["reference"]] = {
            "kind": kind, "reference": body["reference"], "id": new_id("sev"), "amount": dispute["amount"],
            "status": "declined" if refused else "approved", "decline_code": refused,
        }
        return self.orders[body["reference"]]

    def sent(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body in self.asked if where == path]

    def _found(self, known: Mapping[str, Any] | None, id_: str) -> dict[str, Any]:
        return {**known, "found": True, "id": id_} if known else {"found": False, "id": id_}


@dataclass
class Line:
    """The vault's end of the line to the issuer. ``faults`` strike the next orders, one each."""

    issuer: Issuer
    faults: list[str] = field(default_factory=list)
    steps: set[str] = field(default_factory=set)

    async def forward(self, account: str, livemode: bool, order: Order, *, intent: str | None = None) -> Reply:
        assert order.step not in self.steps, "a step was sent twice"
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "not_sent":
            return NotSent("unreachable")
        self.steps.add(order.step)
        if fault == "lost_before":
            return Lost("timeout")
        answer = self.issuer.answer(order.url.removeprefix(ORIGIN), said(order))
        return Lost("reset") if fault == "lost_after" else Answered(200, (), json.dumps(answer).encode())


@dataclass
class Court:
    """``call`` runs one of the room's operations; ``told`` is what a notification's handler does."""

    desk: Desk
    ports: Ports
    issuer: Issuer
    line: Line

    async def paid(self, amount: int = 1000, **options: Any) -> ChargeRow:
        """A captured charge, and the attempt that made it under the charge's own id."""
        charge = await self.desk.captured(amount, **options)
        attempt = AttemptRow(
            account=ACCOUNT, livemode=False, id=f"pa_{charge.id}", version=1, created=charge.created,
            action="authorize", state="approved", intent=charge.intent, charge=None, refund=None,
            processor="simulator", amount=amount, currency="usd", processor_reference="au_1", send_before_ms=0,
            next_check_ms=None, checks=0, data="{}",
        )
        await self.ports.committer.commit(Commit(attempts=[attempt]))
        return charge

    async def raised(self, charge: ChargeRow, status: str = "needs_response", **facts: Any) -> str:
        """The issuer's dispute about ``charge``, of which nobody has told us yet."""
        id_ = new_id("sdp")
        self.issuer.disputes[id_] = {
            "step": f"pa_{charge.id}", "status": status, "reason": "fraudulent", "amount": charge.amount,
            "currency": "usd", "due_by": clock.now() + 9 * DAY_S, "created": clock.now(),
            "network_reason_code": "10.4", "fee": 0 if status.startswith("warning") else 1500, **facts,
        }
        return id_

    async def told(self, reference: str) -> bool:
        return await learn.dispute(self.ports, ACCOUNT, False, processor="simulator", reference=reference)

    async def warned(self, reference: str) -> bool:
        return await warnings.learn(self.ports, ACCOUNT, False, processor="simulator", reference=reference)

    async def disputed(self, amount: int = 1000, status: str = "needs_response", **facts: Any) -> dict[str, Any]:
        """A dispute that we know of, as the API shows it; the issuer's name for it is under ``reference``."""
        reference = await self.raised(await self.paid(amount), status, **facts)
        assert await self.told(reference)
        row = await self.desk.pool.fetchrow("select id from dispute where processor_reference = $1", reference)
        assert row is not None
        return {**await self.get(row["id"]), "reference": reference}

    async def get(self, id_: str) -> dict[str, Any]:
        return await self.call("dispute.get", dispute=id_)

    async def call(
        self, name: str, body: str = "", *, who: Principal = MERCHANT, key: str | None = None, now: int | None = None,
        **path: str,
    ) -> Any:
        operations = [*api.operations(self.ports), *api_warnings.operations(self.ports)]
        operation = next(operation for operation in operations if operation.name == name)
        answer = await operation.handler(
            Call(
                operation=operation, principal=who, path=path,
                params=operation.params.parse(nest(read_fields(body.encode())), ""), expand=(), request_id="req_1",
                api_version="2026-06-24.dahlia", now=now or clock.now(),
                claim=Claim(key, b"hash", new_id("own")) if key else None, concluding=Concludes(),
            )
        )
        return json.loads(answer.body) if isinstance(answer, Answer) else answer

    async def balance(self, ledger: str) -> int:
        """What one ledger account stands at."""
        return await self.desk.pool.fetchval(
            "select coalesce(sum(amount), 0)::bigint from balance_delta where account = $1 and ledger = $2",
            ACCOUNT,
            ledger,
        )

    async def happened(self) -> list[tuple[str, dict[str, Any], dict[str, Any] | None]]:
        """Every event so far about disputes, warnings and what they changed: type, object, previous_attributes."""
        rows = await self.desk.pool.fetch(
            "select type, data from event where type like 'charge.dispute.%' or type like 'radar.%'"
            " or type = 'charge.updated' order by id"
        )
        unpacked = [(row["type"], unpack(row["data"])) for row in rows]
        return [(type_, data["object"], data.get("previous_attributes")) for type_, data in unpacked]

    async def types(self) -> list[str]:
        return sorted(type_ for type_, _, _ in await self.happened())

    async def attempt(self) -> AttemptRow:
        """The newest order about a dispute."""
        row = await self.desk.pool.fetchrow(
            "select * from attempt where action in ('submit_evidence', 'accept_dispute') order by id desc limit 1"
        )
        assert row is not None
        return AttemptRow(*row)

    @property
    def orders(self) -> Orders:
        return Orders(self.ports)

    async def sound(self) -> None:
        """Whatever was done, the invariants hold."""
        assert await check.check(self.desk.pool, now=clock.now()) == []


@asynccontextmanager
async def open_court(database: Database) -> AsyncIterator[Court]:
    """A court on a fresh database."""
    desk = await open_desk(database)
    issuer = Issuer()
    line = Line(issuer)
    ports = Ports(
        pool=desk.pool, committer=desk.ports.committer, vault=line, box=desk.ports.box,
        processors=desk.ports.processors, settings=desk.ports.settings, show_transaction=balance_transaction,
        poke=lambda: None,
    )
    try:
        yield Court(desk, ports, issuer, line)
    finally:
        await desk.ports.committer.close()
        await desk.pool.close()
