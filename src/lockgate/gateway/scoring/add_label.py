"""Takes a merchant's word on a payment: fraud or honest, and since when that is known."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.scoring import find, store
from lockgate.gateway.scoring.core.shapes import RISK_LABEL
from lockgate.gateway.scoring.labels import label
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.write import transact
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.operations import Answer, Call


async def add_label(pool: Pool, call: Call) -> Answer:
    """The answer to POST /v1/risk/labels. The word that was known last is believed, however late it is told."""
    who, given = call.principal, call.params
    charge, fraud, known_at = given["charge"], given["fraud"], given.get("known_at", call.now)
    judged_ms = await find.charge_judged_ms(pool, who.account, who.livemode, charge)
    if judged_ms is None:
        raise missing("charge", charge, param="charge")
    if not judged_ms // 1000 <= known_at <= call.now:
        raise invalid("Nothing is known before the payment was made, nor in the future.", param="known_at")
    row = label(
        who.account, who.livemode, fraud=fraud, source="import", now=call.now, known_ms=known_at * 1000, charge=charge
    )

    async def work(connection: Connection) -> None:
        await store.insert_label(connection, row)
        told = {"charge": charge, "fraud": fraud, "known_at": known_at}
        line = record(who, "risk_label.create", object_=row.id, request=call.request_id, detail=told)
        await insert_audits(connection, [line])

    shown = {
        "id": row.id, "charge": charge, "created": call.now, "fraud": fraud, "known_at": known_at,
        "livemode": who.livemode,
    }  # fmt: skip
    return await transact(pool, call, rendered=RISK_LABEL.render(shown), work=work)
