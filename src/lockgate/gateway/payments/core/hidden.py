"""Charges of the older API: each is driven by an intent that nobody sees, named after its charge.

One path for all money: what holds for payment intents holds for these charges too. A hidden intent is in no list, event
or answer; its charge says that it has no payment intent.
"""

_CHARGE, _HIDDEN = "ch_", "chi_"


def intent_of(charge: str) -> str:
    """The hidden intent that drives ``charge``."""
    return _HIDDEN + charge.removeprefix(_CHARGE)


def charge_of(intent: str) -> str | None:
    """The charge that ``intent`` drives, if it is hidden."""
    return _CHARGE + intent.removeprefix(_HIDDEN) if intent.startswith(_HIDDEN) else None
