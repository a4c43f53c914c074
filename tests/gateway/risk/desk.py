"""The risk room as the web edge would call it, against a real database, with keys in memory."""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from lockgate.gateway.risk import api
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.commit import Committer
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call, Claim
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import Conclusions, MemoryBox, pool_as
from tests.support.cluster import Database

ACCOUNT = "acct_test0000000000001"
MERCHANT = Principal(ACCOUNT, False, "secret", "key_test")
LIVE = Principal(ACCOUNT, True, "secret", "key_live")
STRANGER = Principal("acct_other00000000001", False, "secret", "key_other")


@dataclass
class Desk:
    """``do("value_list.create", alias="a", name="A")`` calls an operation with form fields."""

    ports: Ports
    now: int = field(default_factory=clock.now)

    async def do(
        self, name: str, /, *, who: Principal = MERCHANT, key: str | None = None, form: Any = None, **fields: Any
    ) -> Any:
        operation = next(one for one in api.operations(self.ports) if one.name == name)
        path = {part: fields.pop(part) for part in list(fields) if f"{{{part}}}" in operation.path}
        body = urlencode({**(form or {}), **fields}).encode()
        claim = Claim(key, b"hash", new_id("own")) if key else None
        call = Call(
            operation=operation, principal=who, path=path,
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


@asynccontextmanager
async def open_desk(database: Database):
    """A desk at the risk room."""
    async with pool_as(database, "gateway") as pool:
        committer = Committer(pool)
        yield Desk(Ports(pool, committer, MemoryBox(), lambda: None))  # type: ignore[arg-type] - opens to None when shredded
        await committer.close()
