"""The rules room as the web edge would call it, against a real database, with decisions as the engine stores them."""

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from lockgate.gateway.rules import api
from lockgate.gateway.rules.active import Active
from lockgate.gateway.rules.core.packed import pack, settle
from lockgate.gateway.rules.ports import Ports
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call, Claim
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import Conclusions, pool_as
from tests.support.cluster import Database

RULE = "block if :ip_country: != :card_country: and :card_amount_1h: > 5000 USD"


def _convert(minor: int, currency: str) -> int | None:
    return minor * 11 // 10 if currency == "eur" else None


async def _rates() -> Any:
    return _convert


@dataclass
class Desk:
    """``do("risk_rule.create", rule=RULE)`` calls an operation with form fields. Each has an account of its own."""

    ports: Ports
    now: int = field(default_factory=clock.now)
    account: str = field(default_factory=lambda: new_id("acct"))

    def __post_init__(self) -> None:
        self.merchant = Principal(self.account, False, "secret", "key_test")
        self.live = Principal(self.account, True, "secret", "key_live")
        self.stranger = Principal(new_id("acct"), False, "secret", "key_other")

    async def do(
        self, name: str, /, *, who: Principal | None = None, key: str | None = None, **fields: Any
    ) -> Any:
        operation = next(one for one in api.operations(self.ports) if one.name == name)
        path = {"risk_rule": fields.pop("id_")} if "id_" in fields else {}
        body = urlencode(fields).encode()
        claim = Claim(key, b"hash", new_id("own")) if key else None
        call = Call(
            operation=operation, principal=who or self.merchant, path=path,
            params=operation.params.parse(nest(read_fields(body)), ""), expand=(), request_id="req_1",
            api_version="2026-06-24.dahlia", now=self.now, claim=claim, concluding=Conclusions(),
        )  # fmt: skip
        answer = await operation.handler(call)
        return json.loads(answer.body) if isinstance(answer, Answer) else answer

    async def refused(self, name: str, /, **fields: Any) -> Refusal:
        try:
            answer = await self.do(name, **fields)
        except Refusal as refusal:
            return refusal
        raise AssertionError(f"nothing was refused: {answer}")

    async def decide(
        self,
        attributes: Mapping[str, Any],
        *,
        verdict: str = "allow",
        known: bool | None = None,
        who: Principal | None = None,
        lists: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        ago_s: int = 60,
        ruleset: int = 0,
    ) -> str:
        """Store a decision as the engine does; ``known`` labels its payment as fraud or as good."""
        who = who or self.merchant
        id_, attempt = new_id("rdec"), new_id("att")
        at_ms = (self.now - ago_s) * 1000
        packed = pack(settle(attributes), lists)
        said = {"attributes": packed.named, "lists": packed.lists, **(data or {})}
        async with self.ports.pool.acquire() as connection:
            await connection.execute(
                "insert into risk_event (account, livemode, attempt, at_ms, amount, state)"
                " values ($1, $2, $3, $4, 0, 'open')",
                *(who.account, who.livemode, attempt, at_ms),
            )
            await connection.execute(
                "insert into risk_decision (account, livemode, id, created, at_ms, attempt, verdict, challenge,"
                " flagged, ruleset, data, attributes, others)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                *(who.account, who.livemode, id_, at_ms // 1000, at_ms, attempt, verdict, verdict == "challenge"),
                *(verdict == "flag", str(ruleset), json.dumps(said), packed.row, json.dumps(packed.others)),
            )
            if known is not None:
                await connection.execute(
                    "insert into risk_label (account, livemode, id, version, created, attempt, fraud, source, known_ms)"
                    " values ($1, $2, $3, 1, $4, $5, $6, 'import', $7)",
                    *(who.account, who.livemode, new_id("rlbl"), self.now, attempt, known, self.now * 1000),
                )
        return id_

    async def judge(self, attributes: Mapping[str, Any], *, lists: Mapping[str, Any]) -> str:
        """Store a decision with what the rules that are in force say of it."""
        ruleset = await self.ports.active.of(self.account, False)
        hits = ruleset.evaluate(attributes, lists).hits
        rules = [[hit.id, hit.version, hit.action, hit.shadow] for hit in hits]
        return await self.decide(attributes, lists=lists, data={"rules": rules}, ruleset=ruleset.revision)

    async def make_list(self, alias: str, *hashes: bytes) -> None:
        """A value list that holds what has these hashes."""
        list_ = new_id("rsl")
        await self.ports.pool.execute(
            "insert into value_list (account, livemode, id, version, created, alias, name, item_type, created_by,"
            " deleted, data) values ($1, false, $2, 1, 0, $3, 'n', 'string', 'k', false, '{}')",
            *(self.account, list_, alias),
        )
        for index in hashes:
            await self.ports.pool.execute(
                "insert into value_list_item (account, livemode, id, version, created, value_list, value_index,"
                " created_by, deleted, personal) values ($1, false, $2, 1, 0, $3, $4, 'k', false, '')",
                *(self.account, new_id("rsli"), list_, index),
            )


@asynccontextmanager
async def open_desk(database: Database):
    """A desk at the rules room."""
    async with pool_as(database, "gateway") as pool:
        yield Desk(Ports(pool, Active(pool), _rates))
