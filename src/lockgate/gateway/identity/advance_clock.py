"""Moves an account's test mode forward in time, and lets what is due by then happen before it answers."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import find, render, store
from lockgate.gateway.identity.ports import Ports
from lockgate.gateway.storage.commit import Moved, Taken
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.records import TestClockRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel import clock, log
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

FURTHEST_S = 10 * 366 * 24 * 3600
TRIES = 5
ROUNDS = 100
_logger = log.get("identity")


async def advance(ports: Ports, call: Call) -> Answer:
    """The operation. Live mode has the world's clock and no other."""
    who = call.principal
    if who.livemode:
        raise Refusal(Kind.FORBIDDEN, "Only the clock of test mode can be moved.", code="livemode_mismatch")
    for _ in range(TRIES):
        before = await find.test_clock(ports.pool, who)
        ahead_s = before.offset_s if before else 0
        now = clock.now() + ahead_s  # not the call's time: another request may have moved the clock since
        step_s = _step(call, now=now)
        offset_s = ahead_s + step_s
        if offset_s > FURTHEST_S:
            raise invalid(
                f"A test clock can be at most {FURTHEST_S} seconds ahead of the world's.", param=_given(call)
            )
        version = before.version + 1 if before else 1
        row = TestClockRow(who.account, False, who.account, version, now, offset_s)
        answer = await call.answer(render.test_clock(now=now + step_s, ahead_s=offset_s))
        audit = record(
            who, "test_clock.advance", object_=who.account, request=call.request_id, detail={"seconds": step_s}
        )
        commit = Commit(test_clocks=[row], audits=[audit])
        commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
        try:
            await ports.committer.commit(commit)
        except (Moved, Taken):
            continue
        ports.forget(who.account)
        await _happen(ports, who, step_s=step_s)
        ports.poke()
        return answer
    raise Refusal(
        Kind.CONFLICT, "Another request is moving this clock. Try again.", code="lock_timeout", should_retry=True
    )


async def _happen(ports: Ports, who: Principal, *, step_s: int) -> None:
    """What is due runs here as the worker would run it; what fails, or is too much, the worker does soon."""

    async def hasten() -> int:
        await store.hasten_deliveries(ports.pool, who.account, who.livemode, seconds=step_s)
        return 0

    for due in (hasten, *ports.due):
        try:
            for _ in range(ROUNDS):
                if not await due():
                    break
        except Exception:
            _logger.exception("what is due after a clock's step failed; the worker tries it again")


def _given(call: Call) -> str:
    return "seconds" if "seconds" in call.params else "frozen_time"


def _step(call: Call, *, now: int) -> int:
    given = [name for name in ("seconds", "frozen_time") if name in call.params]
    if len(given) > 1:
        raise invalid(
            "Only one of seconds and frozen_time may be sent.", param="frozen_time", code="parameters_exclusive"
        )
    if not given:
        raise invalid("Missing required param: seconds.", param="seconds", code="parameter_missing")
    if given == ["seconds"]:
        return call.params["seconds"]
    if call.params["frozen_time"] <= now:
        raise invalid("A test clock can only move forward: frozen_time must be after its time.", param="frozen_time")
    return call.params["frozen_time"] - now
