"""A post office for tests: the endpoint behind the real app on a real socket, a vault that knows one signing key."""

import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.notifications import poll, receive, work
from lockgate.gateway.notifications.ports import Ports, Told
from lockgate.gateway.processors.contract import Answered, Asks, Changes, Order
from lockgate.gateway.processors.simulator import PROCESSOR
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.gateway.vaultlink.client import VaultRefused, VaultUnavailable
from lockgate.gateway.web.app import App
from lockgate.gateway.web.ports import Ports as WebPorts
from lockgate.gateway.web.server import Listener
from tests.gateway.web.door import Unasked
from tests.support.cluster import Database

ACCOUNT = "acct_a"
KEY = b"notification key"
HEADER = "x-signature"


@dataclass
class Signatures:
    """The vault's part: one account has a key. ``broken`` is what it raises instead of an answer."""

    broken: Exception | None = None
    asked: list[dict[str, str]] = field(default_factory=list)

    async def verify_notification(
        self, account: str, livemode: bool, *, processor: str, headers: Mapping[str, str], body: bytes
    ) -> bool:
        self.asked.append(dict(headers))
        if self.broken is not None:
            raise self.broken
        if (account, livemode) != (ACCOUNT, False):
            raise VaultRefused("not_found", "no such secret", reason=None)
        return hmac.compare_digest(headers[HEADER], signed(body))


