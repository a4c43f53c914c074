"""How customers are found by what is kept encrypted: keyed hashes, equal for equal values and telling nothing else."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers.core.search import CUSTOMERS, SEALED
from lockgate.gateway.customers.ports import Box
from lockgate.gateway.storage.search import keyed_hash


async def email_index(box: Box, account: str, fields: Mapping[str, Any]) -> bytes | None:
    """What a list's filter finds the address in ``fields`` by, if there is one. Case matters there."""
    email = fields.get("email")
    return await box.blind_index(account, "customer.email", email) if email else None


async def search_index(box: Box, account: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """What a search finds the personal ``fields`` by; case does not matter there."""
    return {
        name: await keyed_hash(box, account, table=CUSTOMERS.table, path=(name,), value=fields[name])
        for name in SEALED
        if fields.get(name)
    }
