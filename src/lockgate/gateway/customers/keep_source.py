"""Keeps the card of a token for a customer, by the older API: it becomes her default source."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers import find, tokens
from lockgate.gateway.customers.core import sources
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.customers.verify import verified
from lockgate.gateway.storage.records import CardTokenRow
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.operations import Call


async def kept_source(
    ports: Ports, call: Call, source: str, *, customer: str
) -> tuple[PaymentMethodRow, CardTokenRow | None]:
    """The card of ``source`` as the customer's own, verified, and its token as used; both for the caller's commit."""
    if not tokens.is_token(source):
        raise missing("token", source, param="source")
    row, token = await tokens.take(ports, ports.pool, call, source, customer=customer, param="source")
    found = None if token is None else await find.payment_method(ports.pool, call.principal, row.id)
    return await verified(ports, call, row, found=found), token


async def default_source(ports: Ports, call: Call, source: str, *, customer: str) -> str:
    """The older name of the customer's card that ``source`` means."""
    method = await find.payment_method(ports.pool, call.principal, sources.method_of(source), param="default_source")
    if method.customer != customer:
        raise missing("source", source, param="default_source")
    return sources.card_of(method.id)


def check_source(params: Mapping[str, Any]) -> None:
    """Refuse two ways to pay in one request."""
    for other in ("payment_method", "default_source"):
        if "source" in params and other in params:
            raise invalid(f"Only one of source and {other} may be sent.", param="source", code="parameters_exclusive")
