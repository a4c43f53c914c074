"""What the tests of the audit room do again and again: write records, seal them, sign, and look for faults."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg

from lockgate.gateway.audit import checkpoint
from lockgate.gateway.audit.find_seals import CheckpointRow
from lockgate.gateway.audit.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.audit.seal import Sealer
from lockgate.gateway.audit.verify import Checked, Known, verify
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.principal import Principal
from tests.support.cluster import Database
from tests.vault.running import House

ACCOUNT = "acct_shop"
ORIGIN = "lockgate/acct_shop"


def told(number: int, *, account: str = ACCOUNT, livemode: bool = False, **more: Any) -> AuditRow:
    """One record that fills every column."""
    who = Principal(account, livemode, "secret", "key_1", address="192.0.2.7")
    row = record(
        who, "payment_intent.capture", object_=f"pi_{number}", request=f"req_{number}", detail={"amount": number}
    )
    return row._replace(personal=b"sealed" + str(number).encode(), **more)


@dataclass
class Room:
    """One log and those who work on it."""

    ports: Ports
    house: House
    vandal: asyncpg.Connection
    database: Database

    @property
    def sealer(self) -> Sealer:
        """A fresh one each time: it remembers nothing."""
        return Sealer(self.ports.sealing)

    def writing_to(self, directory: Path) -> Ports:
        return replace(self.ports, policy=replace(self.ports.policy, checkpoint_dir=directory))

    async def write(self, count: int, **more: Any) -> list[AuditRow]:
        """``count`` records, each in a transaction of its own."""
        rows = [told(number, **more) for number in range(count)]
        for row in rows:
            await insert_audits(self.ports.pool, [row])
        return rows

    async def seal(self) -> int:
        done = 0
        sealer = self.sealer
        while portion := await sealer.portion():
            done += portion
        return done

    async def sign(self) -> CheckpointRow:
        made = await checkpoint.make(self.ports)
        assert made is not None
        return made

    async def filled(self, *portions: int) -> list[CheckpointRow]:
        """Records written, sealed and signed, portion by portion."""
        made = []
        for count in portions:
            await self.write(count)
            assert await self.seal() >= count
            made.append(await self.sign())
        return made

    async def key(self) -> str:
        return (await self.house.worker.checkpoint_key(ORIGIN))["key"]

    async def check(self, kept: Iterable[tuple[str, str]] = (), *, vault: bool = True) -> Checked:
        said = await self.house.worker.checkpoint_key(ORIGIN)
        return await verify(
            self.ports.sealing, Known(said["key"], said["last"] if vault else None, list(kept))
        )

    async def kinds(self, kept: Iterable[tuple[str, str]] = (), *, vault: bool = True) -> set[str]:
        return {fault.kind for fault in (await self.check(kept, vault=vault)).faults}
