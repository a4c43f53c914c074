"""What the processor's own journal says happened to each authorisation: pure, from its entries as plain mappings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Witnessed:
    """Money that really moved on one authorisation. ``steps`` are the references that the merchant gave."""

    captured: int = 0
    refunded: int = 0
    undone: bool = False
    steps: set[str] = field(default_factory=set)


def read(entries: Iterable[Mapping[str, Any]]) -> dict[str, Witnessed]:
    """Each authorisation by the processor's id for it."""
    found: dict[str, Witnessed] = {}
    for entry in entries:
        kind, status = entry["kind"], entry["status"]
        if kind == "authorization":
            witnessed = found.setdefault(entry["id"], Witnessed())
            witnessed.steps.update(str(entry[name]) for name in ("reference", "completion") if name in entry)
            if status == "approved" and entry.get("capture"):
                witnessed.captured += entry["amount"]
        elif kind == "reversal":
            if status == "reversed":
                found.setdefault(entry["authorization"], Witnessed()).undone = True
        elif kind == "refund_failure":
            found[entry["authorization"]].refunded -= entry["amount"]
        elif kind in ("capture", "refund") and status == "approved":
            witnessed = found.setdefault(entry["authorization"], Witnessed())
            witnessed.steps.add(entry["reference"])
            if kind == "capture":
                witnessed.captured += entry["amount"]
            else:
                witnessed.refunded += entry["amount"]
    return found
