"""Audit records: who did what to which object, with what outcome, as rows of the transaction that does it."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

_AGENT_LENGTH = 100


def record(
    principal: Principal,
    action: str,
    *,
    object_: str | None,
    request: str | None,
    outcome: str = "done",
    detail: Mapping[str, Any] | None = None,
) -> AuditRow:
    """One record of ``action``, the operation's audit word.

    ``detail`` holds before and after: never a secret, never a person's data. What the caller's program calls itself,
    and through which session and certificate it came, is added to it.
    """
    told = dict(detail or {})
    if principal.user_agent:
        told["agent"] = principal.user_agent[:_AGENT_LENGTH]
    if principal.session:
        told["session"] = principal.session
    if principal.person:
        told["person"] = principal.person
    if principal.certificate:
        told["certificate"] = principal.certificate
    return AuditRow(
        account=principal.account,
        livemode=principal.livemode,
        id=new_id("aud"),
        created_ms=clock.now_ms(),
        action=action,
        outcome=outcome,
        actor=f"{principal.kind}:{principal.id}",
        object=object_,
        address=principal.address or None,
        request=request,
        detail=json.dumps(told, separators=(",", ":")),
        personal=None,
    )
