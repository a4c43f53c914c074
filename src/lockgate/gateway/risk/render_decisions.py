"""Decisions and settings as the API shows them."""

import json
from typing import Any

from lockgate.gateway.risk.core.shapes_decisions import DECISION, SETTINGS
from lockgate.gateway.risk.find_decisions import data_of
from lockgate.gateway.risk.find_settings import Kept
from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.rules.core.packed import unpack
from lockgate.gateway.scoring.core.reasons import Reason
from lockgate.gateway.storage.records import RiskDecisionRow


def decision(row: RiskDecisionRow) -> dict[str, Any]:
    """One decision with everything that it was made of."""
    data = data_of(row)
    attributes = unpack(row.attributes, json.loads(row.others), data.get("attributes", {}))
    return DECISION.render(
        {
            "id": row.id,
            "attributes": attributes,
            "challenge": row.challenge,
            "charge": row.charge,
            "countries": countries(attributes),
            "created": row.created,
            "engines": data.get("engines", []),
            "faults": data.get("faults", []),
            "flagged": row.flagged,
            "latency_us": data.get("latency_us"),
            "lists": {name: aliases for name, aliases in data.get("lists", {}).items() if aliases},
            "livemode": row.livemode,
            "model": row.model,
            "payment_intent": row.intent,
            "reasons": [Reason(*said).shown() for said in data.get("reasons", [])],
            "risk_level": attributes.get("risk_level", "not_assessed"),
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


def countries(attributes: Attributes) -> str | None:
    """Whether the card is from where the goods go: said even where one of them is not known. None without a card."""
    if "card_brand" not in attributes:
        return None
    card, shipping = attributes.get("card_country"), attributes.get("shipping_country")
    if card is None:
        return "neither_known" if shipping is None else "card_country_unknown"
    if shipping is None:
        return "shipping_country_missing"
    return "same" if card == shipping else "different"


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
