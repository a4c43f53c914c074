"""The people room over a real database, with real second factors, a clock in the test's hand, and cheap hashes."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import pyotp
from argon2 import PasswordHasher

from lockgate.gateway.factors.ports import Change
from lockgate.gateway.factors.ports import Ports as FactorsPorts
from lockgate.gateway.factors.second import Factors
from lockgate.gateway.identity.roles import Roles
from lockgate.gateway.identity.signing_keys import SigningKeys
from lockgate.gateway.identity.tokens import Tokens
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.mail.sealed import unseal
from lockgate.gateway.people import accept_invitation, find, invite, sign_in
from lockgate.gateway.people.breached import Breached
from lockgate.gateway.people.factor_changed import factor_changed
from lockgate.gateway.people.invite import Invited
from lockgate.gateway.people.passwords import Passwords
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.sign_in import Begun, Finished, From
from lockgate.gateway.storage.database import Connection, connect_pool
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import MemoryBox
from tests.support.cluster import Database

NOW = 1_790_000_010
DAY = 86_400
URL = "https://pay.example:8443"
ACCOUNT, OTHER = "acct_a0000000000000000", "acct_b0000000000000000"
PASSWORD = "seven quiet otters paint the harbour"
ANOTHER = "eleven green kettles sing at noon"
OPERATOR = Principal(ACCOUNT, False, "internal", "cli")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def at(address: str = "198.51.100.7", *, device: str | None = None, agent: str = "Browser/1") -> From:
    """Where a try comes from."""
    return From(address, agent, "req_1", device)


class Box(MemoryBox):
    """Finds by a keyed hash that is different for different values."""

    async def blind_index(self, account: str, name: str, value: str) -> bytes:
        return hmac.digest(b"index", f"{account}|{name}|{value}".encode(), "sha256")[:16]


@dataclass
class Member:
    """Somebody who has signed up; ``app`` is her authenticator app."""

    id: str
    email: str
    app: pyotp.TOTP
    done: Finished
    used: set[int] = field(default_factory=set)

    def code(self, now: int) -> str:
        """A code that was not used yet at ``now``."""
        for step in (now // 30, now // 30 + 1, now // 30 - 1):
            if step not in self.used:
                self.used.add(step)
                return self.app.generate_otp(step)
        raise AssertionError("no code is left at this second")


@dataclass
class Desk:
    """One room, and what it told whom."""

    ports: Ports
    box: Box
    login: dict[str, Any]

    async def owner(self, address: str = "owner@shop.example", *, now: int = NOW) -> Member:
        """The first owner, signed up by the operator's link."""
        async with self.ports.pool.acquire() as connection, connection.transaction():
            made = await invite.owner_link(connection, OPERATOR, url=URL, recover=False, now=now)
        assert made is not None
        return await self.join(made, address, now=now)

    async def invited(self, who: Principal, address: str, *roles: str, now: int = NOW) -> Invited:
        made = await invite.prepare(self.ports, who, address, roles, now=now)
        async with self.ports.pool.acquire() as connection, connection.transaction():
            await invite.keep(connection, self.ports, who, made, request=None, now=now)
        return made

    async def member(self, address: str, *roles: str, now: int = NOW) -> Member:
        return await self.join(await self.invited(OPERATOR, address, *roles, now=now), address, now=now)

    async def join(self, made: Invited, address: str, *, now: int = NOW, from_: From | None = None) -> Member:
        """Accept an invitation with a password and an authenticator app."""
        from_ = from_ or at()
        begun = await accept_invitation.accept(
            self.ports, made.link.partition("#")[2], email=address, name="Kim", password=PASSWORD, from_=from_, now=now
        )
        needs = await sign_in.enroll(self.ports, begun.id, begun.secret, method="totp", now=now)
        app = pyotp.TOTP(needs["secret"])
        done = await sign_in.confirm(
            self.ports, begun.id, begun.secret, method="totp", proof=app.generate_otp(now // 30), from_=from_, now=now
        )
        return Member(done.started.session.person, address, app, done, {now // 30})

    async def begin(
        self, address: str, password: str = PASSWORD, *, now: int, from_: From | None = None
    ) -> Begun:
        return await sign_in.begin(self.ports, address, password, from_=from_ or at(), now=now)

    async def sign_in(
        self, member: Member, *, now: int, from_: From | None = None, password: str = PASSWORD
    ) -> Finished:
        """Password and code."""
        begun = await self.begin(member.email, password, now=now, from_=from_)
        return await sign_in.prove(
            self.ports, begun.id, begun.secret, method="totp", proof=member.code(now), from_=from_ or at(), now=now
        )

    async def principal(self, member: Member, *, now: int, account: str = ACCOUNT) -> Principal:
        """``member`` as the authenticator would show her."""
        session = member.done.started.session
        async with self.ports.pool.acquire() as connection:
            row = await find.member(connection, Principal(account, False, "internal", "test"), member.id)
        assert row is not None
        roles = tuple(row.membership.roles)
        allowed = await self.ports.roles.permissions(account, roles)
        return Principal(
            account, False, "person", member.id, allowed, address="198.51.100.7", roles=roles, session=session.id,
            proved_at=now,
        )  # fmt: skip

    async def rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """What stands in the database, as its superuser sees it."""
        connection = await asyncpg.connect(**self.login)
        try:
            await connection.execute("set search_path = gateway")
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    async def audits(self, action: str) -> list[dict[str, Any]]:
        found = await self.rows("select * from audit where action = $1 order by id", action)
        return [{**dict(row), "detail": json.loads(row["detail"])} for row in found]

    async def mails(self, address: str) -> list[str]:
        """Subjects and texts of what was queued for an address, oldest first."""
        found = []
        for row in await self.rows("select id, sealed from mail where sealed is not null order by id"):
            letter = await unseal(self.box, row["id"], row["sealed"])
            if letter.to == address:
                found.append(f"{letter.subject}\n{letter.text}")
        return found

    async def link(self, address: str) -> str:
        """The secret of the newest link that was mailed to an address."""
        for text in reversed(await self.mails(address)):
            match = re.search(r"#([A-Za-z0-9_-]{43})", text)
            if match:
                return match[1]
        raise AssertionError(f"no link was mailed to {address}")

    def restarted(self) -> "Desk":
        """The same installation as a process sees it that has just started."""
        return replace(self, ports=replace(self.ports, witness=Witness(self.ports.pool)))


@asynccontextmanager
async def open_desk(database: Database, *, size: int = 12, breached: str | None = None) -> AsyncIterator[Desk]:
    login = database["gateway"]
    pool = await connect_pool(database=database.settings, user=login["user"], password=login["password"], size=size)
    await pool.executemany(
        "insert into account (id, created, name, country, default_currency, api_version)"
        " values ($1, 1, $2, 'US', 'usd', '2026-06-24.dahlia')",
        [(ACCOUNT, "Corner Shop"), (OTHER, "Other Shop")],
    )
    box = Box()

    async def changed(connection: Connection, change: Change) -> None:
        await factor_changed(ports, connection, change)

    factors = FactorsPorts(pool=pool, box=box, url=URL, changed=changed)
    passwords = Passwords(b"pepper" * 6, with_=CHEAP)
    ports = Ports(
        pool=pool, box=box, tokens=Tokens(SigningKeys(pool, box), issuer=URL), roles=Roles(pool),
        factors=Factors(factors), witness=Witness(pool), passwords=passwords, breached=Breached(breached), url=URL,
        access_s=900, poke=lambda: None, key=hashlib.sha256(b"people").digest(),
    )  # fmt: skip
    try:
        yield Desk(ports, box, database["superuser"])
    finally:
        passwords.close()
        await ports.witness.close()
        await pool.close()
