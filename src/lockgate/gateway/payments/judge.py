"""Has an attempt to authorise judged, and commits it with its verdict: nothing goes out that was not judged first.

The verdict rests on what was known when it was made. Commit 1 checks under locks that this still holds; where it does
not, nothing was written, and the attempt is judged anew.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from lockgate.gateway.payments.core import build, subjects
from lockgate.gateway.payments.core.records import Method
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.verdict import Assessment
from lockgate.gateway.storage.commit import Overrun
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel import clock
from lockgate.kernel.operations import Call

_Written = TypeVar("_Written")

TRIES = 40
"""So many attempts may overtake one before its verdict no longer rests on how many there were."""

PAUSE_S = 0.004


async def judged(
    ports: Ports, call: Call, subject: Subject, write: Callable[[Assessment], Awaitable[_Written]]
) -> _Written:
    """What ``write`` gives once it has committed with a verdict on ``subject``. What else it raises goes up.

    One that was overtaken again and again is held for a person to look at, whatever the counts by then are.
    """
    for tries in range(TRIES):
        assessment = await ports.assess(subject)
        try:
            return await write(assessment)
        except Overrun:
            await asyncio.sleep(PAUSE_S * min(tries, 10) * random.random())  # noqa: S311 - parts the contenders, protects nothing
        subject = replace(subject, now_ms=_now_ms(call))
    try:
        return await write(await ports.assess(subject, stricter="review"))
    except Overrun as overrun:
        raise build.busy() from overrun


async def about(
    ports: Ports,
    call: Call,
    attempt: AttemptRow,
    *,
    amount: int,
    method: Method,
    personal: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
    session: str | None = None,
    off_session: bool = False,
    tries: int = 0,
) -> Subject:
    """What there is to know of ``attempt``; ``personal`` are its intent's opened fields."""
    return subjects.subject(
        call, attempt,
        now_ms=_now_ms(call),
        amount=amount,
        method=method,
        email=await _email(ports, attempt.account, method, personal or {}),
        shipping=(personal or {}).get("shipping"),
        metadata=metadata,
        session=session,
        off_session=off_session,
        tries=tries,
    )  # fmt: skip


def session(params: Mapping[str, Any], *, method: Method) -> str | None:
    """What the shopper's page reported under, as the request says, or as was said when the card was given."""
    given = params.get("radar_options") or params.get("payment_method_data", {}).get("radar_options") or {}
    return given.get("session") or method.data.get("session")


def _now_ms(call: Call) -> int:
    """Business time, to the millisecond."""
    return clock.now_ms() + call.ahead_s * 1000


async def _email(ports: Ports, account: str, method: Method, personal: Mapping[str, Any]) -> str | None:
    """The shopper's address for letters: the card's, the receipt's, or her customer's."""
    near = method.billing_details.get("email") or personal.get("receipt_email")
    if near or method.payer is None or method.payer.personal is None:
        return near
    return (await ports.box.open(account, method.payer.id, method.payer.personal) or {}).get("email")
