"""Orderable faults: which request is to go wrong, how, and how often."""

from dataclasses import dataclass
from typing import Any

from lockgate.simulator.parsing import BadMessage

MAX_DELAY_MS = 600_000
MAX_TIMES = 1_000_000
MAX_ORDERED = 1_000

BEFORE = frozenset({"timeout_before", "reset_before", "http_500_before"})
"""The request has no effect."""

AFTER = frozenset(
    {"timeout_after", "reset_after", "http_500", "http_500_after", "garbage", "wrong_types", "truncated"}
)
"""The request has its effect; only the answer suffers. ``http_500`` is short for ``http_500_after``."""

OTHERS = frozenset({"slow", "duplicate", "decline", "refuse"})
"""Answered late; taken twice; declined with ``decline_code``; not even accepted: the listener is closed for a while."""

REQUESTS = BEFORE | AFTER | OTHERS

NOTIFICATIONS = frozenset(
    {"drop_notification", "duplicate_notification", "late_notification", "reorder_notifications"}
)
"""Never told; told twice; told ``delay_ms`` late; held back until a later one has gone ahead, or for ``delay_ms``."""

FAULTS = REQUESTS | NOTIFICATIONS

UNASKED = frozenset({"/changes"})
"""What gateways send by the clock: it meets only faults that name it, so that it takes none from what they are for."""

_DEFAULT_DELAY_MS = {
    "slow": 1_000, "timeout_before": 60_000, "timeout_after": 60_000, "refuse": 3_000, "late_notification": 10_000,
    "reorder_notifications": 3_000,
}  # fmt: skip
_MATCHES = {"path": str, "reference": str, "about": str, "account": str, "kind": str, "amount": int}


@dataclass(slots=True)
class Fault:
    """``match`` compares facts for equality; what is absent matches anything (but see UNASKED).

    A request has path, reference, account and amount, and is ``about`` an authorization, payout or dispute by its id
    here; a notification has kind, reference and account.
    """

    fault: str
    match: dict[str, Any]
    times: int
    delay_ms: int
    decline_code: str | None = None

    def takes(self, facts: dict[str, Any]) -> bool:
        if facts.get("path") in UNASKED and "path" not in self.match:
            return False
        return self.times > 0 and all(facts.get(name) == wanted for name, wanted in self.match.items())


class Faults:
    """The ordered faults, first come first served."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []

    def order(self, faults: list[Fault]) -> None:
        self._ordered.extend(faults)

    def clear(self) -> None:
        self._ordered.clear()

    def pending(self) -> list[dict[str, Any]]:
        """What is still to happen."""
        return [{"fault": f.fault, "match": f.match, "times": f.times} for f in self._ordered]

    def take(self, facts: dict[str, Any], *, among: frozenset[str] = REQUESTS) -> Fault | None:
        """The first fault ``among`` these that matches, counted down."""
        for index, fault in enumerate(self._ordered):
            if fault.fault in among and fault.takes(facts):
                fault.times -= 1
                if fault.times == 0:
                    del self._ordered[index]
                return fault
        return None


def parse(body: Any) -> list[Fault]:
    """The faults in an admin request: one object, or a list of them."""
    orders = body if isinstance(body, list) else [body]
    if not 1 <= len(orders) <= MAX_ORDERED:
        raise BadMessage("body", "must hold 1 to 1000 faults")
    return [_parse_one(order) for order in orders]


def _parse_one(order: Any) -> Fault:
    if not isinstance(order, dict) or not set(order) <= {"fault", "match", "times", "delay_ms", "decline_code"}:
        raise BadMessage("body", "a fault has fault, match, times, delay_ms and decline_code")
    name = order.get("fault")
    if name not in FAULTS:
        raise BadMessage("fault", f"must be one of {', '.join(sorted(FAULTS))}")
    match = order.get("match", {})
    if not isinstance(match, dict) or not all(
        key in _MATCHES and type(value) is _MATCHES[key] for key, value in match.items()
    ):
        raise BadMessage("match", "may hold path, reference, about, account and kind (strings) and amount (a number)")
    if name == "refuse" and match:
        raise BadMessage("match", "refuse closes the listener for everybody")
    decline_code = order.get("decline_code", "do_not_honor" if name == "decline" else None)
    if (decline_code is not None) != (name == "decline") or not isinstance(decline_code, str | None):
        raise BadMessage("decline_code", "belongs to decline alone")
    return Fault(
        fault=name,
        match=match,
        times=_whole(order, "times", 1, low=1, high=MAX_TIMES),
        delay_ms=_whole(order, "delay_ms", _DEFAULT_DELAY_MS.get(name, 0), low=0, high=MAX_DELAY_MS),
        decline_code=decline_code,
    )


def _whole(order: dict[str, Any], name: str, default: int, *, low: int, high: int) -> int:
    value = order.get(name, default)
    if type(value) is not int or not low <= value <= high:
        raise BadMessage(name, f"must be a whole number from {low} to {high}")
    return value
