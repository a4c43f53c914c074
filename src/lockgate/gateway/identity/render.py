"""An account as the dialect shows it, and the clock of its test mode."""

from typing import Any

from lockgate.gateway.identity.core.shapes import ACCOUNT, TEST_CLOCK
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


def test_clock(*, now: int, ahead_s: int, livemode: bool = False) -> dict[str, Any]:
    return TEST_CLOCK.render({"ahead_seconds": ahead_s, "livemode": livemode, "now": now})
