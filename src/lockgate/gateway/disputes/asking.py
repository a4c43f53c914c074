"""What every question to a processor needs here: on whose behalf, at what time, and which charge the answer means."""

from typing import Any, TypeVar

from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find as payments_find
from lockgate.gateway.payments import keep as payments_keep
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.core.records import Charge
from lockgate.gateway.payments.send import ask
from lockgate.gateway.processors.contract import Asks
from lockgate.gateway.storage import business_time
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id

Found = TypeVar("Found")


async def cause(ports: Ports, account: str, livemode: bool) -> Cause:
    """What we learn is nobody's request; it counts on the account's own clock."""
    version = await payments_find.api_version(ports.pool, account)
    now = await business_time.now(ports.pool, account, livemode)
    return causes.of_clock(account, livemode, name="disputes", api_version=version, now=now)


def fields(ports: Ports, cause: Cause, processor: str) -> dict[str, Any]:
    """What all requests have."""
    return {
        "step": new_id("ask"),
        "send_before_ms": clock.now_ms() + build.SEND_WITHIN_MS,
        "timeout_ms": build.TIMEOUT_MS,
        "settings": ports.settings[processor],
        "now": cause.now,
    }


async def answered(ports: Ports, cause: Cause, question: Asks[Found]) -> Found | None:
    """What the processor knows; None when nothing was learnt."""
    who = cause.principal
    return await ask(ports, account=who.account, livemode=who.livemode, question=question)


async def charge_of(ports: Ports, cause: Cause, step: str, *, processor: str) -> Charge | None:
    """The captured charge that our ``step`` at ``processor`` made; None while there is none."""
    attempt = await payments_find.attempt(ports.pool, cause.principal, step)
    if attempt is None or attempt.processor != processor:
        return None
    if attempt.charge is not None:
        rows = await payments_find.charges(ports.pool, cause.principal, [attempt.charge])
    elif attempt.intent is not None:
        rows = await payments_find.charges_of(ports.pool, cause.principal, attempt.intent)
    else:
        rows = []
    taken = [row for row in rows if row.status == "succeeded" and row.amount_captured]
    return await payments_keep.open_charge(taken[0], ports.box) if taken else None
