"""The names of the ledger's accounts: each belongs to one merchant account, mode and currency.

A credit raises a balance and a debit lowers it, so that all balances of one currency always sum to zero: what
processors owe stands as a negative balance against what the merchant has.
"""

MERCHANT_PENDING = "merchant:pending"
"""The merchant's money that processors have not made available yet, net of fees."""

MERCHANT_AVAILABLE = "merchant:available"
"""The merchant's money that can be paid out."""


def processor(name: str) -> str:
    """What the processor ``name`` took in for the merchant and owes: negative while it owes."""
    return f"processor:{name}"


def fees(name: str) -> str:
    """What the processor ``name`` keeps for its work."""
    return f"fees:{name}"


def in_transit(name: str) -> str:
    """What the processor ``name`` was told to pay out and has not yet: what is on its way back counts against it."""
    return f"transit:{name}"


def bank(name: str) -> str:
    """What arrived at the merchant's own bank, out of what the processor ``name`` owed."""
    return f"bank:{name}"


def merchant(*, available: bool) -> str:
    """The merchant's side of a movement that is available at once, or has to wait."""
    return MERCHANT_AVAILABLE if available else MERCHANT_PENDING
