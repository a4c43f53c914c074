"""Asks one engine one thing over HTTP: signed, bounded in time and size, and given a rest when it keeps failing."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from cryptography.exceptions import InvalidTag

from lockgate.gateway.audit.record import record
from lockgate.gateway.risk.engines.core.breaker import Breaker
from lockgate.gateway.risk.engines.core.contract import MAX_ANSWER_BYTES, BadAnswer, Engine
from lockgate.gateway.risk.engines.ports import Way
from lockgate.gateway.risk.engines.secret import unseal
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel import clock, log
from lockgate.kernel.principal import Principal

Answer = TypeVar("Answer")
MOST_AT_ONCE = 64
USER_AGENT = "Lockgate-Risk/1"
_logger = log.get("engines")


class Asked(NamedTuple, Generic[Answer]):
    """What came of one question: an ``answer``, or None and a ``fault`` in a word. ``ms`` is how long it took."""

    answer: Answer | None
    fault: str | None
    ms: int


class Asking:
    """Asks engines, and remembers for this process which of them fail."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._breakers: dict[tuple[str, bool, str, int], Breaker] = {}
        self._under_way: dict[str, int] = defaultdict(int)
        self._telling: set[asyncio.Task[None]] = set()

    async def ask(
        self, engine: Engine, message: Mapping[str, Any], *, read: Callable[[bytes], Answer], timeout_s: float
    ) -> Asked[Answer]:
        """Send ``message`` and ``read`` the answer. Raises only what the process itself cannot do."""
        breaker = self._breaker(engine)
        if self._under_way[engine.id] >= MOST_AT_ONCE:
            return Asked(None, "busy", 0)
        if not breaker.may_ask(clock.monotonic()):
            return Asked(None, "resting", 0)
        self._under_way[engine.id] += 1
        try:
            asked = await self._ask(engine, message, read, timeout_s)
        except BaseException:
            breaker.let_go()
            raise
        finally:
            self._under_way[engine.id] -= 1
            if not self._under_way[engine.id]:
                del self._under_way[engine.id]
        changed = breaker.answered() if asked.fault is None else breaker.failed(clock.monotonic())
        if changed:
            self._tell(engine, asked.fault)
        return asked

    async def _ask(
        self, engine: Engine, message: Mapping[str, Any], read: Callable[[bytes], Answer], timeout_s: float
    ) -> Asked[Answer]:
        try:
            secret = await unseal(self._way.box, engine.account, engine.id, sealed=engine.sealed)
        except InvalidTag:
            return Asked(None, "altered", 0)
        body = json.dumps(message, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **self._way.sign(str(message["id"]), body, timestamp=clock.now(), secrets=[secret]),
        }
        sent = await self._way.post(
            engine.url, headers=headers, body=body, keep=MAX_ANSWER_BYTES, timeout_s=timeout_s
        )
        if sent.outcome != "delivered":
            return Asked(None, sent.outcome, sent.duration_ms)
        try:
            return Asked(read(sent.body), None, sent.duration_ms)
        except BadAnswer as error:
            return Asked(None, f"answer_{error}", sent.duration_ms)

    def _breaker(self, engine: Engine) -> Breaker:
        place = (engine.account, engine.livemode, engine.id, engine.version)  # changed, it begins anew
        found = self._breakers.get(place)
        if found is None:
            if len(self._breakers) >= 10_000:
                self._breakers.clear()
            found = self._breakers[place] = Breaker()
        return found

    def _tell(self, engine: Engine, fault: str | None) -> None:
        """Put on record that the engine began to fail, or is back; the payment does not wait for it."""
        task = asyncio.create_task(self._on_record(engine, fault))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _on_record(self, engine: Engine, fault: str | None) -> None:
        who = Principal(engine.account, engine.livemode, "internal", "risk")
        action = "risk_engine.recovered" if fault is None else "risk_engine.failing"
        detail = {"name": engine.name, "on_failure": engine.on_failure, "fault": fault or ""}
        try:
            await insert_audits(self._way.pool, [record(who, action, object_=engine.id, request=None, detail=detail)])
        except Exception as error:  # the verdict stands without it, and says itself what failed
            _logger.error("an engine's state could not be put on record", kind=type(error).__name__)
