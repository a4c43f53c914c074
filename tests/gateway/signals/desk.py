"""The signals room as the web edge would call it, against a real database, with real keyed hashes in memory."""

import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from lockgate.gateway.signals import api
from lockgate.gateway.signals.ports import Ports
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import Conclusions, MemoryBox, pool_as
from tests.gateway.signals.reports import AGENT, person
from tests.support.cluster import Database

ACCOUNT, OTHER = "acct_test0000000000001", "acct_other00000000001"
MERCHANT = Principal(ACCOUNT, False, "secret", "key_test")


def shopper(account: str = ACCOUNT, *, livemode: bool = False, address: str = "203.0.113.7") -> Principal:
    """A browser with the account's publishable key."""
    return Principal(account, livemode, "publishable", "key_pub", address=address, user_agent=AGENT)


class Box(MemoryBox):
    """With hashes that are hashes."""

    async def blind_index(self, account: str, name: str, value: str) -> bytes:
        key = await self.key(account, "index", account)
        assert key is not None
        return hmac.digest(key, f"{name}\0{value}".encode(), "sha256")[:16]


@dataclass
class Desk:
    """``do("radar_session.create", form=person())`` calls an operation with form fields."""

    ports: Ports
    now: int = field(default_factory=clock.now)

    async def do(
        self, name: str, /, *, who: Principal = MERCHANT, form: dict[str, Any] | None = None, **path: str
    ) -> Any:
        operation = next(one for one in api.operations(self.ports) if one.name == name)
        call = Call(
            operation=operation, principal=who, path=path,
            params=operation.params.parse(nest(read_fields(urlencode(form or {}).encode())), ""), expand=(),
            request_id="req_1", api_version="2026-06-24.dahlia", now=self.now, claim=None, concluding=Conclusions(),
        )  # fmt: skip
        answer = await operation.handler(call)
        return json.loads(answer.body) if isinstance(answer, Answer) else answer

    async def report(self, who: Principal | None = None, *, device: str | None = None, **changes: Any) -> Any:
        """A session of somebody's visit."""
        form = person(**changes) | ({"device": device} if device else {})
        return await self.do("radar_session.create", who=who or shopper(), form=form)

    async def refused(self, name: str, /, **given: Any) -> Refusal:
        try:
            answer = await self.do(name, **given)
        except Refusal as refusal:
            return refusal
        raise AssertionError(f"nothing was refused: {answer}")


@asynccontextmanager
async def open_desk(database: Database):
    """A desk at the signals room."""
    async with pool_as(database, "gateway") as pool:
        yield Desk(Ports(pool, Box(), "https://pay.example"))
