"""Audit records of what a person does about their own access: one in each account that they belong to."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.principal import Principal

NOWHERE = "-"


def as_person(person: str, account: str, *, address: str = "", user_agent: str = "") -> Principal:
    """A person who is not signed in, as a record names them."""
    return Principal(account, False, "person", person, address=address, user_agent=user_agent)


def by_person(
    person: str,
    accounts: Sequence[str],
    action: str,
    *,
    object_: str | None,
    request: str | None,
    address: str = "",
    user_agent: str = "",
    outcome: str = "done",
    detail: Mapping[str, Any] | None = None,
) -> list[AuditRow]:
    """What ``person`` did, for each of ``accounts``; somebody who belongs to none stands under '-'."""
    return [
        record(
            as_person(person, account, address=address, user_agent=user_agent),
            action,
            object_=object_,
            request=request,
            outcome=outcome,
            detail=detail,
        )
        for account in (accounts or [NOWHERE])
    ]
