"""The rules that judge payments now: held in memory, and at most half a second behind what was saved anywhere."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from lockgate.gateway.rules import find
from lockgate.gateway.rules.core.ruleset import Ruleset
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock

FRESH_S = 0.5
MOST_HELD = 1_000


@dataclass(slots=True)
class _Held:
    ruleset: Ruleset | None = None
    asked: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Active:
    """Rulesets by account and mode, read again when their revision has moved."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: OrderedDict[tuple[str, bool], _Held] = OrderedDict()

    async def of(self, account: str, livemode: bool) -> Ruleset:
        """The account's rules. Raises what the database raises: a payment is never judged by rules that may be old."""
        key = (account, livemode)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = _Held()
            if len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(key)
        if held.ruleset is not None and clock.monotonic() - held.asked < FRESH_S:
            return held.ruleset
        async with held.lock:
            if held.ruleset is None or clock.monotonic() - held.asked >= FRESH_S:
                asked = clock.monotonic()
                held.ruleset = await find.ruleset(self._pool, account, livemode, held=held.ruleset)
                held.asked = asked
            return held.ruleset

    def forget(self, account: str, livemode: bool) -> None:
        """Ask again before the next payment: these rules were changed here."""
        self._held.pop((account, livemode), None)
