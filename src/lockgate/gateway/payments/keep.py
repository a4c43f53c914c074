"""From rows to records and back: the only place that opens and seals the personal fields of intents and charges."""

import json
from typing import Any

from lockgate.gateway.customers.core.shapes import NO_BILLING_DETAILS
from lockgate.gateway.customers.ports import Box
from lockgate.gateway.payments.core.records import Charge, Intent, Method, dumps
from lockgate.gateway.payments.core.search import CHARGES, POSTAL_CODE
from lockgate.gateway.payments.find import Found
from lockgate.gateway.storage.rows import ChargeRow, PaymentIntentRow, PaymentMethodRow
from lockgate.gateway.storage.search import keyed_hash


async def open_intent(row: PaymentIntentRow, box: Box) -> Intent:
    """The intent in ``row``."""
    return Intent(row, json.loads(row.data), await _open(row, box))


async def open_charge(row: ChargeRow, box: Box) -> Charge:
    """The charge in ``row``."""
    data = json.loads(row.data)
    data.pop("index", None)
    return Charge(row, data, await _open(row, box))


async def open_method(
    row: PaymentMethodRow, box: Box, *, fresh: bool = False, found: Found | None = None
) -> Method:
    """The payment method in ``row``; ``found`` is what else is known of the payment that it is for."""
    personal = await _open(row, box)
    details = personal.get("billing_details", NO_BILLING_DETAILS)
    payer, tries = (found.payer, found.tries) if found else (None, 0)
    return Method(row, json.loads(row.data), details, fresh, personal.get("made_from"), payer, tries)


async def intent_row(intent: Intent, box: Box) -> PaymentIntentRow:
    """``intent`` as it is written."""
    row = intent.row._replace(data=dumps(intent.data))
    return row._replace(personal=await _seal(row, box, intent.personal)) if intent.unsealed else row


async def charge_row(charge: Charge, box: Box) -> ChargeRow:
    """``charge`` as it is written, with the keyed hashes by which it is searched."""
    row = charge.row._replace(data=dumps({**charge.data, **await _index(charge, box)}))
    return row._replace(personal=await _seal(row, box, charge.personal)) if charge.unsealed else row


async def _index(charge: Charge, box: Box) -> dict[str, Any]:
    postal_code = ((charge.personal.get("billing_details") or {}).get("address") or {}).get("postal_code")
    if not postal_code:
        return {}
    account = charge.row.account
    hash_ = await keyed_hash(box, account, table=CHARGES.table, path=POSTAL_CODE, value=postal_code)
    return {"index": {"postal_code": hash_}}


async def _open(row: PaymentIntentRow | ChargeRow | PaymentMethodRow, box: Box) -> dict[str, Any]:
    return dict(await box.open(row.account, row.subject, row.personal) or {}) if row.personal else {}


async def _seal(row: PaymentIntentRow | ChargeRow, box: Box, personal: Any) -> bytes | None:
    return await box.seal(row.account, row.subject, dict(personal)) if personal else None
