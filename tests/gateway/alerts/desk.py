"""An alert room on a fresh database: audit records are planted, the engine judges them, on a clock that is moved."""

import json
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.alerts.judge import Judge
from lockgate.gateway.alerts.ports import Ports, Telling
from lockgate.gateway.identity.core.place import UNKNOWN, Place
from lockgate.gateway.identity.places import Places
from lockgate.gateway.people.owners import Owners
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.rows import AuditRow
from lockgate.gateway.webhooks.core import sign, url
from lockgate.gateway.webhooks.deliver import Sender
from lockgate.kernel.ids import new_id
from tests.gateway.customers.desk import MemoryBox, pool_as

ACCOUNT = "acct_1234567890abcdefgh"
START = 1_800_000_000_000


class Atlas(Places):
    """Places by a table in memory."""

    def __init__(self, table: Mapping[str, Place]) -> None:
        super().__init__()
        self.table = table

    def of(self, address: str) -> Place:
        return self.table.get(address, UNKNOWN)


@dataclass
class Room:
    gateway: Any
    worker: Any
    box: MemoryBox
    atlas: Atlas
    now_ms: int = START
    judges: list[Judge] = field(default_factory=list)

    def ports(self, pool: Any) -> Ports:
        return Ports(pool, self.box, url.check, lambda: sign.secret_from(bytes(32)), True, "pay.example", lambda: None)

    def telling(self) -> Telling:
        sender = Sender(allow_private=True, timeout_s=3)
        return Telling(
            self.ports(self.worker), self.atlas, Owners(self.box), sender.send, sign.headers, lambda: self.now_ms
        )

    async def happen(
        self,
        action: str,
        *,
        at_ms: int | None = None,
        account: str = ACCOUNT,
        outcome: str = "refused",
        actor: str = "internal:unknown",
        object_: str | None = None,
        address: str | None = "203.0.113.7",
        request: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> AuditRow:
        row = AuditRow(
            account=account,
            livemode=False,
            id=new_id("aud"),
            created_ms=self.now_ms if at_ms is None else at_ms,
            action=action,
            outcome=outcome,
            actor=actor,
            object=object_,
            address=address,
            request=request,
            detail=json.dumps(detail or {}),
            personal=None,
        )
        await insert_audits(self.gateway, [row])
        return row

    async def judge(self) -> None:
        """What the worker does until there is nothing left."""
        if not self.judges:
            self.judges.append(Judge(self.telling()))
        while await self.judges[0].run():
            pass

    async def alerts(self, *rules: str, account: str | None = None) -> list[Any]:
        rows = await self.gateway.fetch("select * from alert order by opened_ms, id")
        return [r for r in rows if (not rules or r["rule"] in rules) and account in (None, r["account"])]

    async def rules(self) -> list[str]:
        return sorted(row["rule"] for row in await self.alerts())


@asynccontextmanager
async def open_room(database, table: Mapping[str, Place] | None = None):
    async with pool_as(database, "gateway") as gateway, pool_as(database, "worker") as worker:
        await gateway.execute(
            "insert into account (id, created, name, country, default_currency, api_version)"
            " values ($1, 1, 'Shop', 'US', 'usd', '2026-08-26.dahlia')",
            ACCOUNT,
        )
        yield Room(gateway, worker, MemoryBox(), Atlas(table or {}))


def pairs(rows: Sequence[Any]) -> list[tuple[str, str]]:
    """Rule and subject of each alert."""
    return [(row["rule"], row["subject"]) for row in rows]
