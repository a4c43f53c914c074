"""Finds out what became of attempts without a definite outcome, and concludes them. Nothing is ever sent again.

First a tombstone at the vault: an order that was not claimed by then never will be, and certainly was not sent. Of one
that was claimed the processor is asked, by our reference, until it says something definite. "Never heard of it" counts
only once nothing can be under way any more, and an authorisation is then reversed by reference first and asked again.
"""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.payments import (
    approve_review,
    capture,
    conclude,
    find,
    find_refunds,
    finish,
    increment,
    keep,
    refund,
    refusals,
    release,
    render_setups,
    setup,
    setup_edit,
    store,
)
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments.core import build, refunds
from lockgate.gateway.payments.core.records import dumps
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.payments.inquire import inquire
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Outcome, Result, Reverse, Steps
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import Found
from lockgate.gateway.storage.rows import AnswerRow, AttemptRow, Commit, ReleaseRow
from lockgate.kernel import clock, log
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

PORTION = 50
HELD_MS = 60_000
"""How long whoever took an attempt up may work on it before another may."""

BACKOFF_MS = (15_000, 60_000, 300_000, 3_600_000, 86_400_000)
GRACE_MS = 10_000
VAULT_AGAIN_MS = 2_000
_DEFINITE = frozenset({Outcome.APPROVED, Outcome.DECLINED, Outcome.ACTION_REQUIRED, Outcome.FAILED})
_REVERSIBLE = frozenset({"authorize", "complete", "verify"})
_logger = log.get("recovery")


async def portion(ports: Ports) -> int:
    """Take up attempts that are due; returns how many."""
    done = 0
    for attempt in await store.due_attempts(ports.pool, now_ms=clock.now_ms(), limit=PORTION):
        try:
            done += await recover(ports, attempt)
        except Exception:
            _logger.exception("an attempt could not be recovered", attempt=attempt.id, action=attempt.action)
    return done


async def recover(ports: Ports, attempt: AttemptRow) -> bool:
    """Take up one attempt; False if somebody else did."""
    taken = attempt._replace(version=attempt.version + 1, next_check_ms=clock.now_ms() + HELD_MS)
    try:
        await ports.committer.commit(Commit(attempts=[taken]))
    except Moved:
        return False
    detail: dict[str, Any] = json.loads(taken.data)
    if not detail.get("claimed"):
        try:
            state = (await ports.vault.tombstone(taken.account, taken.id))["state"]
        except Exception as fault:
            _logger.warning("the vault cannot be asked about an attempt", attempt=taken.id, fault=type(fault).__name__)
            await _put_off(ports, taken, detail, wait_ms=VAULT_AGAIN_MS)
            return True
        if state == "tombstoned":
            await _conclude(ports, taken, Result(Outcome.FAILED, reason="tombstoned"))
            return True
        detail["claimed"] = True
    taken = taken._replace(checks=taken.checks + 1)
    result = await _asked(ports, taken, word="i")
    if result.outcome is Outcome.NOT_FOUND:
        await _never_heard_of(ports, taken, detail)
    elif result.outcome in _DEFINITE:
        await _conclude(ports, taken, result)
    else:
        await _ask_later(ports, taken, detail, silent=result.outcome is Outcome.UNKNOWN, told=result)
        return True
    woken = await store.wake(ports.pool, taken.processor, now_ms=clock.now_ms())
    if woken:
        _logger.info("a processor answers again", processor=taken.processor, attempts=woken)
    return True


async def settle_claim(ports: Ports, principal: Principal, found: Found, call: Call) -> Answer | None:
    """The lasting answer under an idempotency key whose request died: what became of its payment.

    None while that is not known. A request that certainly had no effect gives its key back, with a 503 that says so.
    """
    if found.attempt is None or call.claim is None:
        return None
    attempt = await find.attempt(ports.pool, principal, found.attempt)
    if attempt is None:
        return None
    if attempt.state == "open":
        await recover(ports, attempt)
        attempt = await find.attempt(ports.pool, principal, found.attempt)
        assert attempt is not None, "attempts are never deleted"
    decided = approve_review.is_ordered_by(attempt)  # whatever becomes of the order: it is given again
    if attempt.state == "open" and not decided:
        return None
    if attempt.state == "failed" and not decided:
        gone = ReleaseRow(principal.account, principal.livemode, call.claim.key, found.owner)
        await ports.committer.commit(Commit(releases=[gone]))
        raise refusals.not_sent()
    answer = await _shown(ports, principal, attempt, call)
    sealed = await call.sealed(answer)
    row = AnswerRow(principal.account, principal.livemode, call.claim.key, found.owner, answer.status, sealed)
    await ports.committer.commit(Commit(answers=[row]))
    return answer


