"""An account as the dialect shows it, and the clock of its test mode."""

from typing import Any

from lockgate.gateway.identity.core.shapes import ACCOUNT, TEST_CLOCK
from lockgate.gateway.identity.find import AccountRow, PayoutRhythm

_DECLINED_ON = ("avs_failure", "cvc_failure")
_PREFIXES = ("statement_descriptor_prefix", "statement_descriptor_prefix_kana", "statement_descriptor_prefix_kanji")
_DESCRIPTORS = ("statement_descriptor_kana", "statement_descriptor_kanji", *_PREFIXES[1:])


def account(row: AccountRow, rhythm: PayoutRhythm) -> dict[str, Any]:
    schedule: dict[str, Any] = {"delay_days": rhythm.delay_days, "interval": rhythm.interval}
    if rhythm.interval == "weekly":
        schedule |= {"weekly_anchor": rhythm.anchor, "weekly_payout_days": [rhythm.anchor]}
    if rhythm.interval == "monthly" and rhythm.anchor is not None:
        schedule |= {"monthly_anchor": int(rhythm.anchor), "monthly_payout_days": [int(rhythm.anchor)]}
    payouts = {"debit_negative_balances": False, "schedule": schedule, "statement_descriptor": None}
    return ACCOUNT.render(
        {
            "id": row.id,
            "country": row.country,
            "created": row.created,
            "default_currency": row.default_currency,
            "settings": {
                "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
                "card_payments": {"decline_on": dict.fromkeys(_DECLINED_ON, False), **dict.fromkeys(_PREFIXES)},
                "dashboard": {"display_name": row.name, "timezone": "Etc/UTC"},
                "payments": dict.fromkeys(("statement_descriptor", *_DESCRIPTORS)),
                "payouts": payouts,
            },
        }
    )


def test_clock(*, now: int, ahead_s: int, livemode: bool = False) -> dict[str, Any]:
    return TEST_CLOCK.render({"ahead_seconds": ahead_s, "livemode": livemode, "now": now})
