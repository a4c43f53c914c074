"""Approvals and rules as the API shows them."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.approvals.core.records import ApprovalRow
from lockgate.gateway.approvals.core.rules import Rules
from lockgate.gateway.approvals.core.shapes import APPROVAL, POLICY
from lockgate.gateway.approvals.ports import Box


async def approval(box: Box, row: ApprovalRow, *, now: int) -> Mapping[str, Any]:
    """One approval, its parameters opened."""
    opened = await box.open(row.account, row.account, row.sealed)
    needs = (("proof", row.needs_proof), ("second_person", row.needs_second))
    return APPROVAL.render(
        {
            "id": row.id,
            "amount": row.amount,
            "created": row.created,
            "currency": row.currency,
            "decided_at": row.decided_at,
            "decided_by": row.decided_by,
            "expires_at": row.expires_at,
            "livemode": row.livemode,
            "maker": row.maker,
            "method": row.method,
            "needs": [name for name, needed in needs if needed],
            "operation": row.operation,
            "params": json.loads(opened["params"]) if opened else {},
            "path": row.path,
            "privilege": row.privilege,
            "proved_at": row.proved_at,
            "status": row.state(now),
            "summary": row.summary,
            "used_at": row.used_at,
        }
    )


def policy(rules: Rules) -> Mapping[str, Any]:
    """The rules that hold."""
    return POLICY.render({name: dict(rule) for name, rule in rules.items()})