async def _shown(ports: Ports, principal: Principal, attempt: AttemptRow, call: Call) -> Answer:
    """What ``attempt`` was for, as it now is."""
    if attempt.action in ports.concluders:
        return await ports.concluders[attempt.action].show(principal, attempt, call)
    if attempt.refund is not None:
        row = await find_refunds.refund(ports.pool, principal, attempt.refund)
        return await call.answer(refunds.render(row))
    assert attempt.intent is not None, "an attempt is for a refund or an intent"
    if attempt.intent.startswith("seti_"):
        shown = render_setups.setup_intent(
            await setup_edit.read(ports, principal, attempt.intent), ports.client_secrets
        )
        return await call.answer(render_setups.for_principal(shown, call.principal))
    row = await find.intent(ports.pool, principal, attempt.intent)
    return await conclude.show(ports, call, await keep.open_intent(row, ports.box))


async def _conclude(ports: Ports, attempt: AttemptRow, result: Result) -> None:
    """Hand a definite result to the flow that opened the attempt."""
    if attempt.action in ports.concluders:
        await ports.concluders[attempt.action].settle(attempt, result)
    elif attempt.action == "refund":
        await refund.settle(ports, attempt, result)
    elif attempt.intent is not None and attempt.intent.startswith("seti_"):
        await setup.settle(ports, attempt, result)
    else:
        version = await find.api_version(ports.pool, attempt.account)
        cause = causes.of_clock(
            attempt.account,
            attempt.livemode,
            name="recovery",
            api_version=version,
            now=await business_time.now(ports.pool, attempt.account, attempt.livemode),
        )
        conclude_it = {
            "authorize": finish.settled, "complete": finish.settled, "capture": capture.settled,
            "increment": increment.settled, "void": release.settled,
        }[attempt.action]
        await conclude_it(ports, attempt, result, cause=cause)
    _logger.info("an attempt was concluded", attempt=attempt.id, action=attempt.action, outcome=result.outcome.value)


async def _asked(ports: Ports, attempt: AttemptRow, *, word: str) -> Result:
    """An inquiry; the version makes its step unique, since nobody else took this one up."""
    return await inquire(ports, attempt, word=f"{word}{attempt.version}")


async def _never_heard_of(ports: Ports, attempt: AttemptRow, detail: dict[str, Any]) -> None:
    """The processor does not know the reference: final only when nothing can arrive any more."""
    final_ms = attempt.send_before_ms + build.TIMEOUT_MS + GRACE_MS
    now_ms = clock.now_ms()
    if now_ms < final_ms:
        await _put_off(ports, attempt, {**detail, "silent": False}, wait_ms=final_ms - now_ms)
        return
    if attempt.action in _REVERSIBLE:
        reference = detail.get("authorize") or detail.get("verify") or attempt.id
        if (await _reversed(ports, attempt, reference)).outcome not in (Outcome.APPROVED, Outcome.NOT_FOUND):
            await _ask_later(ports, attempt, detail, silent=True)
            return
    again = await _asked(ports, attempt, word="j")
    if again.outcome is Outcome.NOT_FOUND:
        await _conclude(ports, attempt, Result(Outcome.FAILED, reason="never_arrived"))
    elif again.outcome in _DEFINITE:
        await _conclude(ports, attempt, again)
    else:
        await _ask_later(ports, attempt, detail, silent=True)


async def _reversed(ports: Ports, attempt: AttemptRow, reference: str) -> Result:
    steps = ports.processors[attempt.processor].reverse(
        Reverse(
            step=f"{attempt.id}.r{attempt.version}",
            send_before_ms=clock.now_ms() + build.SEND_WITHIN_MS,
            timeout_ms=build.TIMEOUT_MS,
            settings=ports.settings[attempt.processor],
            reference=reference,
        )
    )
    return await _sent(ports, attempt, steps)


async def _sent(ports: Ports, attempt: AttemptRow, steps: Steps) -> Result:
    return await send(ports, account=attempt.account, livemode=attempt.livemode, steps=steps)


async def _ask_later(
    ports: Ports, attempt: AttemptRow, detail: dict[str, Any], *, silent: bool, told: Result | None = None
) -> None:
    detail = {**detail, "silent": silent}
    if attempt.state == "open" and told is not None:
        # Its request is dead, and it may have reached the processor: whoever asks is told that it is under way.
        await _conclude(ports, attempt._replace(data=dumps(detail)), told)
        return
    wait_ms = BACKOFF_MS[min(attempt.checks, len(BACKOFF_MS)) - 1]
    if attempt.checks >= len(BACKOFF_MS):
        _logger.error("an attempt is still without an outcome", attempt=attempt.id, checks=attempt.checks)
    await _put_off(ports, attempt, detail, wait_ms=wait_ms)


async def _put_off(ports: Ports, attempt: AttemptRow, detail: Mapping[str, Any], *, wait_ms: int) -> None:
    """Ask again after ``wait_ms``. An attempt that its own request still works on keeps its state."""
    assert attempt.state in INDEFINITE, "only what is not definite is put off"
    kept = {name: value for name, value in detail.items() if name != "silent" or value}
    later = attempt._replace(version=attempt.version + 1, next_check_ms=clock.now_ms() + wait_ms, data=dumps(kept))
    try:
        await ports.committer.commit(Commit(attempts=[later]))
    except Moved:
        return  # its own request has concluded it meanwhile
