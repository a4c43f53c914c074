"""Has the issuer look at a card that is about to be kept: a card that it declines is attached to nobody."""

import json
from contextlib import suppress

from lockgate.gateway.customers.core.attach import without_code
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.rows import Commit, PaymentMethodRow
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Call


async def verified(
    ports: Ports, call: Call, row: PaymentMethodRow, *, found: PaymentMethodRow | None
) -> PaymentMethodRow:
    """``row`` with what the issuer checked; ``found`` is the same card as it is saved, None for a new one.

    One that was set up before was verified then.
    """
    if json.loads(row.data).get("consent"):
        return row
    try:
        return await ports.verify(call, row)
    except Refusal as refused:
        if refused.kind is Kind.CARD and found is not None:
            await _forget_code(ports, found)
        raise


async def _forget_code(ports: Ports, found: PaymentMethodRow) -> None:
    if not json.loads(found.data)["card"].get("has_cvc"):
        return
    with suppress(Moved):  # whoever changed it meanwhile finds out for himself that the code is gone
        await ports.committer.commit(Commit(payment_methods=[without_code(found)]))
