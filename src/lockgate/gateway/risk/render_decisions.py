"""Decisions and settings as the API shows them."""

import json
from typing import Any

from lockgate.gateway.risk.core.shapes_decisions import DECISION, SETTINGS
from lockgate.gateway.risk.find_decisions import data_of
from lockgate.gateway.risk.find_settings import Kept
from lockgate.gateway.rules.core.packed import unpack
from lockgate.gateway.storage.records import RiskDecisionRow


def decision(row: RiskDecisionRow) -> dict[str, Any]:
    """One decision with everything that it was made of."""
    data = data_of(row)
    return DECISION.render(
        {
            "id": row.id,
            "attributes": unpack(json.loads(row.attributes)),
            "challenge": row.challenge,
            "charge": row.charge,
            "countries": data.get("countries"),
            "created": row.created,
            "engines": data.get("engines", []),
            "faults": data.get("faults", []),
            "flagged": row.flagged,
            "latency_us": data.get("latency_us"),
            "lists": {name: aliases for name, aliases in json.loads(row.lists).items() if aliases},
            "livemode": row.livemode,
            "model": row.model,
            "payment_intent": row.intent,
            "reasons": data.get("reasons", []),
            "risk_level": data["level"],
            "risk_score": row.score,
            "rule": row.rule,
            "rules": [
                {"id": id_, "action": action, "shadow": shadow, "version": version}
                for id_, version, action, shadow in data.get("rules", [])
            ],
            "ruleset": row.ruleset,
            "settings": data.get("settings", 0),
            "shadow_model": data.get("shadow_model"),
            "verdict": row.verdict,
        }
    )


def settings(kept: Kept, *, livemode: bool) -> dict[str, Any]:
    """What holds of the built-in rules."""
    held = kept.settings
    return SETTINGS.render(
        {
            "allow_lists": list(held.allow_lists),
            "block_lists": list(held.block_lists),
            "card_country_unknown": held.card_country_unknown,
            "card_testing": held.card_testing,
            "countries_differ": held.countries_differ,
            "elevated": held.elevated,
            "highest": held.highest,
            "hourly_limit": held.hourly_limit,
            "livemode": livemode,
            "updated": kept.updated,
            "updated_by": kept.updated_by,
            "version": kept.version,
        }
    )
