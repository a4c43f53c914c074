"""What requests of old API versions still expect of a payment intent: its charges, embedded as a list."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.payments import find, render
from lockgate.gateway.payments.ports import Ports
from lockgate.kernel.operations import Call

CHARGES_UNTIL = "2022-11-15"


async def for_version(
    ports: Ports, call: Call, shown: Mapping[str, Any], fresh: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """``shown`` as ``call``'s version has it. ``fresh`` may hold charges that are not written yet."""
    if call.api_version[:10] >= CHARGES_UNTIL:
        return dict(shown)
    charges = {row.id: await render.charge(row, ports.box) for row in await find.charges_of(
        ports.pool, call.principal, shown["id"]
    )}  # fmt: skip
    charges |= {item["id"]: dict(item) for item in fresh if item["object"] == "charge"}
    listed = {
        "object": "list",
        "data": sorted(charges.values(), key=lambda charge: charge["id"], reverse=True),
        "has_more": False,
        "url": f"/v1/charges?payment_intent={shown['id']}",
    }
    return {**shown, "charges": listed}
