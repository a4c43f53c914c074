"""Using the older API's tokens: each once, whoever asks for it and however often at the same time."""

from lockgate.gateway.customers import find, find_tokens, make
from lockgate.gateway.customers.ports import Cards
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import CardTokenRow
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.operations import Call
from lockgate.kernel.testcards import READY_MADE

_READY_MADE, _METHODS = "tok_", "pm_card_"


def is_token(source: str) -> bool:
    """Whether ``source`` names a token rather than a card that is kept."""
    return source.startswith(_READY_MADE)


async def take(
    ports: Cards, pool: Pool, call: Call, source: str, *, customer: str | None, param: str
) -> tuple[PaymentMethodRow, CardTokenRow | None]:
    """The payment method of the token ``source``, and the token as used: both are for the caller's commit.

    A ready-made one such as ``tok_visa`` stands for a fresh card at every use and has no row. ``customer`` is whose the
    payment method becomes; one that was saved with its token is then the next version of its row.
    """
    who = call.principal
    found = await find_tokens.token(pool, who.account, who.livemode, id_=source)
    if found is None:
        name = _METHODS + source.removeprefix(_READY_MADE)
        if who.livemode or name not in READY_MADE:
            raise missing("token", source, param=param)
        return await make.ready_made(ports, call, name, customer=customer), None
    if found.used:
        raise invalid(
            f"You cannot use a token more than once: {source}.", param=param, code="token_already_used"
        )
    if found.expires_at <= call.now:
        raise invalid("This token has expired: collect the card again.", param=param, code="token_expired")
    method = await find.payment_method(pool, who, found.payment_method, param=param)
    if customer is not None:
        method = method._replace(version=method.version + 1, customer=customer)
    return method, found._replace(version=found.version + 1, used=True)


async def given_back(pool: Pool, account: str, livemode: bool, *, id_: str) -> CardTokenRow | None:
    """The used token ``id_`` as if it had not been: what it was used for certainly did not happen."""
    found = await find_tokens.token(pool, account, livemode, id_=id_)
    return found._replace(version=found.version + 1, used=False) if found is not None and found.used else None
