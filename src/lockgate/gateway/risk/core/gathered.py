"""What is known of a payment while it is judged: filled step by step, so that a failure leaves what stood before it."""

from dataclasses import dataclass, field

from lockgate.gateway.identity.core.place import UNKNOWN, Place
from lockgate.gateway.risk.core.armed import Armed
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.rules.core.catalogue import Value
from lockgate.gateway.rules.core.packed import Memberships
from lockgate.gateway.signals.core.session import Session
from lockgate.gateway.velocity.core.keys import Keys


@dataclass(slots=True)
class Gathered:
    """``from_session`` says that the shopper's address is known by the radar session alone. ``hashes`` are what was
    looked for in value lists, by attribute. ``unsigned`` is what the score says of the payment without its session.
    ``stage`` is what was being done last."""

    subject: Subject
    attributes: dict[str, Value] = field(default_factory=dict)
    lists: Memberships = field(default_factory=dict)
    hashes: dict[str, list[str]] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    place: Place = UNKNOWN
    session: Session | None = None
    from_session: bool = False
    unsigned: dict[str, Value] = field(default_factory=dict)
    armed: Armed | None = None
    stage: str = "rules"
