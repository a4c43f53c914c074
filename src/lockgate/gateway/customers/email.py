"""How customers are found by e-mail address without storing it in clear: a keyed hash, equal for equal addresses."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers.ports import Box


async def email_index(box: Box, account: str, fields: Mapping[str, Any]) -> bytes | None:
    """The index of the address in ``fields``, if there is one. Case matters, as in the dialect."""
    email = fields.get("email")
    return await box.blind_index(account, "customer.email", email) if email else None
