"""The published risk test cards: in test mode they are what their names say, whatever a model thinks of them."""

from collections.abc import Mapping
from typing import NamedTuple

from lockgate.gateway.risk.core.verdict import Level, Verdict


class Published(NamedTuple):
    """What a test card stands for. Of one without a verdict the rules decide, by its level."""

    level: Level
    score: int
    verdict: Verdict | None


CARDS: Mapping[str, Published] = {
    "always_blocked": Published("highest", 99, "block"),
    "highest_risk": Published("highest", 95, None),
    "elevated_risk": Published("elevated", 70, "review"),
}
"""By the names of kernel.testcards."""
