"""What the operator does about people at the machine: the same verbs, with the authority of whoever sits there."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lockgate.gateway.identity.roles import Roles
from lockgate.gateway.people import edit_person, find, invite
from lockgate.gateway.people import reset_factors as reset_factors_
from lockgate.gateway.people.invite import Invited
from lockgate.gateway.people.ports import Box, Office
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal

_MOST = 10_000
_PLATFORM = "platform"


class Desk(Protocol):
    """Storage and sealing, as the gateway's own role has them."""

    @property
    def pool(self) -> Pool: ...

    @property
    def box(self) -> Box: ...


class Listed(NamedTuple):
    """One line of a list of people."""

    id: str
    email: str
    roles: list[str]
    status: str


async def first_owner_link(desk: Desk, who: Principal, *, url: str) -> Invited | None:
    """A link for the first owner of an installation that has nobody; None where there is anybody."""
    if await find.anybody(desk.pool):
        return None
    return await owner_link(desk, who, url=url, recover=False)


async def owner_link(desk: Desk, who: Principal, *, url: str, recover: bool) -> Invited | None:
    """A link for an owner; None if there is one already and this is no recovery."""
    async with desk.pool.acquire() as connection, connection.transaction():
        return await invite.owner_link(connection, who, url=url, recover=recover, now=clock.now())


async def invite_member(desk: Desk, who: Principal, email: str, roles: Sequence[str], *, url: str) -> Invited:
    """An invitation, kept and sent."""
    office, now = _office(desk, url), clock.now()
    made = await invite.prepare(office, who, email, roles, now=now)
    async with desk.pool.acquire() as connection, connection.transaction():
        await invite.keep(connection, office, who, made, request=None, now=now)
    return made


async def people(desk: Desk, who: Principal) -> list[Listed]:
    """Everybody who belongs to an account."""
    rows = await find.members(desk.pool, who, Page(_MOST, None, None), role=None)
    listed = []
    for row in rows:
        own = row.membership
        opened = await desk.box.open(_PLATFORM, own.person, row.personal)
        status = own.status if row.status == "active" else "disabled"
        listed.append(Listed(own.person, opened.get("email", ""), list(own.roles), status))
    return listed


async def disable(desk: Desk, who: Principal, person: str, *, url: str) -> None:
    """Shut somebody out at once."""
    async with desk.pool.acquire() as connection, connection.transaction():
        await edit_person.disable(connection, _office(desk, url), who, person, request=None, now=clock.now())


async def enable(desk: Desk, who: Principal, person: str, *, url: str) -> None:
    """Let somebody in again."""
    async with desk.pool.acquire() as connection, connection.transaction():
        await edit_person.enable(connection, _office(desk, url), who, person, request=None, now=clock.now())


async def reset_factors(desk: Desk, who: Principal, person: str, *, url: str) -> None:
    """Take somebody's second factors away who has lost them all."""
    async with desk.pool.acquire() as connection, connection.transaction():
        await reset_factors_.reset_factors(connection, _office(desk, url), who, person, now=clock.now())


def _office(desk: Desk, url: str) -> Office:
    return Office(pool=desk.pool, box=desk.box, roles=Roles(desk.pool), url=url)
