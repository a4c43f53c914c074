"""The owners of an account, and where to write to them: whoever must be told when nobody was named for it."""

from dataclasses import dataclass

from lockgate.gateway.people import find
from lockgate.gateway.people.ports import Box
from lockgate.gateway.storage.database import Connection

_PLATFORM = "platform"
_NOBODYS = "-"


@dataclass(frozen=True, slots=True)
class Owners:
    """Looked up anew each time: whoever is no owner any more is told nothing more."""

    box: Box

    async def of(self, connection: Connection, account: str) -> list[str]:
        """The owners of ``account``; what is no account's is the first one's, whoever set the installation up."""
        asked = await find.first_account(connection) if account == _NOBODYS else account
        return [] if asked is None else await find.owners(connection, asked)

    async def email(self, connection: Connection, account: str, person: str) -> str | None:
        """The address of ``person``; None for who is no owner now, or was erased."""
        if person not in await self.of(connection, account):
            return None
        row = await find.person(connection, person)
        opened = await self.box.open(_PLATFORM, person, row.personal) if row is not None else {}
        return opened.get("email") or None
