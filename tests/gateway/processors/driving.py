"""Drives an adapter without a network: feeds it replies, shows its orders readably, reads golden transcripts."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lockgate.gateway.processors import contract
from lockgate.gateway.processors.contract import (
    Answered,
    Body,
    Derived,
    Lost,
    NotSent,
    Order,
    Processor,
    Reply,
    Result,
    SentAt,
    Slot,
)
from lockgate.kernel.orders import Covered, HeaderPart

TRANSCRIPTS = Path(__file__).parent / "transcripts"
METHODS = {
    "authorize": contract.Authorize,
    "complete": contract.Complete,
    "capture": contract.Capture,
    "void": contract.Void,
    "refund": contract.Refund,
    "inquire": contract.Inquire,
    "reverse": contract.Reverse,
    "increment": contract.Increment,
    "payout": contract.Payout,
    "cancel_payout": contract.CancelPayout,
    "reverse_payout": contract.ReversePayout,
    "submit_evidence": contract.SubmitEvidence,
    "accept_dispute": contract.AcceptDispute,
}
QUESTIONS = {
    "inquire_dispute": contract.InquireDispute,
    "inquire_warning": contract.InquireWarning,
    "inquire_payout": contract.InquirePayout,
    "list_changes": contract.ListChanges,
}
SEND_BEFORE_MS = 1_900_000_000_000
TIMEOUT_MS = 25_000


def settings_of(processor: str) -> dict[str, Any]:
    """The example settings beside a processor's transcripts."""
    return json.loads((TRANSCRIPTS / processor / "settings.json").read_text())


def build(processor: str, method: str, **fields: Any) -> Any:
    """The request of ``method``, with the fields that every request has filled in."""
    common = {"send_before_ms": SEND_BEFORE_MS, "timeout_ms": TIMEOUT_MS, "settings": settings_of(processor)}
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return (METHODS | QUESTIONS)[method](**common, **fields)


def drive(adapter: Processor, method: str, request: Any, *, replies: Sequence[Reply]) -> tuple[list[Order], Any]:
    """Run ``method`` to its end: a Result, or of a question what it found.

    The last reply is repeated if the adapter asks more often, at most ten times.
    """
    steps = getattr(adapter, method)(request)
    orders = [next(steps)]
    for number in range(10):
        try:
            orders.append(steps.send(replies[min(number, len(replies) - 1)]))
        except StopIteration as end:
            return orders, end.value
    raise AssertionError(f"{method} still yields orders after ten replies")


def render(parts: Sequence[HeaderPart | Covered]) -> str:
    """Literal bytes as text, a slot as ``{{name}}``, a directive as ``{{hmac sha256 hex secret.k of [{{body}}]}}``."""
    return "".join(_shown(part) for part in parts)


def _shown(part: HeaderPart | Covered) -> str:
    match part:
        case bytes():
            return part.decode()
        case Slot():
            return f"{{{{{part.name}}}}}"
        case SentAt():
            return "{{sent_at}}"
        case Body():
            return "{{body}}"
        case Derived():
            under = [part.key] if part.key else []
            words = [part.kind, part.algorithm, part.encoding, *under, "of", f"[{render(part.over)}]"]
            return f"{{{{{' '.join(words)}}}}}"


def render_order(order: Order) -> dict[str, Any]:
    """What a transcript shows of an order: everything that the adapter chose."""
    body = render(order.body)
    headers = {name: render(parts) for name, parts in order.headers}
    return {
        "step": order.step,
        "method": order.method,
        "url": order.url,
        "headers": headers,
        "body": json.loads(body) if "json" in headers.get("content-type", "") else body,
        "card": order.card,
    }


def reply_from(told: dict[str, Any]) -> Reply:
    """A transcript's reply: ``{"not_sent": reason}``, ``{"lost": reason}`` or ``{"status", "body"}``."""
    if "not_sent" in told:
        return NotSent(told["not_sent"])
    if "lost" in told:
        return Lost(told["lost"])
    body = told["body"] if isinstance(told["body"], str) else json.dumps(told["body"])
    return Answered(told["status"], (("content-type", "application/json"),), body.encode())


def render_result(result: Any) -> dict[str, Any] | None:
    """A Result without what it leaves open; what a question found, whole; None for nothing."""
    if not isinstance(result, Result):
        return None if result is None else json.loads(json.dumps(asdict(result)))
    shown = {name: value for name, value in asdict(result).items() if value not in (None, {}) and value is not False}
    return {**shown, "outcome": result.outcome.value}


def slots(order: Order) -> list[Slot]:
    return [part for _, parts in order.headers for part in parts if isinstance(part, Slot)] + [
        part for part in order.body if isinstance(part, Slot)
    ]
