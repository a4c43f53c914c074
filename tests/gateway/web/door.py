"""A door of the test's own: a small shop behind the real app, on real sockets with real TLS and PostgreSQL."""

import asyncio
import json
import secrets
import ssl
from dataclasses import dataclass, field

import trustme

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import create
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.storage.idempotency import claimed, claimed_and_answered
from lockgate.gateway.storage.rows import Commit, CustomerRow
from lockgate.gateway.web.app import App
from lockgate.gateway.web.ports import Ports
from lockgate.gateway.web.server import Listener
from lockgate.gateway.web.tls import Handshakes, Leaf
from lockgate.kernel.errors import Kind, Refusal, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer as OperationAnswer
from lockgate.kernel.operations import Operation, Page
from lockgate.kernel.params import Array, Integer, Listing, Metadata, Object, Text, optional, required
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import INTEGER, METADATA, STRING, Field, Shape, const

PEPPER = b"p" * 32
THING = Shape(
    "thing",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("thing"), default="thing", public=True),
        "amount": Field(INTEGER, default=0, public=True),
        "owner": Field(STRING, nullable=True, expands="owner", public=True),
        "metadata": Field(METADATA, default={}),
    },
)
OWNER = Shape(
    "owner",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("owner"), default="owner", public=True),
        "email": Field(STRING, default="jenny@example.com"),
        "best": Field(STRING, nullable=True, expands="thing"),
    },
)


async def _back(visit):
    if visit.path["token"] == "bad":
        raise Refusal(Kind.NOT_FOUND, "This link is not valid.")
    return OperationAnswer(303, b"", (("Location", f"https://shop.example/?{visit.path['token']}"),), "text/plain")


BACK = Page("GET", "/return/{token}", _back, "browser")


class Unasked:
    """Stands for rules that ask nothing of anybody."""

    async def check(self, principal, what, **more):
        pass

    async def require(self, principal, operation, **what):
        pass


class MemoryBox:
    """Data keys as the vault gives them, kept in memory."""

    def __init__(self):
        self.keys = {}

    async def key(self, account, purpose, subject):
        return self.keys.setdefault((account, purpose, subject), secrets.token_bytes(32))


class Shop:
    """The operations of a small room, with what its tests want to see."""

    def __init__(self, committer):
        self.committer = committer
        self.handled = 0
        self.gate = None
        self.loaded = []

    async def create(self, call):
        self.handled += 1
        if self.gate is not None:
            await self.gate.wait()
        amount = call.params["amount"]
        if amount == 13:
            raise RuntimeError("secret value 4242424242424242 in a fault")
        if amount == 14:
            raise Refusal(Kind.UNAVAILABLE, "Certainly not sent.", should_retry=True)
        row = CustomerRow(
            call.principal.account, call.principal.livemode, new_id("cus"), 1, call.now, False, None, "{}", None
        )
        commit = Commit(customers=[row], audits=[record(call.principal, "thing.create", object_=row.id, request=None)])
        if amount == 15:
            commit.claims += claimed(call, attempt="pa_open")
            await self.committer.commit(commit)
            raise RuntimeError("died after the first commit")
        if amount == 16:
            answer = await call.refuse(
                Refusal(
                    Kind.CARD,
                    "Your card was declined.",
                    code="card_declined",
                    decline_code="stolen_card",
                    network_decline_code="43",
                )
            )
        else:
            owner = {"id": "own_fresh", "object": "owner", "email": "fresh@example.com", "best": None}
            thing = THING.render({"id": row.id, "amount": amount, "owner": "own_fresh"})
            answer = await call.answer(thing, fresh=[OWNER.render(owner)])
        commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
        await self.committer.commit(commit)
        return answer

    async def get(self, call):
        if call.path["id"] == "thing_missing":
            raise missing("thing", call.path["id"])
        return THING.render({"id": call.path["id"], "amount": 5, "owner": "own_1"})

    async def list(self, call):
        things = [THING.render({"id": f"thing_{n}", "owner": f"own_{n % 2}"}) for n in range(3)]
        return {"object": "list", "url": "/v1/things", "has_more": False, "data": things}

    async def load_owners(self, principal, ids):
        self.loaded.append(list(ids))
        return {id_: OWNER.render({"id": id_, "best": "thing_9"}) for id_ in ids}

    async def load_things(self, principal, ids):
        return {id_: THING.render({"id": id_}) for id_ in ids}

    def operations(self):
        params = {
            "amount": required(Integer(1)),
            "note": optional(Text(50)),
            "tags": optional(Array(Text(20))),
            "metadata": optional(Metadata()),
        }
        return [
            Operation(
                name="thing.create",
                method="POST",
                path="/v1/things",
                resource="charges",
                access="write",
                handler=self.create,
                params=Object(params),
                returns=THING,
                summary="Make a thing.",
                audit="thing.create",
                declines=True,
            ),
            Operation(
                name="thing.list",
                method="GET",
                path="/v1/things",
                resource="charges",
                access="read",
                handler=self.list,
                params=Listing().object(),
                returns=THING,
                form="list",
                summary="Things.",
            ),
            Operation(
                name="thing.get",
                method="GET",
                path="/v1/things/{id}",
                resource="charges",
                access="read",
                handler=self.get,
                params=Object({"client_secret": optional(Text())}),
                returns=THING,
                summary="One thing.",
                publishable=True,
                client_secret=True,
            ),
            Operation(
                name="thing.keep",
                method="POST",
                path="/v1/things/{id}/keep",
                resource="charges",
                access="write",
                handler=self.get,
                params=Object({}),
                returns=THING,
                summary="Keep it.",
                audit="thing.keep",
            ),
            Operation(
                name="owner.get",
                method="GET",
                path="/v1/owners/{id}",
                resource="customers",
                access="read",
                handler=self.get,
                params=Object({}),
                returns=OWNER,
                summary="One owner.",
            ),
        ]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]


