"""Runs an adapter's conversation: each order goes through the vault, each reply back into the adapter."""

from collections.abc import Generator
from typing import Protocol, TypeVar

from lockgate.gateway.processors.contract import Asks, Outcome, Result, Steps
from lockgate.kernel import log
from lockgate.kernel.orders import Lost, Order, Reply

MAX_ORDERS = 8
_logger = log.get("payments")
_Found = TypeVar("_Found")
_End = TypeVar("_End")


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
        return await _converse(ports, account, livemode, steps=steps, intent=intent)
    except _Faulty as fault:
        return Result(Outcome.UNKNOWN, reason=str(fault))


async def ask(ports: Sends, *, account: str, livemode: bool, question: Asks[_Found]) -> _Found | None:
    """What a question found; None when nothing was learnt, whatever went wrong."""
    try:
        return await _converse(ports, account, livemode, steps=question, intent=None)
    except _Faulty:
        return None


class _Faulty(Exception):
    """The adapter cannot go on; the text is a short code."""


async def _converse(
    ports: Sends, account: str, livemode: bool, *, steps: Generator[Order, Reply, _End], intent: str | None
) -> _End:
    try:
        order = next(steps)
        for _ in range(MAX_ORDERS):
            order = steps.send(await _forward(ports, account, livemode, order=order, intent=intent))
    except StopIteration as end:
        return end.value
    except Exception as fault:
        _logger.exception("an adapter failed on an answer")
        raise _Faulty("adapter_fault") from fault
    _logger.error("an adapter does not come to an end", orders=MAX_ORDERS)
    raise _Faulty("too_many_orders")


async def _forward(
    ports: Sends, account: str, livemode: bool, *, order: Order, intent: str | None
) -> Reply:
    try:
        return await ports.vault.forward(account, livemode, order, intent=intent)
    except Exception:
        _logger.exception("the way to the vault failed around an order", step=order.step)
        return Lost("vault_fault")
