"""What came of judging a payment, before it is a verdict."""

from dataclasses import dataclass, field

from lockgate.gateway.risk.core.decide import Hit
from lockgate.gateway.risk.core.guards import Needs
from lockgate.gateway.risk.engines.consult import NOBODY, Consulted


@dataclass(slots=True)
class Judged:
    """The hits on all that is known; ``unsigned`` are those without what the shopper's browser said, if it said
    something. ``needs`` is what they rest on."""

    hits: list[Hit] = field(default_factory=list)
    unsigned: list[Hit] | None = None
    needs: Needs = field(default_factory=dict)
    consulted: Consulted = NOBODY
    faults: list[str] = field(default_factory=list)
