"""What the clock calls in customers: an older release kept no hashes, and whom it wrote down must be found too."""

import json

from lockgate.gateway.customers import store
from lockgate.gateway.customers.blind import search_index
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.vaultlink.personal import Tampered
from lockgate.kernel import log

_PORTION = 200
_logger = log.get("customers")


def jobs(ports: Ports) -> list[Job]:
    """The room's jobs."""

    async def hash_old() -> int:
        return await portion(ports)

    return [Job("customers.hash_old", 60_000, hash_old)]


async def portion(ports: Ports) -> int:
    """Give some customers the hashes that a search finds them by; returns how many."""
    rows = await store.unhashed(ports.pool, most=_PORTION)
    for row in rows:
        try:
            personal = await ports.box.open(row.account, row.id, row.personal)
        except Tampered:  # nobody can read it: there is nothing to find it by
            _logger.error("a customer's personal data cannot be opened", account=row.account, customer=row.id)
            personal = {}
        index = await search_index(ports.box, row.account, personal)
        data = json.dumps({**json.loads(row.data), "index": index}, separators=(",", ":"))
        await store.keep_hashes(ports.pool, row, data)
    return len(rows)
