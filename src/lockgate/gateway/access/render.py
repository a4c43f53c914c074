"""Reviews, their items and holders as they are shown."""

import json
from typing import Any

from lockgate.gateway.access.core.holders import Holder, ItemRow, is_stale, is_strong
from lockgate.gateway.access.core.shapes import ITEM, REVIEW
from lockgate.gateway.access.find import Counted


def review(found: Counted) -> dict[str, Any]:
    row = found.row
    return REVIEW.render(
        {
            "id": row.id,
            "completed_at": row.completed_at,
            "completed_by": row.completed_by,
            "created": row.created,
            "due_at": row.due_at,
            "items_decided": found.decided,
            "items_total": found.total,
            "started_by": row.started_by,
            "status": "open" if row.completed_at is None else "completed",
        }
    )


def item(row: ItemRow, *, label: str | None = None) -> dict[str, Any]:
    """``label`` is a person's address, which is not kept with the review."""
    permissions = json.loads(row.permissions)
    return ITEM.render(
        {
            "id": row.id,
            "decided_at": row.decided_at,
            "decided_by": row.decided_by,
            "decision": row.decision,
            "expires_at": row.expires_at,
            "granted_at": row.granted_at,
            "granted_by": row.granted_by,
            "holder": row.holder,
            "label": label or row.label,
            "last_used_at": row.last_used_at,
            "livemode": row.livemode,
            "permissions": permissions,
            "review": row.review,
            "roles": list(row.roles),
            "strong": is_strong(permissions),
            "type": row.kind,
        }
    )


def holder(one: Holder, *, now: int) -> dict[str, Any]:
    """For the operator's report."""
    permissions = {name: access for name, access in sorted(one.permissions.items()) if access != "none"}
    return {
        **one._asdict(),
        "roles": list(one.roles),
        "permissions": permissions,
        "strong": is_strong(permissions),
        "unused_90_days": is_stale(one, now=now),
    }
