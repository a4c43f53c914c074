"""What a session says about a payment, as attributes of the catalogue.

Everything here began at a client, who may send what he likes. So nothing of it may speak for a payment: whoever weighs
these attributes weighs the same payment without them too, and takes the worse (``CLIENT`` names what to leave out).
"""

from collections.abc import Callable
from statistics import fmean

from lockgate.gateway.signals.core.session import HAND, Session
from lockgate.gateway.signals.core.typing import distance

CLIENT = frozenset(
    {
        "has_session", "is_device_new", "device_conflicts", "is_webdriver", "is_timezone_foreign", "bot_score",
        "form_seconds", "is_card_pasted", "is_card_autofilled", "typing_deviation", "pointer_straightness",
        "pointer_deviation",
    }
)  # fmt: skip
"""The attributes that come of a report. Without a session only has_session stands there, and says false."""


def attributes(
    session: Session | None, *, is_foreign: Callable[[str | None], bool | None] | None = None
) -> dict[str, int | float | str | bool]:
    """The attributes of ``session``. ``is_foreign`` says of a time zone's name whether it is none of the country that
    the shopper's address is in (``geography/core/zones`` does), None where that is not known.
    """
    if session is None:
        return {"has_session": False}
    facts = session.facts
    found: dict[str, int | float | str | bool] = {
        "has_session": True,
        "is_device_new": session.is_device_new,
        "device_conflicts": len(facts["conflicts"]),
        "is_webdriver": facts["webdriver"],
        "bot_score": facts["bot_score"],
        "form_seconds": facts["form_ms"] / 1000,
        "is_card_pasted": facts["pasted"],
        "is_card_autofilled": facts["autofilled"],
    }
    foreign = None if is_foreign is None else is_foreign(facts["timezone"])
    if foreign is not None:
        found["is_timezone_foreign"] = foreign
    if facts["straightness"] is not None:
        found["pointer_straightness"] = facts["straightness"]
    unlike = {
        what: distance(session.profile[what], sample)
        for what, sample in session.samples.items()
        if what in session.profile
    }
    if HAND in unlike:
        found["pointer_deviation"] = round(unlike.pop(HAND), 3)
    if unlike:
        found["typing_deviation"] = round(fmean(unlike.values()), 3)
    return found
