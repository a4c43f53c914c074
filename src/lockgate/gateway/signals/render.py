"""Radar sessions and the collector's setting as API objects."""

from typing import Any

from lockgate.gateway.signals.core.shapes import COLLECTOR, SESSION
from lockgate.gateway.signals.find import Kept, Setting
from lockgate.gateway.signals.script import STABLE


def session(kept: Kept, *, livemode: bool) -> dict[str, Any]:
    """A session as the merchant sees it: what was judged, and nothing that was reported."""
    facts = kept.facts
    signals = {
        "bot_score": facts["bot_score"],
        "conflicts": facts["conflicts"],
        "form_seconds": facts["form_ms"] / 1000,
        "is_card_autofilled": facts["autofilled"],
        "is_card_pasted": facts["pasted"],
        "is_device_new": kept.is_device_new,
        "is_webdriver": facts["webdriver"],
        "signs": facts["signs"],
    }
    return SESSION.render(
        {"id": kept.id, "created": kept.created, "device": None, "livemode": livemode, "signals": signals}
    )


def gone(id_: str) -> dict[str, Any]:
    """What is answered where a session was deleted."""
    return {"id": id_, "object": SESSION.kind, "deleted": True}


def collector(setting: Setting, *, livemode: bool, public_url: str) -> dict[str, Any]:
    """What an account wants of the collector, and where the script is."""
    return COLLECTOR.render({**setting._asdict(), "livemode": livemode, "script": f"{public_url}{STABLE}"})
