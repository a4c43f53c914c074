"""An account as the dialect shows it."""

from typing import Any

from lockgate.gateway.identity.core.shapes import ACCOUNT
from lockgate.gateway.identity.find import AccountRow


def account(row: AccountRow) -> dict[str, Any]:
    return ACCOUNT.render(
        {
            "id": row.id,
            "country": row.country,
            "created": row.created,
            "default_currency": row.default_currency,
            "settings": {"dashboard": {"display_name": row.name}},
        }
    )
