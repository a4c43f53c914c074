"""How the simulator's answers are read: what each one proves, and unknown for all that it does not."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from lockgate.gateway.processors.contract import (
    DISPUTE_STATUSES,
    NOTICE_KINDS,
    PAYOUT_STATUSES,
    REFUND_FAILED,
    REVERSED,
    RISK_LEVELS,
    Answered,
    Changes,
    DisputeFound,
    Lost,
    Notice,
    NotSent,
    Outcome,
    PayoutFound,
    Reply,
    Result,
    WarningFound,
)

_REFUSALS = {
    (400, "invalid"), (401, "unauthenticated"), (401, "signature"), (404, "authorization_unknown"), (415, "media_type"),
}  # fmt: skip
"""Answers by which the simulator says that it did nothing. 409 is none: the reference stands for something else."""

_STATUSES = {
    "approved": Outcome.APPROVED,
    "declined": Outcome.DECLINED,
    "action_required": Outcome.ACTION_REQUIRED,
    "voided": Outcome.DECLINED,
    "reversed": Outcome.DECLINED,
}
_CHECKS = ("cvc_check", "address_line1_check", "address_postal_code_check")
_MOVEMENTS = ("capture", "increment", "void", "payout", "payout_reversal")
_ORDERS = ("payout_cancellation", "evidence", "acceptance")
_LONGEST_NAME = 128
_Found = TypeVar("_Found")


class _Unreadable(Exception):
    """The answer is not one that this adapter understands: the outcome is unknown."""


def read(reply: Reply, understand: Callable[[dict[str, Any]], Result]) -> Result:
    """What ``reply`` proves, and UNKNOWN for all that it does not."""
    match reply:
        case NotSent(reason=reason):
            return Result(Outcome.FAILED, reason=reason)
        case Lost(reason=reason):
            return Result(Outcome.UNKNOWN, reason=reason)
        case Answered(status=status, body=body):
            try:
                said = _object(json.loads(body))
                if status == 200:
                    return understand(said)
                code = _text(_object(said.get("error")), "code")
            except (ValueError, RecursionError, _Unreadable):
                return Result(Outcome.UNKNOWN, reason=f"unreadable_{status}")
            if (status, code) in _REFUSALS:
                return Result(Outcome.FAILED, reason=code)
            return Result(Outcome.UNKNOWN, reason=f"status_{status}")


def learn(reply: Reply, understand: Callable[[dict[str, Any]], _Found]) -> _Found | None:
    """What the answer to a question tells, or None."""
    if not isinstance(reply, Answered) or reply.status != 200:
        return None
    try:
        return understand(_object(json.loads(reply.body)))
    except (ValueError, RecursionError, _Unreadable):
        return None


def authorization(said: dict[str, Any], *, origin: str, reference: str, amount: int | None = None) -> Result:
    _same(said, "reference", reference)
    if amount is not None:
        _same(said, "amount", amount)
    status = _text(said, "status")
    if status not in _STATUSES:
        raise _Unreadable
    outcome = _STATUSES[status]
    decline_code = _optional_text(said, "decline_code")
    if status in ("voided", "reversed"):
        decline_code = REVERSED
    if (outcome is Outcome.DECLINED) != (decline_code is not None):
        raise _Unreadable
    redirect_url = _optional_text(said, "redirect_url")
    if outcome is Outcome.ACTION_REQUIRED:
        if redirect_url is None or not redirect_url.startswith(origin + "/"):
            raise _Unreadable
    else:
        redirect_url = None
    checks = _object(said.get("checks"))
    trial = said.get("three_d_secure")
    if trial is not None:
        trial = {name: _optional_text(_object(trial), name) for name in _object(trial)}
    refused = outcome is Outcome.DECLINED
    amount_held, captured = _whole(said, "amount"), _whole(said, "captured_amount")
    at_once, risk_level = said.get("funds_available_at_once"), _optional_text(said, "risk_level")
    if not isinstance(at_once, bool):
        raise _Unreadable
    return Result(
        outcome,
        processor_reference=_text(said, "id"),
        decline_code=decline_code,
        network_decline_code=_optional_text(said, "network_decline_code"),
        advice_code=_optional_text(said, "advice_code"),
        checks={name: _optional_text(checks, name) for name in _CHECKS},
        redirect_url=redirect_url,
        three_d_secure=trial,
        network_transaction_id=_optional_text(said, "network_transaction_id"),
        amount=None if refused else amount_held,
        captured_amount=None if refused else captured,
        expires_at=_whole(said, "expires_at"),
        funds_available_at_once=at_once,
        risk_level=risk_level if risk_level in RISK_LEVELS else None,
    )


def movement(said: dict[str, Any], *, reference: str, amount: int | None = None) -> Result:
    """A step that moves, raises or releases an amount."""
    _same(said, "reference", reference)
    if amount is not None:
        _same(said, "amount", amount)
    status, id_, moved = _text(said, "status"), _text(said, "id"), _whole(said, "amount")
    decline_code = _optional_text(said, "decline_code")
    if status == "approved" and decline_code is None:
        return Result(Outcome.APPROVED, processor_reference=id_, amount=moved)
    if status == "declined" and decline_code is not None:
        return Result(Outcome.DECLINED, processor_reference=id_, decline_code=decline_code)
    raise _Unreadable


def refund(said: dict[str, Any], *, reference: str, amount: int | None = None) -> Result:
    """A movement that may also be slow, or come back after it had succeeded."""
    status = _text(said, "status")
    if status not in ("pending", "failed"):
        return movement(said, reference=reference, amount=amount)
    _same(said, "reference", reference)
    if amount is not None:
        _same(said, "amount", amount)
    id_, moved = _text(said, "id"), _whole(said, "amount")
    if status == "pending":
        return Result(Outcome.PENDING, processor_reference=id_, amount=moved)
    reason = _text(said, "failure_reason")
    return Result(Outcome.DECLINED, processor_reference=id_, decline_code=REFUND_FAILED, reason=reason)


def order(said: dict[str, Any], *, reference: str) -> Result:
    """A step that moves nothing by itself."""
    result = movement(said, reference=reference)
    return Result(result.outcome, processor_reference=result.processor_reference, decline_code=result.decline_code)


def fate(said: dict[str, Any], *, origin: str, reference: str) -> Result:
    """What became of the step ``reference``, of whatever kind."""
    _same(said, "reference", reference)
    if said.get("found") is False:
        return Result(Outcome.NOT_FOUND)
    _same(said, "found", True)
    kind = _text(said, "kind")
    if kind == "refund":
        return refund(said, reference=reference)
    if kind in _MOVEMENTS:
        return movement(said, reference=reference)
    if kind in _ORDERS:
        return order(said, reference=reference)
    return authorization(said, origin=origin, reference=reference)


def reversal(said: dict[str, Any], *, reference: str) -> Result:
    _same(said, "reference", reference)
    if said.get("found") is False:
        return Result(Outcome.NOT_FOUND)
    _same(said, "found", True)
    if _text(said, "status") in ("reversed", "declined"):
        return Result(Outcome.APPROVED, amount=_whole(said, "returned_amount"))
    raise _Unreadable


def dispute(said: dict[str, Any], *, reference: str) -> DisputeFound:
    """How a dispute stands."""
    _found(said, reference)
    return DisputeFound(
        reference=reference,
        step=_text(said, "step"),
        status=_one_of(said, "status", DISPUTE_STATUSES),
        reason=_text(said, "reason"),
        amount=_whole(said, "amount"),
        currency=_text(said, "currency"),
        due_by=_whole(said, "due_by"),
        created=_whole(said, "created"),
        network_reason_code=_optional_text(said, "network_reason_code"),
        fee=_whole(said, "fee"),
    )


def warning(said: dict[str, Any], *, reference: str) -> WarningFound:
    """What an early fraud warning says."""
    _found(said, reference)
    actionable = said.get("actionable")
    if not isinstance(actionable, bool):
        raise _Unreadable
    return WarningFound(
        reference=reference,
        step=_text(said, "step"),
        fraud_type=_text(said, "fraud_type"),
        created=_whole(said, "created"),
        actionable=actionable,
    )


def payout(said: dict[str, Any], *, reference: str) -> PayoutFound:
    """Where a payout is."""
    _found(said, reference)
    status, failure_code = _one_of(said, "status", PAYOUT_STATUSES), _optional_text(said, "failure_code")
    if (status == "failed") != (failure_code is not None):
        raise _Unreadable
    return PayoutFound(
        reference=reference, status=status, failure_code=failure_code, arrival_date=_whole(said, "arrival_date")
    )


def changes(said: dict[str, Any], *, since: str, limit: int) -> Changes:
    """A page of what there is to tell. A page that would be asked for again for ever is none."""
    _same(said, "since", since)
    told, more = said.get("notices"), said.get("more")
    if not isinstance(told, list) or len(told) > limit or not isinstance(more, bool):
        raise _Unreadable
    notices = tuple(_notice(_object(one)) for one in told)
    cursor = since if not since and said.get("cursor") == "" else _name(said, "cursor")
    if (cursor == since) != (not notices) or (more and not notices):
        raise _Unreadable
    if len({notice.id for notice in notices}) != len(notices):
        raise _Unreadable
    return Changes(notices=notices, cursor=cursor, more=more)


def notice(body: bytes) -> Notice | None:
    """What a notification points at."""
    try:
        return _notice(_object(json.loads(body)))
    except (ValueError, RecursionError, _Unreadable):
        return None


def _notice(said: dict[str, Any]) -> Notice:
    return Notice(id=_name(said, "id"), kind=_one_of(said, "kind", NOTICE_KINDS), reference=_name(said, "reference"))


def _found(said: dict[str, Any], reference: str) -> None:
    _same(said, "found", True)
    _same(said, "id", reference)


def _one_of(said: dict[str, Any], name: str, words: tuple[str, ...]) -> str:
    value = _text(said, name)
    if value not in words:
        raise _Unreadable
    return value


def _name(said: dict[str, Any], name: str) -> str:
    value = _text(said, name)
    if len(value) > _LONGEST_NAME or not (value.isascii() and value.isprintable()):
        raise _Unreadable
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unreadable
    return value


def _same(said: dict[str, Any], name: str, expected: str | int) -> None:
    if type(said.get(name)) is not type(expected) or said[name] != expected:
        raise _Unreadable


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 2_000:
        raise _Unreadable
    return value


def _optional_text(said: dict[str, Any], name: str) -> str | None:
    return None if said.get(name) is None else _text(said, name)


def _whole(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 <= value < 10**15:
        raise _Unreadable
    return value
