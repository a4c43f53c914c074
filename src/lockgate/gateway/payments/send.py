"""Runs an adapter's conversation: each order goes through the vault, each reply back into the adapter."""

from typing import Protocol

from lockgate.gateway.processors.contract import Outcome, Result, Steps
from lockgate.kernel import log
from lockgate.kernel.orders import Lost, Order, Reply

MAX_ORDERS = 8
_logger = log.get("payments")


class Forwards(Protocol):
    """What sends an order: the vault's client, which never raises for what the network does."""

    async def forward(
        self, account: str, livemode: bool, order: Order, *, intent: str | None = None
    ) -> Reply: ...


class Sends(Protocol):
    """Ports with a vault to send through."""

    @property
    def vault(self) -> Forwards: ...


async def send(
    ports: Sends, *, account: str, livemode: bool, steps: Steps, intent: str | None = None
) -> Result:
    """The conversation's Result. A fault of the adapter or on the way to the vault is UNKNOWN: an order may be out.

    ``intent`` is the payment or setup intent whose card code the orders may carry: the vault gives it to no other.
    """
    try:
        order = next(steps)
        for _ in range(MAX_ORDERS):
            order = steps.send(await _forward(ports, account, livemode, order=order, intent=intent))
    except StopIteration as end:
        return end.value
    except Exception:
        _logger.exception("an adapter failed on an answer")
        return Result(Outcome.UNKNOWN, reason="adapter_fault")
    _logger.error("an adapter does not come to an end", orders=MAX_ORDERS)
    return Result(Outcome.UNKNOWN, reason="too_many_orders")


async def _forward(
    ports: Sends, account: str, livemode: bool, *, order: Order, intent: str | None
) -> Reply:
    try:
        return await ports.vault.forward(account, livemode, order, intent=intent)
    except Exception:
        _logger.exception("the way to the vault failed around an order", step=order.step)
        return Lost("vault_fault")
