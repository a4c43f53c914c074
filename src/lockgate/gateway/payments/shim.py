"""What requests and events of old API versions still hold: an intent's charges and a charge's refunds, as lists."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.payments import find, find_refunds, render
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import refunds
from lockgate.gateway.payments.core.shapes import CHARGE, CHARGES_UNTIL, PAYMENT_INTENT, PAYMENT_INTENT_WITH_CHARGES
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.events import Happening
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Call
from lockgate.kernel.principal import Principal

_Objects = Sequence[Mapping[str, Any]]
REFUNDS_SHOWN = 10


def is_old(version: str) -> bool:
    """Whether ``version`` still shows these lists."""
    return version[:10] < CHARGES_UNTIL


async def for_version(ports: Ports, call: Call, shown: Mapping[str, Any], fresh: _Objects = ()) -> dict[str, Any]:
    """``shown``, an intent, as ``call``'s version has it. ``fresh`` may hold charges that are not written yet."""
    if not is_old(call.api_version):
        return dict(shown)
    return {**shown, "charges": await charges_of(ports, call.principal, str(shown["id"]), fresh)}


async def charge_for_version(
    ports: Ports, call: Call, charge: Mapping[str, Any], fresh: _Objects = ()
) -> dict[str, Any]:
    """The same for a charge; ``fresh`` may hold refunds."""
    if not is_old(call.api_version):
        return dict(charge)
    return (await _with_refunds(ports, call.principal, [charge], fresh))[0]


async def charges_for_version(ports: Ports, call: Call, charges: _Objects) -> list[dict[str, Any]]:
    """The same for a page of charges."""
    if not is_old(call.api_version):
        return [dict(charge) for charge in charges]
    return await _with_refunds(ports, call.principal, charges, ())


async def refusal_for_version(ports: Ports, call: Call, refused: Refusal, fresh: _Objects = ()) -> Refusal:
    """``refused`` with the intent that it embeds as ``call``'s version has it."""
    embedded = (refused.embed or {}).get("payment_intent")
    if embedded and is_old(call.api_version) and call.principal.sees_secrets:
        refused.embed = {
            **(refused.embed or {}), "payment_intent": await for_version(ports, call, embedded, fresh)
        }
    return refused


async def for_events(
    ports: Ports, cause: Cause, happenings: Sequence[Happening], fresh: _Objects
) -> list[Happening]:
    """``happenings`` as events of the version that they are announced in."""
    if not is_old(cause.origin.api_version):
        return list(happenings)
    old = []
    for happening in happenings:
        shown = happening.rendered
        if happening.shape is PAYMENT_INTENT:
            charges = await charges_of(ports, cause.principal, str(shown["id"]), fresh)
            whole = {**shown, "charges": charges}
            old.append(happening._replace(shape=PAYMENT_INTENT_WITH_CHARGES, rendered=whole))
        elif happening.shape is CHARGE:
            (whole,) = await _with_refunds(ports, cause.principal, [shown], fresh)
            old.append(happening._replace(rendered=whole))
        else:
            old.append(happening)
    return old


async def refunds_of(ports: Ports, principal: Principal, charges: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The newest refunds of each charge, as a list object."""
    rows = await find_refunds.of_charges(ports.pool, principal, charges, limit=REFUNDS_SHOWN + 1)
    found: dict[str, list[dict[str, Any]]] = {id_: [] for id_ in charges}
    for row in rows:
        found[row.charge].append(refunds.render(row))
    return {id_: _listed(shown[:REFUNDS_SHOWN], id_, has_more=len(shown) > REFUNDS_SHOWN)
            for id_, shown in found.items()}  # fmt: skip


async def charges_of(ports: Ports, principal: Principal, intent: str, fresh: _Objects) -> dict[str, Any]:
    """Every charge of an intent, newest first."""
    rows = await find.charges_of(ports.pool, principal, intent)
    charges = {row.id: await render.charge(row, ports.box) for row in rows}
    charges |= {item["id"]: dict(item) for item in fresh if item["object"] == "charge"}
    newest_first = sorted(charges.values(), key=lambda charge: charge["id"], reverse=True)
    return {
        "object": "list",
        "data": await _with_refunds(ports, principal, newest_first, fresh),
        "has_more": False,
        "total_count": len(newest_first),
        "url": f"/v1/charges?payment_intent={intent}",
    }


async def _with_refunds(ports: Ports, principal: Principal, charges: _Objects, fresh: _Objects) -> list[dict[str, Any]]:
    refunded = [str(charge["id"]) for charge in charges]
    written = await refunds_of(ports, principal, refunded) if refunded else {}
    shown = []
    for charge in charges:
        id_ = charge["id"]
        new = [item for item in fresh if item["object"] == "refund" and item["charge"] == id_]
        known = {item["id"] for item in new}
        older = [item for item in written[id_]["data"] if item["id"] not in known]
        shown.append({**charge, "refunds": _listed([*new, *older], id_, has_more=written[id_]["has_more"])})
    return shown


def _listed(data: list[Any], charge: str, *, has_more: bool) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": has_more, "url": f"/v1/charges/{charge}/refunds"}
