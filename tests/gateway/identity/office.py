"""Where keys and roles are managed: their operations behind the real guard, for people with any roles."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from lockgate.gateway import boot_reviews
from lockgate.gateway.identity import api, api_keys, api_roles, create
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.identity.ports import CredentialPorts, Ports
from lockgate.gateway.identity.roles import Roles
from lockgate.gateway.identity.signing_keys import SigningKeys
from lockgate.gateway.identity.standing import Standing
from lockgate.gateway.identity.tokens import SESSION, Tokens
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.gateway.web.app import App
from lockgate.gateway.web.ports import Ports as WebPorts
from lockgate.kernel import clock
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import Principal
from tests.gateway.web.door import PEPPER, Answer, MemoryBox, Unasked


class Box(MemoryBox):
    """Data keys, and personal fields that are kept as they are."""

    async def open(self, account, subject, blob):
        return {} if blob is None else json.loads(blob)

URL = "https://127.0.0.1"


class Approvals(Unasked):
    """Notes which privileges were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def require(self, principal, operation, **what):
        self.asked.append(f"{operation.name} {operation.privilege}")


@dataclass
class Office:
    """``people`` maps a name to the roles that it has now; ``token`` gives it a session."""

    app: App
    pool: Pool
    account: str
    roles: Roles
    tokens: Tokens
    approvals: Approvals
    operations: list[Operation]
    people: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def token(self, name: str, *roles: str) -> str:
        self.people[name] = roles
        return await self.tokens.issue(SESSION, {"sub": name, "sid": f"ses_{name}"}, life_s=900, now=clock.now())

    async def standing(self, claims: Any) -> Standing | None:
        names = self.people.get(claims["sub"])
        if names is None:
            return None
        permissions = await self.roles.permissions(self.account, names)
        return Standing(
            "person", claims["sub"], claims["sid"], {self.account: permissions}, {self.account: names},
            rate_per_s=5000, burst=5000,
        )

    async def ask(
        self, method: str, path: str, *, by: str, headers: dict[str, str] | None = None, **form: Any
    ) -> Answer:
        """One request through the app as its server would hand it over."""
        text = urlencode({name.replace("__", "[") + ("]" if "__" in name else ""): v for name, v in form.items()})
        sent = {"host": "127.0.0.1", "authorization": f"Bearer {by}", **(headers or {})}
        if method == "POST":
            sent["content-type"] = "application/x-www-form-urlencoded"
        body = text.encode() if method == "POST" else b""
        scope = {
            "type": "http", "method": method, "path": path, "client": ("203.0.113.9", 1),
            "query_string": text.encode() if method != "POST" else b"", "extensions": {},
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }
        return await self._through(scope, body)

    async def post(self, path: str, body: bytes, content_type: str, *, address: str = "203.0.113.50") -> Answer:
        """Something posted to a hook."""
        return await self._through(
            {
                "type": "http", "method": "POST", "path": path, "client": (address, 1), "query_string": b"",
                "extensions": {}, "headers": [(b"host", b"127.0.0.1"), (b"content-type", content_type.encode())],
            },
            body,
        )

    async def member(self, name: str, *roles: str) -> str:
        """A person who is on record as one, with a token."""
        personal = json.dumps({"email": f"{name}@example.com", "name": name}).encode()
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into person (id, created, email_index, personal, status, active_since, last_seen_at)"
                " values ($1, 1, $2, $3, 'active', 1, $4)", name, name.encode(), personal, clock.now(),
            )
            await connection.execute(
                "insert into membership (account, person, created, roles, status, granted_by, changed_at)"
                " values ($1, $2, $4, $3, 'active', 'person:first', $4)", self.account, name, list(roles), clock.now(),
            )
        return await self.token(name, *roles)

    async def _through(self, scope: dict[str, Any], body: bytes) -> Answer:
        out: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            out.append(message)

        await self.app(scope, receive, send)
        got = {name.decode(): value.decode() for name, value in out[0]["headers"]}
        return Answer(out[0]["status"], got, out[1]["body"])

    async def audits(self, action: str) -> list[Any]:
        return await self.pool.fetch(
            "select account, outcome, actor, object, detail from audit where action = $1 order by id", action
        )


@asynccontextmanager
async def open_office(database: Any, settings: Any = None) -> AsyncIterator[Office]:
    pool = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=6
    )
    committer = Committer(pool)
    box = Box()
    tokens = Tokens(SigningKeys(pool, box), issuer=URL)
    roles = Roles(pool)
    async with pool.acquire() as connection, connection.transaction():
        account = await create_account(connection, by="test", name="Shop", country="DE", currency="eur")

    async def holder(claims: Any) -> Standing | None:
        return await office.standing(claims)

    authenticator = Authenticator(pool, pepper=PEPPER, tokens=tokens, holders={SESSION: holder})
    ports = Ports(pool, committer, poke=lambda: None, forget=authenticator.forget, due=[])
    credentials = CredentialPorts(pool, PEPPER)
    operations = [
        *api.operations(ports), *api_keys.operations(credentials), *api_roles.operations(credentials),
    ]
    operations += boot_reviews.operations(pool, box, operations)
    approvals = Approvals()
    witness = Witness(pool)
    hooks = boot_reviews.hooks(
        settings or {}, pool=pool, box=box, pepper=PEPPER, witness=witness, forget=authenticator.forget
    )

    async def settle(principal: Any, found: Any, call: Any) -> None:
        raise AssertionError("nothing here is left open")

    app = App(
        operations, {}, hooks,
        WebPorts(
            pool=pool, authenticator=authenticator, witness=witness, client_secrets=ClientSecrets(b"c" * 32), box=box,
            settle=settle, client_certificates=Unasked(), approvals=approvals, addresses=Unasked(), public_url=URL,
        ),
    )
    office = Office(app, pool, account.id, roles, tokens, approvals, operations)
    try:
        yield office
    finally:
        await witness.close()
        await authenticator.close()
        await committer.close()
        await pool.close()


async def make_key(office: Office, kind: str, permissions: Any = None, **options: Any) -> create.Made:
    """A key as the operator makes it at the machine."""
    who = Principal(office.account, options.pop("livemode", False), "internal", "test")
    return await create.create(
        office.pool, who, pepper=PEPPER, kind=kind, permissions=permissions, rate=(5000, 5000), **options
    )
