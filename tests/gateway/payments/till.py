"""A till for tests: real storage and the real adapter before an acquirer with a memory, and faults on the way to it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lockgate.gateway.customers import api as customers_api
from lockgate.gateway.customers.ports import Ports as CustomersPorts
from lockgate.gateway.payments import api
from lockgate.gateway.storage.rows import AttemptRow, PaymentMethodRow
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call, Claim
from lockgate.kernel.orders import Answered, Lost, NotSent, Order, Reply
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from lockgate.kernel.testcards import BY_NUMBER
from tests.gateway.payments.desk import MERCHANT, ORIGIN, Concludes, Desk, PlainBox, ScriptedVault, open_desk, said
from tests.support.cluster import Database

VERSION = "2026-06-24.dahlia"
RETURN_URL = "https://shop.test/done?cart=7"
DECLINES = {"charge_declined": "generic_decline", "insufficient_funds": "insufficient_funds", "lost_card": "lost_card"}
CHALLENGED = {"three_d_secure_required", "authentication_required"}


class EmptyBox(PlainBox):
    """Also opens what was never sealed, as the real one does."""

    async def open(self, account: str, subject: str, sealed: bytes | None) -> dict[str, Any]:
        return await super().open(account, subject, sealed) if sealed else {}


@dataclass
class Acquirer:
    """Decides like a processor and remembers every movement under its reference. ``passed``: challenges done."""

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    refuses_increments: bool = False

    def answer(self, path: str, asked: Mapping[str, Any], card: str | None) -> dict[str, Any]:
        reference = asked["reference"]
        if path == "/inquiries":
            entry = self.entries.get(reference)
            if entry is None:
                return {"reference": reference, "found": False}
            now = self._now(entry)
            return {**now, "found": True, "kind": entry["kind"]}
        if path == "/reversals":
            self.barred.add(reference)
            entry = self.entries.get(reference)
            if entry is None:
                return {"reference": reference, "found": False, "status": "not_found"}
            self.held[entry["id"]]["status"] = "reversed"
            return {"reference": reference, "found": True, "status": "reversed", "returned_amount": entry["amount"]}
        assert reference not in self.entries, "a reference was sent twice"
        self.entries[reference] = self._decide(path, asked, card)
        return self._now(self.entries[reference])

    def accepted(self) -> list[dict[str, Any]]:
        """Authorisations that hold or have taken money."""
        return [held for held in self.held.values() if held["status"] == "approved"]

    def arrive(self, status: str, reason: str | None = None) -> None:
        """Every refund is now ``status``: approved, or failed for ``reason``."""
        for entry in self.entries.values():
            if entry["kind"] == "refund" and entry["status"] != "declined":
                entry.update(status=status, failure_reason=reason)
                if status == "failed":
                    self.held[entry["of"]]["refunded"] -= entry["amount"]

    def captured(self) -> int:
        return sum(e["amount"] for e in self.entries.values() if e["kind"] == "capture" and e["status"] == "approved")

    def _decide(self, path: str, asked: Mapping[str, Any], card: str | None) -> dict[str, Any]:
        if path == "/authorizations":
            status, code = "approved", None
            if card in DECLINES:
                status, code = "declined", DECLINES[card]
            elif card in CHALLENGED and not (asked["off_session"] and asked["network_transaction_id"]):
                status = "action_required"
            if asked["reference"] in self.barred:
                status, code = "declined", "reversed"
            entry = {
                "kind": "authorization", "id": new_id("auth"), "amount": asked["amount"], "status": status,
                "decline_code": code, "reference": asked["reference"], "taken": asked["capture"], "captured": 0,
                "refunded": 0, "closed": asked["capture"], "card": card,
            }
            self.held[entry["id"]] = entry
            return entry
        held = self.held[asked["authorization"]]
        if path == "/authorizations/complete":
            if held["id"] in self.failed:
                held["status"], code = "declined", "authentication_failed"
            elif held["id"] in self.passed:
                held["status"], code = "approved", None
            else:
                code = None
            return {**held, "reference": asked["reference"], "decline_code": code}
        kind = {"/captures": "capture", "/voids": "void", "/increments": "increment", "/refunds": "refund"}[path]
        amount = asked.get("amount", held["amount"])
        refused = self._moved(kind, held, asked, amount=amount)
        status = "declined" if refused else "approved"
        if kind == "refund" and held["card"] == "refund_pending":
            status = "pending"
        return {
            "kind": kind, "id": new_id("mov"), "reference": asked["reference"], "amount": amount, "status": status,
            "decline_code": refused, "of": held["id"],
        }

    def _moved(self, kind: str, held: dict[str, Any], asked: Mapping[str, Any], *, amount: int) -> str | None:
        """Make the movement true, or say why not."""
        if kind == "refund":
            taken = held["captured"] or (held["amount"] if held["taken"] else 0)
            if held["refunded"] + amount > taken:
                return "amount_too_large"
            held["refunded"] += amount
            return None
        if held["status"] != "approved":
            return f"authorization_{held['status']}"
        if held["closed"]:
            return "already_captured"
        if kind == "increment":
            if self.refuses_increments or held["captured"]:
                return "insufficient_funds"
            held["amount"] = amount
        elif kind == "capture":
            if held["captured"] + amount > held["amount"]:
                return "amount_too_large"
            held["captured"] += amount
            held["closed"] = asked["final"]
        elif held["captured"]:
            held["closed"] = True
        else:
            held["status"] = "voided"
        return None

    def _now(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        status = entry["status"]
        if entry["kind"] == "authorization" and entry["id"] in self.held and status == "approved":
            status = self.held[entry["id"]]["status"]
        code = None if status in ("voided", "reversed") else entry["decline_code"]
        return {
            "reference": entry["reference"], "id": entry["id"], "amount": entry["amount"], "status": status,
            "decline_code": code, "network_decline_code": None, "advice_code": None,
            "checks": {"cvc_check": "pass"}, "redirect_url": f"{ORIGIN}/acs/{entry['id']}"
            if status == "action_required" else None, "three_d_secure": None, "network_transaction_id": "ntx_1",
            "captured_amount": 0, "expires_at": clock.now() + 30 * 86_400, "funds_available_at_once": False,
            "failure_reason": entry.get("failure_reason"),
        }


@dataclass
class Line(ScriptedVault):
    """The way to the acquirer. ``faults`` are used up one an order: not_sent, cvc_gone, lost_before, lost_after, ok."""

    acquirer: Acquirer = field(default_factory=Acquirer)
    faults: list[str] = field(default_factory=list)
    silent: bool = False
    claimed: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)

    async def tokenize_test(self, account: str, card: Mapping[str, Any]) -> dict[str, Any]:
        described = await super().tokenize_test(account, dict(card))
        return {**described, "token": f"{described['token']}.{BY_NUMBER[card['number']].name}"}

    async def commit_token(self, account: str, tokens: Sequence[str], *, subject: str | None = None) -> Any:
        return list(tokens)

    async def forward(self, account: str, livemode: bool, order: Order, *, intent: str | None = None) -> Reply:
        self.orders.append(order)
        assert order.step not in self.claimed, "a step was sent twice"
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault in ("not_sent", "cvc_gone"):
            return NotSent("unreachable" if fault == "not_sent" else fault)
        if order.step in self.dead:
            return NotSent("tombstoned")
        self.claimed.add(order.step)
        if fault == "lost_before" or self.silent:
            return Lost("timeout")
        card = order.card.rpartition(".")[2] if order.card else None
        body = self.acquirer.answer(order.url.removeprefix(ORIGIN), said(order), card)
        return Lost("reset") if fault == "lost_after" else Answered(200, (), json.dumps(body).encode())

    async def tombstone(self, account: str, step: str) -> Mapping[str, Any]:
        if step in self.claimed:
            return {"state": "claimed"}
        self.dead.add(step)
        return {"state": "tombstoned"}


@dataclass
class Till(Desk):
    """``call`` runs one of the room's operations; a stored refusal comes back as ``{"error": ...}``."""

    line: Line = field(default_factory=Line)

    async def call(
        self,
        name: str,
        body: str = "",
        *,
        who: Principal = MERCHANT,
        key: str | None = None,
        expand: tuple[str, ...] = (),
        version: str = VERSION,
        **path: str,
    ) -> Any:
        answer = await self.run(self.request(name, body, who=who, key=key, expand=expand, version=version, **path))
        return json.loads(answer.body) if isinstance(answer, Answer) else answer

    def request(
        self,
        name: str,
        body: str = "",
        *,
        who: Principal = MERCHANT,
        key: str | None = None,
        expand: tuple[str, ...] = (),
        version: str = VERSION,
        **path: str,
    ) -> Call:
        everything = [*api.operations(self.ports), *customers_api.operations(self.customers)]
        operation = next(operation for operation in everything if operation.name == name)
        return Call(
            operation=operation, principal=who, path=path,
            params=operation.params.parse(nest(read_fields(body.encode())), ""), expand=expand, request_id="req_1",
            api_version=version, now=clock.now(),
            claim=Claim(key, b"hash", new_id("own")) if key else None, concluding=Concludes(),
        )

    @property
    def customers(self) -> CustomersPorts:
        """What the customers room works with, at the same desk; cards are not verified when they are kept."""

        async def unverified(call: Call, row: PaymentMethodRow) -> PaymentMethodRow:
            return row

        async def undefended(call: Call) -> None:
            return None

        vault: Any = self.line
        return CustomersPorts(
            pool=self.ports.pool, committer=self.ports.committer, vault=vault, box=self.ports.box,
            poke=lambda: None, pepper=bytes(32), verify=unverified, defend=undefended,
        )

    async def run(self, call: Call) -> Any:
        return await call.operation.handler(call)

    async def pay(self, card: str = "pm_card_visa", more: str = "", **options: Any) -> Any:
        body = f"amount=1000&currency=usd&confirm=true&payment_method={card}&return_url={RETURN_URL}"
        return await self.call("payment_intent.create", body + more, **options)

    async def hold(self, more: str = "", **options: Any) -> str:
        """An authorised intent that waits for its capture."""
        made = await self.pay(more="&capture_method=manual" + more, **options)
        assert made["status"] == "requires_capture"
        return made["id"]

    async def get(self, id_: str, *, who: Principal = MERCHANT) -> Any:
        return await self.call("payment_intent.get", intent=id_, who=who)

    async def attempts(self) -> list[AttemptRow]:
        return [AttemptRow(*row) for row in await self.pool.fetch("select * from attempt order by id")]

    async def make_due(self) -> None:
        """As if the time of every waiting attempt had come, and nothing could be under way any more."""
        await self.pool.execute(
            "update attempt set next_check_ms = 1, send_before_ms = 1 where next_check_ms is not null"
        )


async def refusal(running: Any) -> Refusal:
    """The Refusal that ``running`` raises."""
    try:
        answer = await running
    except Refusal as caught:
        return caught
    raise AssertionError(f"nothing was refused: {answer}")


async def open_till(database: Database) -> Till:
    """A till on a fresh database; close its pool afterwards."""
    desk = await open_desk(database)
    line, box = Line(), EmptyBox()
    cards = replace(desk.ports.customers, vault=line, box=box)  # type: ignore[type-var]
    return Till(replace(desk.ports, vault=line, box=box, customers=cards), line, line)
