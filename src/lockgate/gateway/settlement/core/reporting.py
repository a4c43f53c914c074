"""The categories under which accounting programs look for movements."""

_CATEGORIES = {"payout_cancel": "payout_reversal", "payout_failure": "payout_reversal"}


def category(type_: str, source: str, amount: int) -> str:
    """The reporting category of a movement: its type, but for what came back from a payout and for adjustments."""
    if type_ != "adjustment":
        return _CATEGORIES.get(type_, type_)
    if source.startswith("dp_"):
        return "dispute" if amount < 0 else "dispute_reversal"
    return "other_adjustment"
