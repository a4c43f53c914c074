"""What happens to mandates: one is given with a payment method, and all of them end when it is detached."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.customers import find_mandates
from lockgate.gateway.customers.core import mandates
from lockgate.gateway.customers.core.mandates import MANDATE
from lockgate.gateway.customers.ports import Box
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.records import MandateRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.principal import Principal


async def sealed(row: MandateRow, acceptance: Mapping[str, Any], box: Box) -> MandateRow:
    """A new mandate with the acceptance it rests on, as it is written."""
    return row._replace(personal=await box.seal(row.account, row.subject, {"customer_acceptance": dict(acceptance)}))


async def shown(row: MandateRow, box: Box) -> dict[str, Any]:
    """The mandate in ``row``."""
    personal = await box.open(row.account, row.subject, row.personal) or {}
    return mandates.shown(row, personal.get("customer_acceptance"))


async def end(
    commit: Commit, pool: Pool, box: Box, *, principal: Principal, methods: Sequence[str]
) -> list[Happening]:
    """Put the end of every active mandate of ``methods`` into ``commit``; returns what is to be announced."""
    happenings = []
    for row in await find_mandates.active_of(pool, principal, methods):
        after = mandates.ended(row)
        commit.mandates.append(after)
        happenings.append(
            Happening("mandate.updated", MANDATE, await shown(after, box), row.subject, {"status": row.status})
        )
    return happenings
