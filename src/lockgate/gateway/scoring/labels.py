"""Labels: who may say that a payment was fraud, and the row that says it."""

from lockgate.gateway.storage.records import RiskLabelRow
from lockgate.kernel.ids import new_id

SOURCES = {
    "dispute": "a cardholder or issuer objected to it as fraudulent",
    "dispute_won": "such an objection was overturned",
    "refund": "it was refunded as fraudulent",
    "review": "a person looked at it and decided",
    "report": "the merchant reported it on the charge",
    "warning": "the card's issuer warned of it",
    "engine": "an outside engine said so, when it was told how the payment ended",
    "import": "the merchant told of it by the labels operation or the command",
}
"""Who told: source -> what it means."""


def label(
    account: str, livemode: bool, *, fraud: bool, source: str, now: int, known_ms: int,
    attempt: str | None = None, charge: str | None = None,
) -> RiskLabelRow:  # fmt: skip
    """The row for ``Commit.risk_labels``: name the attempt or the charge. ``now``, ``known_ms``: business time."""
    assert source in SOURCES, "a source that nobody has explained"
    assert attempt is not None or charge is not None, "a label of nothing"
    return RiskLabelRow(account, livemode, new_id("rlbl"), 1, now, attempt, charge, fraud, source, known_ms)
