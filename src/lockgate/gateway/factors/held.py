"""The factors that a person has, by the names she gave them; adding further ones is their rooms', removing is here."""

from dataclasses import dataclass
from typing import Literal

from lockgate.gateway.factors import find, store
from lockgate.gateway.factors.ports import NOWHERE, SEALED_FOR, Change, Ports, Whence
from lockgate.kernel.errors import invalid, missing


@dataclass(frozen=True, slots=True)
class Held:
    """One factor as its owner sees it. ``synced``: the passkey is kept by a provider and is on all her devices."""

    id: str
    kind: Literal["totp", "passkey"]
    name: str
    created: int
    last_used_at: int | None
    synced: bool = False


async def factors(ports: Ports, person: str) -> list[Held]:
    """All of them, oldest first."""
    found = []
    for row in await find.totps(ports.pool, person):
        found.append(
            Held(row.id, "totp", await _name(ports, person, row.sealed), row.created, row.last_used_at)
        )
    for key in await find.passkeys(ports.pool, person):
        name = await _name(ports, person, key.sealed)
        found.append(Held(key.id, "passkey", name, key.created, key.last_used_at, key.backed_up))
    return sorted(found, key=lambda held: (held.created, held.id))


async def remove(ports: Ports, person: str, id_: str, *, now: int, whence: Whence = NOWHERE) -> str:
    """Remove one factor and answer its kind. The last one stays: nobody may be left with a password alone."""
    async with ports.pool.acquire() as connection, connection.transaction():
        await store.lock(connection, person)
        kind = await store.remove(connection, person, id_)
        if kind is None:
            raise missing("factor", id_)
        if not await find.totps(connection, person) and not await find.passkeys(connection, person):
            raise invalid("This is your only second factor: add another before you remove it.", code="last_factor")
        happened = "totp.remove" if kind == "totp" else "passkey.remove"
        await ports.changed(connection, Change(person, happened, now, id_, whence))
    return kind


async def _name(ports: Ports, person: str, sealed: bytes) -> str:
    return (await ports.box.open(SEALED_FOR, person, sealed)).get("name", "")
