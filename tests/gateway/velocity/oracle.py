"""Velocity by brute force: every attempt is kept, and every attribute is counted anew from all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lockgate.gateway.storage.records import RiskEventRow, RiskLabelRow
from lockgate.gateway.velocity.core.keys import Keys

ACCOUNT = "acct_0000000000000001"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
PAIRS = {
    "card": ["ip", "device", "email", "customer"],
    "customer": ["card"],
    "ip": ["card", "email"],
    "device": ["card", "email", "ip"],
    "email": ["card", "ip"],
    "bin": ["card", "ip"],
}


def in_window(window: str, at_ms: int, now_ms: int) -> bool:
    """The definition, word by word: 1m and 1h slide, 24h goes by whole hours, 7d and 30d by whole days."""
    match window:
        case "1m":
            return at_ms > now_ms - MINUTE
        case "1h":
            return at_ms > now_ms - HOUR
        case "24h":
            return at_ms // HOUR > now_ms // HOUR - 24
        case _:
            return at_ms // DAY > now_ms // DAY - int(window.removesuffix("d"))


@dataclass
class Attempt:
    """One attempt as it was made, and what has become of it."""

    name: str
    keys: Keys
    at_ms: int
    amount: int
    state: str
    fraud_ms: int | None = None

    def row(self, account: str = ACCOUNT, *, livemode: bool = True) -> RiskEventRow:
        return RiskEventRow(account, livemode, self.name, self.at_ms, *self.keys, self.amount, self.state)

    def label(self, name: str, *, fraud: bool, known_ms: int) -> RiskLabelRow:
        return RiskLabelRow(
            ACCOUNT, True, name, 1, known_ms // 1000, attempt=self.name, charge=None, fraud=fraud, source="merchant",
            known_ms=known_ms,
        )  # fmt: skip


def brute_force(attempts: Sequence[Attempt], keys: Keys, *, amount: int, now_ms: int) -> Mapping[str, int | float]:
    """All attributes of an attempt over ``amount`` at ``now_ms``, itself counted."""
    found: dict[str, int | float] = {}
    itself = Attempt("itself", keys, now_ms, amount, "open")
    for kind, key in keys.by_kind().items():
        if key is None:
            continue
        same = [one for one in [*attempts, itself] if getattr(one.keys, kind) == key]

        def count(window: str, value: Callable[[Attempt], int], same: list[Attempt] = same) -> int:
            return sum(value(one) for one in same if in_window(window, one.at_ms, now_ms))

        for window in ("1m", "1h", "24h", "7d", "30d"):
            found[f"{kind}_attempts_{window}"] = count(window, lambda one: one.state != "void")
            found[f"{kind}_amount_{window}"] = count(
                window, lambda one: one.amount if one.state in ("open", "approved") else 0
            )
            found[f"{kind}_declines_{window}"] = count(window, lambda one: one.state == "declined")
            found[f"{kind}_blocks_{window}"] = count(window, lambda one: one.state == "blocked")
        for window in ("7d", "30d"):
            known = [one.fraud_ms for one in same if one.fraud_ms is not None and one.fraud_ms // DAY <= now_ms // DAY]
            found[f"{kind}_frauds_{window}"] = sum(in_window(window, at_ms, now_ms) for at_ms in known)
        for other in PAIRS[kind]:
            for window in ("1h", "24h", "7d"):
                seen = {getattr(one.keys, other) for one in same if in_window(window, one.at_ms, now_ms)}
                found[f"{kind}_{other}s_{window}"] = len(seen - {None})
        first_ms = min(one.at_ms for one in same)
        found[f"{kind}_age_h"] = round(max(0, now_ms - first_ms) / HOUR, 3)
    return found
