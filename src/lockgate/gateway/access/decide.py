"""Decides one item of a review, and does what was decided: the room that gave the access takes it away."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate.gateway.access import find, render, store
from lockgate.gateway.access.core.holders import Holder, ItemRow
from lockgate.gateway.access.holders import holders, people
from lockgate.gateway.access.ports import Ports, Way
from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.core.permissions import beyond, from_stored
from lockgate.gateway.identity.core.strength import words
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Access, Principal


async def decide(ports: Ports, call: Call) -> Answer:
    """The item, decided. Access that ended by itself meanwhile is ``gone``, whatever was to be done."""
    who, now = call.principal, clock.now()
    found = await find.review(ports.pool, who.account, call.path["review"])
    item = await find.item(ports.pool, who.account, found.row.id, call.path["item"])
    if found.row.completed_at is not None or item.decision is not None:
        raise _decided()
    _check_mode(who, item)
    everybody = await holders(ports.pool, ports.box, who.account, now=now)
    holder = next((one for one in everybody if (one.kind, one.id) == (item.kind, item.holder)), None)
    decision = call.params["decision"]
    if holder is None:
        decision = "gone"
    elif decision == "attest":
        _check_not_own(who, item, everybody)
        await _check_unchanged(ports, call, item, holder)
    else:
        await _act(ports, call, item, holder)
    after = item._replace(decision=decision, decided_by=f"{who.kind}:{who.id}", decided_at=now)

    async def work(connection: Connection) -> None:
        if not await store.decide_item(connection, after):
            raise _decided()
        detail = {
            "review": item.review, "type": item.kind, "holder": item.holder, "roles": list(item.roles),
            "permissions": json.loads(item.permissions),
        }  # fmt: skip
        if decision == "reduce":
            detail["given"] = _reduction(call)
        await insert_audits(
            connection,
            [record(who, f"access_review.{decision}", object_=item.id, request=call.request_id, detail=detail)],
        )

    label = await label_of(ports, who.account, item)
    return await transact(ports.pool, call, rendered=render.item(after, label=label), work=work)


async def label_of(ports: Ports, account: str, item: ItemRow) -> str | None:
    """A person's address, as long as there is the person."""
    if item.kind != "person":
        return None
    return next((one.label for one in await people(ports.pool, ports.box, account) if one.id == item.holder), None)


def _decided() -> Refusal:
    return Refusal(
        Kind.INVALID, "This item was decided before, and what was decided stays on record.", code="item_decided"
    )


def _check_mode(who: Principal, item: ItemRow) -> None:
    """A key of one mode decides nothing about the other."""
    if who.kind != "person" and item.livemode not in (None, who.livemode):
        raise Refusal(Kind.FORBIDDEN, "This key belongs to the other mode.", code="livemode_mismatch")


def _check_not_own(who: Principal, item: ItemRow, everybody: list[Holder]) -> None:
    """Nobody vouches for themselves, unless there is nobody else who could."""
    if (item.kind, item.holder) != ("person", who.id):
        return
    others = [
        one
        for one in everybody
        if one.kind == "person" and one.id != who.id and one.permissions.get("access_reviews") == "write"
    ]
    if others:
        raise Refusal(
            Kind.FORBIDDEN, "Somebody else has to attest your own access.", code="own_access", param="decision"
        )


async def _check_unchanged(ports: Ports, call: Call, item: ItemRow, holder: Holder) -> None:
    """What is attested is what was shown. An item whose access has changed meanwhile is shown anew instead."""
    granted = {name: access for name, access in holder.permissions.items() if access != "none"}
    if granted == json.loads(item.permissions) and list(holder.roles) == list(item.roles):
        return
    permissions = json.dumps(granted, separators=(",", ":"), sort_keys=True)
    await store.show_anew(ports.pool, item._replace(permissions=permissions, roles=list(holder.roles)))
    raise Refusal(
        Kind.CONFLICT, "This access has changed since the review began: look at the item again.", code="access_changed"
    )


async def _act(ports: Ports, call: Call, item: ItemRow, holder: Holder) -> None:
    """Call the operation that takes the access away, as whoever decides: it needs that operation's permission too."""
    decision = call.params["decision"]
    way = (ports.reduce if decision == "reduce" else ports.remove).get(item.kind)
    if way is None:
        raise invalid("This cannot be reduced, only attested or removed.", param="decision", code="cannot_reduce")
    params: dict[str, Any] = {}
    if decision == "reduce":
        params = _reduction(call)
        await _check_less(ports, call, params, holder)
    who = call.principal
    operation = way.operation
    if not who.may(operation.resource, operation.access):
        raise Refusal(
            Kind.FORBIDDEN, f"To do this you need the permission {operation.resource}={operation.access} as well."
        )
    await operation.handler(_derived(call, way, item, params))


def _derived(call: Call, way: Way, item: ItemRow, params: dict[str, Any]) -> Call:
    livemode = call.principal.livemode if item.livemode is None else item.livemode
    return replace(
        call,
        operation=way.operation,
        principal=replace(call.principal, livemode=livemode),
        path={way.path: item.holder},
        params=params,
        expand=(),
        claim=None,
    )


def _reduction(call: Call) -> dict[str, Any]:
    given = {name: call.params[name] for name in ("permissions", "roles") if name in call.params}
    if len(given) != 1:
        raise invalid("To reduce, send either permissions or roles.", param="permissions")
    return given


async def _check_less(ports: Ports, call: Call, params: Mapping[str, Any], holder: Holder) -> None:
    """A review only takes away."""
    if ("roles" in params) != (holder.kind == "person"):
        raise invalid("A person has roles; everything else has permissions.", param=next(iter(params)))
    before = from_stored(dict(holder.permissions))
    if "roles" in params:
        after = await ports.roles.permissions(call.principal.account, params["roles"])
    else:
        changed: dict[str, Access] = {**before, **params["permissions"]}
        after = changed
    gained = beyond(after, before)
    if gained:
        raise invalid(f"A review only takes away, and this adds {words(gained)}.", param=next(iter(params)))
