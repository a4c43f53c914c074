"""What a processor's notification about one of our orders leads to: a look at it, never belief in what it says."""

from lockgate.gateway.payments import find, refund_failure, store
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.payments.inquire import inquire
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.processors.contract import REFUND_FAILED, Outcome
from lockgate.kernel import clock, log
from lockgate.kernel.ids import random_token
from lockgate.kernel.principal import Principal

_logger = log.get("notices")


async def step(ports: Ports, account: str, livemode: bool, reference: str) -> bool:
    """Look again at the attempt ``reference``; False if nothing could be learnt yet. Any number of times does no harm.

    One whose end is not known becomes recovery's at once. A refund that had succeeded may have come back.
    """
    who = Principal(account, livemode, "internal", "notification")
    attempt = await find.attempt(ports.pool, who, reference)
    if attempt is None:
        return True  # none of ours: there is nothing to look at
    if attempt.state == "open":
        return False  # its own request is still at work, or recovery will be
    if attempt.state in INDEFINITE:
        await store.wake_one(ports.pool, account, livemode, id_=attempt.id, now_ms=clock.now_ms())
        ports.poke()
        return True
    if attempt.action != "refund" or attempt.state != "approved":
        return True
    result = await inquire(ports, attempt, word=f"n{random_token(8)}")
    if result.outcome is Outcome.DECLINED and result.decline_code == REFUND_FAILED:
        await refund_failure.write(ports, attempt, reason=result.reason)
        _logger.info("a refund came back", attempt=attempt.id, refund=attempt.refund)
        return True
    return result.outcome is Outcome.APPROVED
