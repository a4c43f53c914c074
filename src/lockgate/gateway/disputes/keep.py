"""From rows to disputes and back: the only place that opens and seals evidence."""

import json

from lockgate.gateway.customers.ports import Box
from lockgate.gateway.disputes.core.records import Dispute, dumps
from lockgate.gateway.storage.records import DisputeRow


async def open_dispute(row: DisputeRow, box: Box) -> Dispute:
    """The dispute in ``row``."""
    personal = await box.open(row.account, row.subject, row.personal) if row.personal else {}
    return Dispute(row, json.loads(row.data), personal.get("evidence", {}), personal.get("submitting"))


async def dispute_row(dispute: Dispute, box: Box) -> DisputeRow:
    """``dispute`` as it is written."""
    row = dispute.row._replace(data=dumps(dispute.data))
    if not dispute.unsealed:
        return row
    personal = {}
    if dispute.staged:
        personal["evidence"] = dict(dispute.staged)
    if dispute.submitting is not None:
        personal["submitting"] = dict(dispute.submitting)
    return row._replace(personal=await box.seal(row.account, row.subject, personal) if personal else None)
