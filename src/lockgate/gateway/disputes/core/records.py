"""A dispute in the hand: its row, its JSON and its sealed evidence already read, and how it becomes its next one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lockgate.gateway.disputes.core.transitions import CLOSED, advances
from lockgate.gateway.storage.records import DisputeRow

DAY_S = 24 * 3600


class NotAMove(AssertionError):
    """A dispute was about to make a move that its table does not list: nothing of that commit may be written."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """``staged`` is the evidence so far; ``submitting`` what an order that is out will make of it, if it arrives.

    ``unsealed`` says that either is not what ``row.personal`` holds: it must be sealed before a write.
    """

    row: DisputeRow
    data: Mapping[str, Any]
    staged: Mapping[str, str] = field(default_factory=dict, repr=False)
    submitting: Mapping[str, str] | None = field(default=None, repr=False)
    unsealed: bool = False

    @property
    def evidence(self) -> Mapping[str, str]:
        """What the merchant has said, as she sees it."""
        return self.staged if self.submitting is None else self.submitting

    def next(self, **columns: Any) -> "Dispute":
        """The version after this one, for others to change further."""
        return replace(self, row=self.row._replace(version=self.row.version + 1, **columns))

    def moved(self, status: str, *, now: int) -> "Dispute":
        """In another state, with the time at which the processor is to be asked next."""
        if not advances(self.row.status, status):
            raise NotAMove(f"{self.row.status} cannot become {status}")
        return self.due(now=now, status=status)

    def due(self, *, now: int, **columns: Any) -> "Dispute":
        """To be asked about again, as its state and its deadline have it: daily, and at once after the deadline."""
        row = self.row._replace(**columns)
        ask_at = now + DAY_S
        if row.due_by is not None and now <= row.due_by:
            ask_at = min(ask_at, row.due_by + 1)
        return replace(self, row=row._replace(ask_at=None if row.status in CLOSED else ask_at))

    def noting(self, **data: Any) -> "Dispute":
        """With ``data`` laid over what is noted of it."""
        return replace(self, data={**self.data, **data})

    def saying(self, staged: Mapping[str, str], submitting: Mapping[str, str] | None = None) -> "Dispute":
        """With other evidence."""
        return replace(self, staged=staged, submitting=submitting, unsealed=True)


def dumps(value: Mapping[str, Any]) -> str:
    """JSON as the ``data`` columns keep it."""
    return json.dumps(value, separators=(",", ":"))
