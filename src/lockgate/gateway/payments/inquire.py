"""Asks a processor what became of an order, by our reference to it."""

from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Inquire, Result
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel import clock


async def inquire(ports: Ports, attempt: AttemptRow, *, word: str) -> Result:
    """What became of ``attempt``. ``word`` makes the inquiry's own step unique among those about it."""
    steps = ports.processors[attempt.processor].inquire(
        Inquire(
            step=f"{attempt.id}.{word}",
            send_before_ms=clock.now_ms() + build.SEND_WITHIN_MS,
            timeout_ms=build.TIMEOUT_MS,
            settings=ports.settings[attempt.processor],
            now=await business_time.now(ports.pool, attempt.account, attempt.livemode),
            reference=attempt.id,
        )
    )
    return await send(ports, account=attempt.account, livemode=attempt.livemode, steps=steps)
