"""Intents, charges and payment methods in the hand: a row with its JSON and its personal fields already read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.payments.core import hidden
from lockgate.gateway.payments.core.transitions import CHARGE, PAYMENT_INTENT, move
from lockgate.gateway.storage.rows import ChargeRow, PaymentIntentRow, PaymentMethodRow


@dataclass(frozen=True, slots=True)
class Intent:
    """``unsealed`` says that ``personal`` is not what ``row.personal`` holds: it must be sealed before a write."""

    row: PaymentIntentRow
    data: Mapping[str, Any]
    personal: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unsealed: bool = False

    @property
    def is_hidden(self) -> bool:
        """Whether it only drives a charge of the older API."""
        return hidden.charge_of(self.row.id) is not None

    def after(
        self,
        status: str | None = None,
        *,
        data: Mapping[str, Any] | None = None,
        personal: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> "Intent":
        """The next version: ``status`` by the table, the given columns, ``data`` and ``personal`` laid over the old."""
        row = self.row._replace(
            version=self.row.version + 1,
            status=move(PAYMENT_INTENT, self.row.status, status or self.row.status),
            **columns,
        )
        return Intent(
            row,
            {**self.data, **data} if data else self.data,
            _laid_over(self.personal, personal) if personal else self.personal,
            self.unsealed or bool(personal) or row.subject != self.row.subject,
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge, as an Intent is kept."""

    row: ChargeRow
    data: Mapping[str, Any]
    personal: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unsealed: bool = False

    def after(
        self,
        status: str | None = None,
        *,
        data: Mapping[str, Any] | None = None,
        personal: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> "Charge":
        """The next version, as an Intent's."""
        row = self.row._replace(
            version=self.row.version + 1,
            status=move(CHARGE, self.row.status, status or self.row.status),
            **columns,
        )
        return Charge(
            row,
            {**self.data, **data} if data else self.data,
            _laid_over(self.personal, personal) if personal else self.personal,
            self.unsealed or bool(personal) or row.subject != self.row.subject,
        )


@dataclass(frozen=True, slots=True)
class Payer:
    """The customer who pays, as far as a verdict asks for her; ``personal`` is still sealed."""

    id: str
    created: int
    personal: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Method:
    """A payment method to pay with. ``fresh`` ones are not in the database yet.

    ``made_from`` is the address of the browser that it was made in, where one made it. ``payer`` is the customer of
    the payment that it is for, ``tries`` how often that was tried before.
    """

    row: PaymentMethodRow
    data: Mapping[str, Any]
    billing_details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fresh: bool = False
    made_from: str | None = field(default=None, repr=False)
    payer: Payer | None = None
    tries: int = 0

    @property
    def consent(self) -> Mapping[str, Any]:
        """What the cardholder agreed to when the card was saved."""
        return self.data.get("consent") or {}

    @property
    def has_cvc(self) -> bool:
        """Whether a security code was given with this card and must go with its payment.

        A card that was saved is paid with as saved; one that was not is never sent without the code it came with.
        """
        return bool(self.data["card"].get("has_cvc")) and self.row.customer is None and not self.consent

    @property
    def address(self) -> Mapping[str, Any]:
        """The billing address, as far as it was given."""
        return self.billing_details.get("address") or {}


def dumps(value: Mapping[str, Any]) -> str:
    """JSON as the ``data`` columns keep it."""
    return json.dumps(value, separators=(",", ":"))


def _laid_over(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``before`` with ``changes``; what becomes None is forgotten, not kept as null."""
    return {name: value for name, value in {**before, **changes}.items() if value is not None}
