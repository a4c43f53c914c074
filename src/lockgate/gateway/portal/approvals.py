"""What waits for somebody's agreement: one's own requests to confirm, and those of others to approve or refuse."""

import json
from typing import Any, NamedTuple

from lockgate.gateway.approvals import agree, find, render
from lockgate.gateway.approvals.behind import actor
from lockgate.gateway.approvals.core.records import ApprovalRow
from lockgate.gateway.factors import find as find_factors
from lockgate.gateway.pages.render import see_other
from lockgate.gateway.people.sessions import Visitor
from lockgate.gateway.portal.core.words import day_of
from lockgate.gateway.portal.ports import Ports
from lockgate.gateway.portal.show import SCRIPT, Desk, page, status_of
from lockgate.gateway.storage.paging import Page as Cursor
from lockgate.kernel.errors import Refusal, missing
from lockgate.kernel.operations import Answer, Page, Visit
from lockgate.kernel.principal import Principal

_ALL = "/account/approvals"
_ONE = _ALL + "/{account}/{mode}/{approval}"
_MOST = 50


class Waiting(NamedTuple):
    """One line of the list."""

    href: str
    summary: str
    account: str
    mode: str
    maker: str
    until: str


def pages(ports: Ports) -> list[Page]:
    """The list, and one approval with what its reader can do about it."""
    desk = Desk(ports)

    async def show(visit: Visit, visitor: Visitor) -> Answer:
        waiting = [
            Waiting(
                _ONE.format(account=row.account, mode=_mode(row), approval=row.id),
                row.summary,
                row.account,
                _mode(row),
                "you" if row.maker == actor(who) else row.maker,
                day_of(row.expires_at),
            )
            for who in await _principals(ports, visit, visitor)
            for row in await _waiting(ports, visit, who)
        ]
        return page(visit, "approvals", headers=visitor.headers, waiting=waiting)

    async def one(visit: Visit, visitor: Visitor) -> Answer:
        return await _one(ports, visit, visitor)

    async def agreed(visit: Visit, visitor: Visitor) -> Answer:
        who, row = await _found(ports, visit, visitor)
        given, request = visit.fields, visit.request_id
        try:
            await ports.oauth.addresses.check_endpoint(
                who, "approval.approve", resource="approvals", request=request
            )
            if given.get("decision") == "refuse":
                step = await agree.refuse(ports.approvals, who, row.id, request=request)
            else:
                does = agree.prove if row.maker == actor(who) else agree.approve
                step = await does(
                    ports.approvals, who, row.id, method=given.get("method", ""), proof=given.get("proof", ""),
                    request=request,
                )  # fmt: skip
            await agree.take(ports.approvals, step)
        except Refusal as refusal:
            return await _one(ports, visit, visitor, refusal=refusal)
        return see_other(_ONE.format(**visit.path), headers=visitor.headers)

    return [desk.shows_own(_ALL, show), desk.shows_own(_ONE, one), desk.takes_own(_ONE, agreed, limit="login")]


async def _principals(ports: Ports, visit: Visit, visitor: Visitor) -> list[Principal]:
    """Who the visitor is in each of her accounts and modes, with what she may do there."""
    found = []
    for account, roles in visitor.roles.items():
        allowed = await ports.people.roles.permissions(account, roles)
        found += [
            Principal(
                account, livemode, "person", visitor.person, allowed, visit.address, visit.user_agent, roles=roles,
                session=visitor.session.id, proved_at=visitor.session.proved_at,
            )
            for livemode in (True, False)
        ]  # fmt: skip
    return found


async def _waiting(ports: Ports, visit: Visit, who: Principal) -> list[ApprovalRow]:
    mine = None if who.may("approvals", "read") else actor(who)
    return await find.approvals(
        ports.approvals.pool, who, Cursor(_MOST, None, None), status="pending", maker=mine, now=visit.now
    )


async def _found(ports: Ports, visit: Visit, visitor: Visitor) -> tuple[Principal, ApprovalRow]:
    """The approval that the path names, for whoever may see it."""
    for who in await _principals(ports, visit, visitor):
        if (who.account, "live" if who.livemode else "test") == (visit.path["account"], visit.path["mode"]):
            row = await find.approval(ports.approvals.pool, who, visit.path["approval"])
            if row is not None and agree.sees(who, row):
                return who, row
    raise missing("approval", visit.path["approval"])


async def _one(ports: Ports, visit: Visit, visitor: Visitor, *, refusal: Refusal | None = None) -> Answer:
    who, row = await _found(ports, visit, visitor)
    shown = await render.approval(ports.approvals.box, row, now=visit.now)
    can = _can(who, row) if shown["status"] == "pending" else None
    methods = [kind for kind in await find_factors.kinds(ports.factors.pool, who.id) if kind != "recovery_code"]
    options = None
    if can in ("prove", "approve") and "passkey" in methods:
        options = json.dumps(await agree.challenge(ports.approvals, who, row))
    return page(
        visit,
        "approval",
        status=200 if refusal is None else status_of(refusal),
        headers=visitor.headers,
        script=SCRIPT,
        error=None if refusal is None else refusal.message,
        shown=shown,
        account=row.account,
        params=list(_flat(shown["params"])),
        mode=_mode(row),
        maker="you" if row.maker == actor(who) else row.maker,
        until=day_of(row.expires_at),
        can=can,
        may_refuse=can == "approve" or (can is not None and row.maker_person == who.id),
        action=_ONE.format(**visit.path),
        methods=methods,
        options=options,
    )


def _can(who: Principal, row: ApprovalRow) -> str | None:
    """What ``who`` can do about it: prove what is her own, approve what is another's, or only take hers back."""
    if row.maker == actor(who):
        return "prove" if row.needs_proof and row.proved_at is None else "refuse"
    if row.needs_second and row.decision is None and who.may("approvals", "write"):
        return "refuse" if row.maker_person == who.id else "approve"
    return None


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Parameters line by line, by their names in requests."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{name}[{key}]" if name else key)]
    if isinstance(value, list):
        return [pair for place, inner in enumerate(value) for pair in _flat(inner, f"{name}[{place}]")]
    return [(name, str(value).lower() if isinstance(value, bool) else str(value))]


def _mode(row: ApprovalRow) -> str:
    return "live" if row.livemode else "test"