@dataclass
class Outside:
    """What the simulator would say: every notice of an account and mode, in order. ``silent`` ones say nothing.

    ``asked`` has the questions; ``before`` is called ahead of each answer.
    """

    notices: dict[tuple[str, bool], list[dict[str, str]]] = field(default_factory=dict)
    silent: set[tuple[str, bool]] = field(default_factory=set)
    asked: list[tuple[str, bool, dict[str, Any]]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None

    def happens(self, *ids: str, account: str = ACCOUNT, livemode: bool = False, kind: str = "dispute") -> None:
        told = self.notices.setdefault((account, livemode), [])
        told.extend({"id": id_, "kind": kind, "reference": f"sdp_{id_}"} for id_ in ids)

    def of(self, account: str = ACCOUNT, livemode: bool = False) -> list[str]:
        """The cursors that were asked by."""
        return [said["cursor"] for who, mode, said in self.asked if (who, mode) == (account, livemode)]

    async def ask(self, account: str, livemode: bool, question: Asks[Changes]) -> Changes | None:
        order = next(question)
        said = json.loads(_plain(order))
        self.asked.append((account, livemode, said))
        self.steps.append(order.step)
        if self.before is not None:
            await self.before()
        if (account, livemode) in self.silent:
            return None
        told, after = self.notices.get((account, livemode), []), int(said["cursor"] or 0)
        page = told[after : after + said["limit"]]
        end = after + len(page)
        answer = {
            "since": said["cursor"], "notices": page, "cursor": str(end) if end else "", "more": end < len(told),
        }  # fmt: skip
        try:
            question.send(Answered(200, body=json.dumps(answer).encode()))
        except StopIteration as end_of_it:
            return end_of_it.value
        raise AssertionError("a question for changes is one order")


def _plain(order: Order) -> bytes:
    return b"".join(part for part in order.body if isinstance(part, bytes))


def signed(body: bytes) -> str:
    return hmac.new(KEY, body, "sha256").hexdigest()


@dataclass
class Office:
    """``handled`` is what the handler was told; it learns only what is in ``learns``."""

    pool: Pool
    ports: Ports
    signatures: Signatures
    url: str
    session: aiohttp.ClientSession
    outside: Outside
    handled: list[Told] = field(default_factory=list)
    learns: dict[str, bool | Exception] = field(default_factory=dict)
    pokes: list[None] = field(default_factory=list)

    async def handle(self, told: Told) -> bool:
        self.handled.append(told)
        learnt = self.learns.get(told.reference, True)
        if isinstance(learnt, Exception):
            raise learnt
        return learnt

    async def post(
        self,
        body: bytes,
        *,
        headers: list[tuple[str, str]] | None = None,
        path: str | None = None,
        method: str = "POST",
    ) -> tuple[int, Any]:
        where = path or f"/processors/simulator/{ACCOUNT}/test/notify"
        sent = [(HEADER, signed(body))] if headers is None else headers
        async with self.session.request(method, self.url + where, data=body, headers=sent) as answer:
            assert answer.headers["content-type"] == "application/json"
            return answer.status, json.loads(await answer.read())

    async def told(self, id_: str, reference: str = "sdp_1", kind: str = "dispute") -> tuple[int, Any]:
        return await self.post(message(id_, reference, kind))

    async def rows(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.pool.fetch("select * from notification order by id")]

    async def refusals(self) -> list[str]:
        rows = await self.pool.fetch(
            "select detail->>'reason' as reason from audit where action = 'notification.refused' order by id"
        )
        return [row["reason"] for row in rows]

    async def work(self) -> int:
        return await work.portion(self.ports)

    async def cursors(self) -> list[dict[str, Any]]:
        rows = await self.pool.fetch("select * from notification_cursor order by account, livemode")
        return [dict(row) for row in rows]

    async def enrolled(self, account: str = ACCOUNT, livemode: bool = False) -> None:
        """An account that is asked for."""
        await self.has_ordered(account, livemode)
        await poll.enrol(self.ports)

    async def has_ordered(self, account: str = ACCOUNT, livemode: bool = False) -> None:
        """An account that has sent an order to the simulator."""
        await self.pool.execute(
            "insert into attempt (account, livemode, id, version, created, action, state, processor, amount, currency,"
            " send_before_ms, checks, data) values ($1, $2, 'pa_1', 1, 1, 'authorize', 'approved', 'simulator', 1,"
            " 'usd', 1, 0, '{}')",
            account,
            livemode,
        )

    async def ask_again(self) -> None:
        """Let the minute pass."""
        await self.pool.execute("update notification_cursor set due_ms = 1, leased_until_ms = null")

    async def make_due(self) -> None:
        await self.pool.execute(
            "update notification set next_try_ms = 1, leased_until_ms = null where state = 'waiting'"
        )


def message(id_: str, reference: str = "sdp_1", kind: str = "dispute") -> bytes:
    return json.dumps({"id": id_, "kind": kind, "reference": reference}).encode()


def unavailable() -> VaultUnavailable:
    return VaultUnavailable("the vault cannot be reached", sent=False)


class _NoBox:
    async def key(self, account: str, purpose: str, subject: str) -> bytes | None:
        raise AssertionError("a hook needs no data key")


async def _no_settling(*_: Any) -> None:
    raise AssertionError("a hook has no idempotency key")


@asynccontextmanager
async def open_office(database: Database) -> AsyncIterator[Office]:
    login = database["worker"]
    pool = await connect_pool(database=database.settings, user=login["user"], password=login["password"], size=6)
    witness, signatures, outside = Witness(pool), Signatures(), Outside()
    handlers: dict[str, Any] = {}
    pokes: list[None] = []
    ports = Ports(
        pool=pool, vault=signatures, witness=witness, processors={"simulator": PROCESSOR},
        settings={"simulator": {"origin": "https://simulator.test"}}, handlers=handlers, ask=outside.ask,
        poke=lambda: pokes.append(None),
    )
    authenticator = Authenticator(pool, pepper=bytes(32))
    web = WebPorts(
        pool=pool, authenticator=authenticator, witness=witness, client_secrets=ClientSecrets(bytes(32)),
        box=_NoBox(), settle=_no_settling, client_certificates=Unasked(), approvals=Unasked(), addresses=Unasked(),
        public_url="https://127.0.0.1",
    )
    listener = Listener(App([], {}, receive.hooks(ports), web), host="127.0.0.1", port=0, tls=None)
    await listener.start()
    async with aiohttp.ClientSession() as session:
        office = Office(pool, ports, signatures, f"http://127.0.0.1:{listener.port}", session, outside, pokes=pokes)
        handlers["dispute"] = office.handle
        try:
            yield office
        finally:
            await listener.stop()
            await witness.close()
            await authenticator.close()
            await pool.close()
