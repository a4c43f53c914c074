"""What an access review looks at: everything that may act for an account, and what was decided about it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from lockgate.kernel.principal import Access

Kind = Literal["person", "key", "app", "certificate", "role"]
Decision = Literal["attest", "reduce", "remove", "gone"]
EVERY_S = 90 * 24 * 3600
# With these somebody sends money out, or decides who else may do what.
_STRONG = frozenset({"payouts", "refunds", "people", "roles", "api_keys", "apps", "certificates", "approvals"})


class Holder(NamedTuple):
    """One holder of access at one moment. ``label`` of a person is a name, and is not kept with a review."""

    kind: Kind
    id: str
    label: str
    livemode: bool | None
    roles: tuple[str, ...]
    permissions: Mapping[str, Access]
    granted_by: str | None
    granted_at: int
    expires_at: int | None
    last_used_at: int | None


class ReviewRow(NamedTuple):
    """One review of an account's access."""

    account: str
    id: str
    created: int
    started_by: str
    due_at: int
    completed_at: int | None = None
    completed_by: str | None = None


class ItemRow(NamedTuple):
    """One holder as it stood when the review began. ``permissions`` is JSON."""

    account: str
    review: str
    id: str
    kind: str
    holder: str
    label: str
    livemode: bool | None
    roles: list[str]
    permissions: str
    granted_by: str | None
    granted_at: int
    expires_at: int | None
    last_used_at: int | None
    decision: str | None = None
    decided_by: str | None = None
    decided_at: int | None = None


def is_strong(permissions: Mapping[str, str]) -> bool:
    """Whether this access deserves a second look: money out, or power over others' access."""
    return any(permissions.get(name) == "write" for name in _STRONG)


def is_stale(holder: Holder, *, now: int) -> bool:
    """Whether nobody used this access for as long as there is between two reviews."""
    return max(holder.last_used_at or 0, holder.granted_at) < now - EVERY_S


def due_at(*, last_completed: int | None, account_created: int) -> int:
    """When the next review is due: 90 days after the last one was completed, or after the account was made."""
    return (account_created if last_completed is None else last_completed) + EVERY_S
