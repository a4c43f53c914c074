"""The factors room over a real database, with a box whose keys are in memory and an ear for what is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pyotp

from lockgate.gateway.factors import passkeys, totp
from lockgate.gateway.factors.ports import Change, Ports
from lockgate.gateway.storage.database import Connection, connect_pool
from tests.gateway.customers.desk import MemoryBox
from tests.gateway.factors.authenticator import Authenticator
from tests.support.cluster import Database

URL = "https://pay.example:8443"
NOW = 1_790_000_010
ANNA, BEN = "per_anna", "per_ben"


@dataclass
class Desk:
    """``changes`` is what people were told."""

    ports: Ports
    changes: list[Change]

    @property
    def happened(self) -> list[str]:
        return [change.happened for change in self.changes]

    async def app(self, person: str = ANNA, *, now: int = NOW) -> pyotp.TOTP:
        """An app that was enrolled, its first code used a minute ago."""
        begun = await totp.begin(self.ports, person, email="anna@shop.example", name="Phone", now=now)
        app = pyotp.TOTP(begun.secret)
        await totp.confirm(self.ports, person, code(app, now - 60), now=now - 60)
        return app

    async def passkey(self, person: str = ANNA, **how: object) -> Authenticator:
        """A passkey that was registered."""
        device = Authenticator(URL, "pay.example")
        options = await passkeys.begin_registration(self.ports, person, email="anna@shop.example", now=NOW)
        await passkeys.finish_registration(self.ports, person, device.register(options), name="Key", now=NOW)
        return device


def code(app: pyotp.TOTP, at: int) -> str:
    """What the app shows at a second."""
    return app.generate_otp(at // 30)


@asynccontextmanager
async def open_desk(database: Database) -> AsyncIterator[Desk]:
    login = database["gateway"]
    pool = await connect_pool(
        database=database.settings, user=login["user"], password=login["password"], size=8
    )
    changes: list[Change] = []

    async def changed(_connection: Connection, change: Change) -> None:
        changes.append(change)

    try:
        yield Desk(Ports(pool=pool, box=MemoryBox(), url=URL, changed=changed), changes)
    finally:
        await pool.close()
