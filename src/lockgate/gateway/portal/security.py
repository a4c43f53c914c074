"""One's own account: password, second factors, sessions, and the apps that were let in."""

from typing import NamedTuple

from lockgate.gateway.factors import find as find_factors
from lockgate.gateway.factors import held
from lockgate.gateway.oauth import end_grant, find_grants
from lockgate.gateway.pages import csrf, render
from lockgate.gateway.people import change_password, end_sessions, find_sessions, sign_in
from lockgate.gateway.people.sessions import IDLE_S, Visitor
from lockgate.gateway.portal.core import onward
from lockgate.gateway.portal.core.words import browser_of, day_of
from lockgate.gateway.portal.ports import Ports
from lockgate.gateway.portal.show import Desk, page, principal, status_of
from lockgate.gateway.storage.paging import Page as Cursor
from lockgate.kernel.errors import Refusal, invalid
from lockgate.kernel.operations import Answer, Page, Visit
from lockgate.kernel.principal import Principal

_MOST_SESSIONS = 50
_PLATFORM = "platform"
_DONE = {
    "password": "Your password is changed. Everybody else was signed out.",
    "factor": "Your factors are changed. Everybody else was signed out.",
    "session": "That session has ended.",
    "app": "The app has no access any more.",
}


class Session(NamedTuple):
    """A session as its person sees it."""

    id: str
    browser: str
    address: str
    since: str
    last_seen: str
    current: bool


class App(NamedTuple):
    """What an app may do, and in which account."""

    id: str
    account: str
    livemode: bool
    name: str
    scope: str
    since: str


def pages(ports: Ports) -> list[Page]:
    """The page itself, and the forms on it that change no factor."""
    desk = Desk(ports)

    async def show(visit: Visit, visitor: Visitor) -> Answer:
        return await _show(ports, visit, visitor)

    async def password(visit: Visit, visitor: Visitor) -> Answer:
        who = principal(visit, visitor)
        given = visit.fields
        try:
            started = await change_password.change_password(
                ports.people, who, current=given.get("current_password", ""), password=given.get("password", ""),
                request=visit.request_id, now=visit.now,
            )  # fmt: skip
        except Refusal as refusal:
            return await _show(ports, visit, visitor, refusal=refusal)
        headers = (*started.cookies, *csrf.fresh().headers)
        return render.see_other(f"{onward.HOME}?done=password", headers=headers)

    async def end_session(visit: Visit, visitor: Visitor) -> Answer:
        who, chosen = principal(visit, visitor), visit.fields.get("session", "")
        async with ports.people.pool.acquire() as connection, connection.transaction():
            if chosen == "others":
                await end_sessions.mine(connection, who, but_this=True, request=visit.request_id, now=visit.now)
            else:
                await end_sessions.one_of_mine(connection, who, chosen, request=visit.request_id, now=visit.now)
        return render.see_other(f"{onward.HOME}?done=session", headers=visitor.headers)

    async def end_app(visit: Visit, visitor: Visitor) -> Answer:
        account, _, id_ = visit.fields.get("app", "").partition(" ")
        mode, _, id_ = id_.partition(" ")
        if account not in visitor.roles:
            raise invalid("This app is not in one of your accounts.", param="app")
        who = Principal(
            account, mode == "live", "person", visitor.person, address=visit.address, user_agent=visit.user_agent,
            session=visitor.session.id,
        )  # fmt: skip
        await end_grant.end_own(ports.oauth, who, id_, request=visit.request_id, now=visit.now)
        return render.see_other(f"{onward.HOME}?done=app", headers=visitor.headers)

    return [
        desk.shows_own(onward.HOME, show),
        desk.takes_own("/account/password", password, fresh=True, limit="login"),
        desk.takes_own("/account/sessions", end_session),
        desk.takes_own("/account/apps", end_app),
    ]


async def _show(ports: Ports, visit: Visit, visitor: Visitor, *, refusal: Refusal | None = None) -> Answer:
    person = visitor.person
    known = await sign_in.personal_of(ports.people, person)
    return page(
        visit,
        "security",
        status=200 if refusal is None else status_of(refusal),
        headers=visitor.headers,
        error=None if refusal is None else refusal.message,
        done=_DONE.get(visit.fields.get("done", "")),
        email=known.get("email", ""),
        name=known.get("name") or "",
        factors=[
            (factor, day_of(factor.created), day_of(factor.last_used_at))
            for factor in await held.factors(ports.factors, person)
        ],
        codes=await find_factors.unused_recovery_codes(ports.factors.pool, person),
        sessions=await _sessions(ports, visit, visitor),
        apps=await _apps(ports, visitor),
    )


async def _sessions(ports: Ports, visit: Visit, visitor: Visitor) -> list[Session]:
    rows = await find_sessions.sessions(
        ports.people.pool, visitor.person, Cursor(_MOST_SESSIONS, None, None), now=visit.now,
        idle_since=visit.now - IDLE_S,
    )  # fmt: skip
    found = []
    for row in rows[:_MOST_SESSIONS]:
        opened = await ports.people.box.open(_PLATFORM, visitor.person, row.personal)
        found.append(
            Session(
                row.id,
                browser_of(str(opened.get("user_agent") or "")),
                str(opened.get("address") or ""),
                day_of(row.began_at),
                day_of(row.last_seen_at),
                row.id == visitor.session.id,
            )
        )
    return found


async def _apps(ports: Ports, visitor: Visitor) -> list[App]:
    grants = await find_grants.grants_of_person(ports.people.pool, visitor.person, accounts=list(visitor.roles))
    return [
        App(
            grant.row.id,
            grant.row.account,
            grant.row.livemode,
            grant.app_name,
            grant.row.scope.replace(" ", ", "),
            day_of(grant.row.created),
        )
        for grant in grants
    ]