@dataclass
class Door:
    """The running door, its keys, and a raw way in."""

    listener: Listener
    authority: trustme.CA
    context: ssl.SSLContext
    handshakes: Handshakes
    pool: object
    shop: Shop
    ports: Ports
    account: str
    client_secrets: ClientSecrets
    keys: dict[str, create.Made] = field(default_factory=dict)
    settled: list = field(default_factory=list)

    async def open(self, *, context=None):
        return await asyncio.open_connection(
            "127.0.0.1", self.listener.port, ssl=context or self.context, server_hostname="localhost"
        )

    async def raw(self, data: bytes, *, wait_s=10) -> bytes:
        """All bytes that come back until the server closes."""
        reader, writer = await self.open()
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(), wait_s)
        finally:
            writer.close()

    async def ask(self, method, path, form=None, *, key="secret", headers=(), body=None, query="") -> Answer:
        lines = [f"{method} {path}{'?' + query if query else ''} HTTP/1.1", "Host: localhost", "Connection: close"]
        if key:
            lines.append(f"Authorization: Bearer {self.keys[key].text if key in self.keys else key}")
        lines += [f"{name}: {value}" for name, value in headers]
        if form is not None:
            body = form.encode()
            lines.append("Content-Type: application/x-www-form-urlencoded")
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return parse(await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")))

    async def audits(self, action):
        rows = await self.pool.fetch(
            "select account, outcome, actor, address, detail from audit where action = $1 order by id", action
        )
        return [dict(row) for row in rows]


def parse(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return Answer(
        int(first.split()[1]), {k.lower(): v.strip() for k, _, v in (li.partition(":") for li in lines)}, body
    )


async def open_door(database, directory) -> Door:
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    certificate, private = directory / "api.pem", directory / "api.key"
    leaf.private_key_pem.write_to_path(private)
    for place, blob in enumerate(leaf.cert_chain_pems):
        blob.write_to_path(certificate, append=place > 0)
    pool = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=8
    )
    committer = Committer(pool)
    shop = Shop(committer)
    client_secrets = ClientSecrets(b"c" * 32)
    settled = []

    async def settle(principal, found, call):
        settled.append(found)
        return await call.answer(THING.render({"id": "thing_settled"}))

    ports = Ports(
        pool=pool,
        authenticator=Authenticator(pool, pepper=PEPPER),
        witness=Witness(pool),
        client_secrets=client_secrets,
        box=MemoryBox(),
        settle=settle,
        client_certificates=Unasked(),
        approvals=Unasked(),
        addresses=Unasked(),
        public_url="https://127.0.0.1",
    )
    app = App(shop.operations(), {"owner": shop.load_owners, "thing": shop.load_things}, [BACK], ports)
    handshakes = Handshakes(Leaf(certificate, private))
    listener = Listener(app, host="127.0.0.1", port=0, tls=handshakes.context)
    await listener.start()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with pool.acquire() as connection, connection.transaction():
        account = await create_account(connection, by="test", name="Shop", country="DE", currency="eur")
    door = Door(listener, authority, context, handshakes, pool, shop, ports, account.id, client_secrets)
    door.settled = settled
    who = Principal(account.id, False, "internal", "test")
    fast = (5000, 500)
    for name, kind, permissions, rate in (
        ("secret", "secret", None, fast),
        ("publishable", "publishable", None, fast),
        ("slow", "publishable", None, None),
        ("reader", "restricted", {"charges": "read"}, fast),
        ("writer", "restricted", {"charges": "write"}, fast),
    ):
        door.keys[name] = await create.create(pool, who, pepper=PEPPER, kind=kind, permissions=permissions, rate=rate)
    return door


async def close_door(door: Door) -> None:
    await door.listener.stop()
    await door.ports.witness.close()
    await door.ports.authenticator.close()
    await door.shop.committer.close()
    await door.pool.close()
