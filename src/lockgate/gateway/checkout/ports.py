"""What the checkout room needs from outside: the payments room's own ports have all of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lockgate.gateway.customers.ports import Box
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.payments.ports import Ports as PaymentsPorts
from lockgate.gateway.signals.ports import Ports as SignalsPorts
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool


@dataclass(frozen=True, slots=True)
class Ports:
    """``public_url`` is where shoppers reach the page."""

    pool: Pool
    committer: Committer
    box: Box
    client_secrets: ClientSecrets
    payments: PaymentsPorts
    signals: SignalsPorts
    public_url: str
    poke: Callable[[], None] = field(repr=False)

    @classmethod
    def beside(cls, payments: PaymentsPorts) -> "Ports":
        """The same things that payments has."""
        return cls(
            pool=payments.pool,
            committer=payments.committer,
            box=payments.box,
            client_secrets=payments.client_secrets,
            payments=payments,
            signals=SignalsPorts(payments.pool, payments.box, payments.public_url),
            public_url=payments.public_url,
            poke=payments.poke,
        )
