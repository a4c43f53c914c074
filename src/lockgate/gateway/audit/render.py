"""Audit records and checkpoints as the API shows them, from their rows."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.audit.core.shapes import AUDIT_CHECKPOINT, AUDIT_RECORD
from lockgate.gateway.audit.find_seals import CheckpointRow
from lockgate.gateway.storage.rows import AuditRow

PREFIX = "acp_"


def audit_record(row: AuditRow, proof: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One record; with its proof where one record is asked for."""
    return AUDIT_RECORD.render(
        {
            "id": row.id,
            "action": row.action,
            "actor": row.actor,
            "address": row.address,
            "created": row.created_ms // 1000,
            "created_ms": row.created_ms,
            "detail": json.loads(row.detail),
            "livemode": row.livemode,
            "object_id": row.object,
            "outcome": row.outcome,
            "proof": proof,
            "request": row.request,
        }
    )


def audit_checkpoint(row: CheckpointRow, key: str, proof: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One checkpoint. ``key`` is for convenience: whoever is in doubt compares it with one that was kept before."""
    return AUDIT_CHECKPOINT.render(
        {
            "id": f"{PREFIX}{row.size}",
            "created": row.at_ms // 1000,
            "key": key,
            "note": row.note,
            "proof": proof,
            "size": row.size,
        }
    )
