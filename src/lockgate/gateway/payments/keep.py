"""From rows to records and back: the only place that opens and seals the personal fields of intents and charges."""

import json
from typing import Any

from lockgate.gateway.customers.core.shapes import NO_BILLING_DETAILS
from lockgate.gateway.customers.ports import Box
from lockgate.gateway.payments.core.records import Charge, Intent, Method, dumps
from lockgate.gateway.storage.rows import ChargeRow, PaymentIntentRow, PaymentMethodRow


async def open_intent(row: PaymentIntentRow, box: Box) -> Intent:
    """The intent in ``row``."""
    return Intent(row, json.loads(row.data), await _open(row, box))


async def open_charge(row: ChargeRow, box: Box) -> Charge:
    """The charge in ``row``."""
    return Charge(row, json.loads(row.data), await _open(row, box))


async def open_method(row: PaymentMethodRow, box: Box, *, fresh: bool = False) -> Method:
    """The payment method in ``row``."""
    personal = await _open(row, box)
    return Method(row, json.loads(row.data), personal.get("billing_details", NO_BILLING_DETAILS), fresh)


async def intent_row(intent: Intent, box: Box) -> PaymentIntentRow:
    """``intent`` as it is written."""
    row = intent.row._replace(data=dumps(intent.data))
    return row._replace(personal=await _seal(row, box, intent.personal)) if intent.unsealed else row


async def charge_row(charge: Charge, box: Box) -> ChargeRow:
    """``charge`` as it is written."""
    row = charge.row._replace(data=dumps(charge.data))
    return row._replace(personal=await _seal(row, box, charge.personal)) if charge.unsealed else row


async def _open(row: PaymentIntentRow | ChargeRow | PaymentMethodRow, box: Box) -> dict[str, Any]:
    return dict(await box.open(row.account, row.subject, row.personal) or {}) if row.personal else {}


async def _seal(row: PaymentIntentRow | ChargeRow, box: Box, personal: Any) -> bytes | None:
    return await box.seal(row.account, row.subject, dict(personal)) if personal else None
