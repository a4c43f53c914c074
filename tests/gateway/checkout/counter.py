"""The checkout room as the web edge would call it, beside the payments till that its intents are paid at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from lockgate.gateway.checkout import api, jobs, page
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.storage.packing import unpack
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call, Claim, Visit
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.payments.desk import MERCHANT, Concludes
from tests.gateway.payments.till import EmptyBox, Till, open_till
from tests.support.cluster import Database

VERSION = "2026-06-24.dahlia"
ITEM = {
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "1500",
    "line_items[0][price_data][product_data][name]": "Teapot",
    "line_items[0][quantity]": "2",
}
PAYMENT = {"mode": "payment", "success_url": "https://shop.test/thanks?s={CHECKOUT_SESSION_ID}", **ITEM}
SETUP = {"mode": "setup", "success_url": "https://shop.test/saved", "currency": "usd"}


class IndexedBox(EmptyBox):
    """Also hashes, as the real one does."""

    async def blind_index(self, account: str, name: str, value: str) -> bytes:  # type: ignore[override]
        return f"{account}/{name}/{value}".encode()


@dataclass
class Counter:
    """``do("create", PAYMENT)`` calls a checkout operation with form fields; ``till`` pays."""

    ports: Ports
    till: Till

    async def do(
        self,
        name: str,
        form: Mapping[str, Any] | None = None,
        *,
        who: Principal = MERCHANT,
        key: str | None = None,
        now: int | None = None,
        version: str = VERSION,
        expand: tuple[str, ...] = (),
        **path: str,
    ) -> Any:
        operation = next(one for one in api.operations(self.ports) if one.name == f"checkout_session.{name}")
        call = Call(
            operation=operation, principal=who, path=path,
            params=operation.params.parse(nest(read_fields(urlencode(form or {}).encode())), ""), expand=expand,
            request_id="req_1", api_version=version, now=now or clock.now(),
            claim=Claim(key, b"hash", new_id("own")) if key else None, concluding=Concludes(),
        )  # fmt: skip
        answer = await operation.handler(call)
        return json.loads(answer.body) if isinstance(answer, Answer) else answer

    async def refused(self, name: str, form: Mapping[str, Any] | None = None, **options: Any) -> Refusal:
        try:
            answer = await self.do(name, form, **options)
        except Refusal as refusal:
            return refusal
        raise AssertionError(f"nothing was refused: {answer}")

    async def get(self, id_: str) -> Any:
        return await self.do("get", session=id_)

    async def pay(self, session: Mapping[str, Any], card: str = "pm_card_visa", more: str = "") -> Any:
        body = f"payment_method={card}&return_url=https://shop.test/back{more}"
        return await self.till.call("payment_intent.confirm", body, intent=session["payment_intent"])

    async def learn(self) -> int:
        return await jobs.learn(self.ports)

    async def due(self, now: int | None = None) -> int:
        return await jobs.due(self.ports, now=now or clock.now())

    async def open_page(self, id_: str) -> Answer:
        one = page.pages(self.ports)[0]
        return await one.handler(Visit({"session": id_}, (), {}, "127.0.0.1", "req_1", clock.now()))

    async def told(self, prefix: str = "checkout.") -> list[tuple[str, Any]]:
        """The events whose type begins with ``prefix``, in order, with their whole object."""
        rows = await self.ports.pool.fetch("select * from event order by id")
        found = []
        for row in rows:
            if row["type"].startswith(prefix):
                sealed = row["personal"] and json.loads(row["personal"])[2]
                found.append((row["type"], {**unpack(row["data"])["object"], **(sealed or {})}))
        return found


async def open_counter(database: Database) -> Counter:
    """A counter on a fresh database; close its committer and pool afterwards."""
    till = await open_till(database)
    box = IndexedBox()
    cards = replace(till.ports.customers, box=box)  # type: ignore[type-var]
    till.ports = replace(till.ports, box=box, customers=cards)
    return Counter(Ports.beside(till.ports), till)
