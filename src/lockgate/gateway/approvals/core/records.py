"""An approval as it is kept, and how it stands."""

from typing import NamedTuple

from lockgate.gateway.approvals.core.rules import State

GOOD_S = 15 * 60
WAITS_S = 24 * 3600
"""How long an approval waits: a person's own confirmation a quarter of an hour, a second person's decision a day."""


class ApprovalRow(NamedTuple):
    """``maker`` is the actor that will perform it (``person:per_...``), ``maker_person`` the human behind it."""

    account: str
    livemode: bool
    id: str
    created: int
    expires_at: int
    maker: str
    maker_person: str | None
    operation: str
    method: str
    path: str
    privilege: str
    content: bytes
    amount: int | None
    currency: str | None
    summary: str
    sealed: bytes
    needs_proof: bool
    needs_second: bool
    proved_at: int | None = None
    proved_by: str | None = None
    decision: str | None = None
    decided_at: int | None = None
    decided_by: str | None = None
    used_at: int | None = None
    used_by: str | None = None

    def state(self, now: int) -> State:
        """How it stands at ``now``."""
        if self.used_at is not None:
            return "used"
        if self.decision == "refused":
            return "refused"
        if self.expires_at <= now:
            return "expired"
        waits = (self.needs_proof and self.proved_at is None) or (self.needs_second and self.decision is None)
        return "pending" if waits else "approved"

    @property
    def signed(self) -> bytes:
        """What a passkey signs who agrees to this."""
        return self.id.encode() + b"\0" + self.content
