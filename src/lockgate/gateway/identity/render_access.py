"""API keys and roles as they are shown to those who may manage them."""

import json
from typing import Any

from lockgate.gateway.identity.core.permissions import from_stored
from lockgate.gateway.identity.core.roles import BUILT_IN, DESCRIPTIONS
from lockgate.gateway.identity.core.shapes_access import API_KEY, ROLE
from lockgate.gateway.identity.find_roles import CustomRoleRow
from lockgate.gateway.storage.rows import ApiKeyRow

UNUSED_S = 90 * 24 * 3600


def api_key(row: ApiKeyRow, *, now: int, secret: str | None = None) -> dict[str, Any]:
    """``secret`` is the key's text, in the one answer that shows it. ``now`` is the account's own time."""
    return API_KEY.render(
        {
            "id": row.id,
            "created": row.created,
            "created_by": row.created_by,
            "expires_at": row.expires_at,
            "hint": row.hint,
            "last_used_at": row.last_used_at,
            "livemode": row.livemode,
            "name": row.name,
            "permissions": from_stored(json.loads(row.permissions)),
            "replaced_by": row.replaced_by,
            "revoked_at": row.revoked_at,
            "secret": secret,
            "status": _status(row, now),
            "type": row.kind,
            "unused": is_unused(row, now=now),
        }
    )


def is_unused(row: ApiKeyRow, *, now: int) -> bool:
    """Whether a good key was not used for 90 days: most such keys are forgotten ones."""
    return _status(row, now) == "active" and max(row.last_used_at or 0, row.created) < now - UNUSED_S


def _status(row: ApiKeyRow, now: int) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"


def custom_role(row: CustomRoleRow) -> dict[str, Any]:
    return ROLE.render(
        {
            "id": row.id,
            "built_in": False,
            "created": row.created,
            "created_by": row.created_by,
            "description": row.description,
            "name": row.name,
            "permissions": from_stored(json.loads(row.permissions)),
            "updated": row.updated,
        }
    )


def built_in_role(name: str) -> dict[str, Any]:
    permissions = {resource: access for resource, access in BUILT_IN[name].items() if access != "none"}
    return ROLE.render(
        {
            "id": name,
            "built_in": True,
            "description": DESCRIPTIONS[name],
            "name": name,
            "permissions": permissions,
        }
    )
