"""What is judged: a payment attempt as the payments room knows it, before anything is sent. Pure values, no rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lockgate.kernel.principal import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The card that is to be paid with, as far as it may be known outside the vault.

    ``bin`` is its first six digits, ``country`` what the vault's own table of test cards says. ``test`` names a
    published test number (kernel.testcards), else None. ``saved``: it belongs to a customer already.
    """

    fingerprint: str = field(repr=False)
    bin: str | None
    brand: str
    funding: str | None
    country: str | None
    test: str | None = None
    saved: bool = False
    has_cvc: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who pays, where the merchant keeps a customer. ``created`` is business time in seconds."""

    id: str
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One attempt to take money, or to save a card (``setup``; then ``amount`` is 0).

    ``now`` is business time in seconds and ``now_ms`` the same in milliseconds (``Call.ahead_s`` seconds more than the
    world's clock). ``amount`` is in the currency's minor units. ``address`` is the shopper's, where one is known, and
    never the merchant's server's. ``session`` is a Radar session (``rse_...``) that the payment names. ``kind`` is the
    kind of principal that confirms, ``tries`` how often this very payment was tried before. A method without a card
    has ``card`` None. ``puzzle`` is the solved puzzle that came along.
    """

    account: str
    livemode: bool
    now: int
    now_ms: int
    attempt: str
    intent: str | None
    charge: str | None
    amount: int
    currency: str
    card: Card | None
    kind: Kind
    customer: Customer | None = None
    email: str | None = field(default=None, repr=False)
    shipping_country: str | None = None
    billing_country: str | None = None
    address: str | None = field(default=None, repr=False)
    session: str | None = None
    setup: bool = False
    off_session: bool = False
    tries: int = 0
    request: str | None = None
    puzzle: str | None = field(default=None, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_from_browser(self) -> bool:
        """Whether a key in a shopper's hands confirms it."""
        return self.kind in ("publishable", "ephemeral")
