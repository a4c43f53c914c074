"""The rows of the gateway's tables, column for column, and the Commit: everything that one transaction writes."""

from dataclasses import dataclass, field, fields
from typing import NamedTuple

from lockgate.gateway.storage.records import (
    CardTokenRow,
    CheckoutSessionRow,
    DisputeRow,
    EarlyFraudWarningRow,
    MandateRow,
    PayoutLineRow,
    PayoutRow,
    PayoutScheduleRow,
    ReviewRow,
    RiskDecisionRow,
    RiskEventRow,
    RiskGuardRow,
    RiskLabelRow,
    RiskOutcomeRow,
    SetupAttemptRow,
    TestClockRow,
    ValueListItemRow,
    ValueListRow,
)


class CustomerRow(NamedTuple):
    """A customer of the merchant."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    deleted: bool
    email_index: bytes | None
    data: str
    personal: bytes | None


class PaymentMethodRow(NamedTuple):
    """A way to pay; ``token`` is the vault's name for the card."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    type: str
    customer: str | None
    fingerprint: str
    token: str
    subject: str
    data: str
    personal: bytes | None


class PaymentIntentRow(NamedTuple):
    """One intention to take money once."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    status: str
    amount: int
    amount_capturable: int
    amount_received: int
    currency: str
    customer: str | None
    payment_method: str | None
    latest_charge: str | None
    attempt: str | None
    expires_at: int | None
    subject: str
    data: str
    personal: bytes | None


class SetupIntentRow(NamedTuple):
    """One intention to save a payment method."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    status: str
    customer: str | None
    payment_method: str | None
    attempt: str | None
    subject: str
    data: str
    personal: bytes | None


class AttemptRow(NamedTuple):
    """One order to one processor; ``id`` is its step id everywhere."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    action: str
    state: str
    intent: str | None
    charge: str | None
    refund: str | None
    processor: str
    amount: int
    currency: str
    processor_reference: str | None
    send_before_ms: int
    next_check_ms: int | None
    checks: int
    data: str


class ChargeRow(NamedTuple):
    """One authorisation and what became of it."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    status: str
    intent: str | None
    amount: int
    amount_captured: int
    amount_refunded: int
    capture_in_doubt: int
    refund_in_doubt: int
    currency: str
    customer: str | None
    payment_method: str | None
    balance_transaction: str | None
    processor: str
    processor_reference: str | None
    subject: str
    data: str
    personal: bytes | None


class RefundRow(NamedTuple):
    """Money on its way back."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    status: str
    charge: str
    intent: str | None
    amount: int
    currency: str
    balance_transaction: str | None
    data: str


class BalanceTransactionRow(NamedTuple):
    """One movement on the merchant's balance as the dialect shows it."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    type: str
    status: str
    amount: int
    fee: int
    net: int
    currency: str
    source: str
    available_on: int
    data: str


class WebhookEndpointRow(NamedTuple):
    """Where events are sent; ``secrets`` is sealed."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    url: str
    status: str
    enabled_events: list[str]
    deleted: bool
    secrets: bytes
    data: str


class TransferRow(NamedTuple):
    """Money from one ledger account to another."""

    account: str
    livemode: bool
    id: str
    created: int
    debit: str
    credit: str
    amount: int
    currency: str
    kind: str
    phase: str
    settles: str | None
    source: str


class EventRow(NamedTuple):
    """What happened, with the object as it then was."""

    account: str
    livemode: bool
    id: str
    created: int
    type: str
    object: str
    api_version: str
    request: str | None
    idempotency_key: str | None
    subject: str
    data: bytes
    personal: bytes | None


class OutboxRow(NamedTuple):
    """The events of one commit, waiting for fan-out."""

    account: str
    livemode: bool
    id: str
    events: list[str]


class AuditRow(NamedTuple):
    """Who did what, with what outcome. The database itself says in which transaction."""

    account: str
    livemode: bool
    id: str
    created_ms: int
    action: str
    outcome: str
    actor: str
    object: str | None
    address: str | None
    request: str | None
    detail: str
    personal: bytes | None
    tx: int | None = None


class ClaimRow(NamedTuple):
    """An idempotency key taken by one request, with its answer once there is one."""

    account: str
    livemode: bool
    key: str
    request_hash: bytes
    owner: str
    created: int
    lease_until_ms: int
    attempt: str | None
    status: int | None
    answer: bytes | None


class ApiKeyRow(NamedTuple):
    """An API key as we keep it: a keyed hash. ``created_by`` is who made it, as in the audit log."""

    account: str
    livemode: bool
    id: str
    kind: str
    hash: bytes
    hint: str
    name: str
    permissions: str
    created: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    rate_per_s: int
    burst: int
    customer: str | None = None
    created_by: str | None = None
    replaced_by: str | None = None


class AnswerRow(NamedTuple):
    """The lasting answer to the request that owns an idempotency key."""

    account: str
    livemode: bool
    key: str
    owner: str
    status: int
    answer: bytes


class ReleaseRow(NamedTuple):
    """An idempotency key given back: the request certainly had no effect."""

    account: str
    livemode: bool
    key: str
    owner: str


@dataclass(slots=True, kw_only=True)
class Commit:
    """Everything that one business transaction writes, as a pure value.

    A row of a versioned kind with ``version`` 1 is inserted; with a higher one it replaces the row whose version is one
    less, or the whole commit is refused as moved.
    """

    claims: list[ClaimRow] = field(default_factory=list)
    answers: list[AnswerRow] = field(default_factory=list)
    releases: list[ReleaseRow] = field(default_factory=list)
    customers: list[CustomerRow] = field(default_factory=list)
    payment_methods: list[PaymentMethodRow] = field(default_factory=list)
    payment_intents: list[PaymentIntentRow] = field(default_factory=list)
    setup_intents: list[SetupIntentRow] = field(default_factory=list)
    charges: list[ChargeRow] = field(default_factory=list)
    refunds: list[RefundRow] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    balance_transactions: list[BalanceTransactionRow] = field(default_factory=list)
    webhook_endpoints: list[WebhookEndpointRow] = field(default_factory=list)
    transfers: list[TransferRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    outboxes: list[OutboxRow] = field(default_factory=list)
    audits: list[AuditRow] = field(default_factory=list)
    risk_events: list[RiskEventRow] = field(default_factory=list)
    risk_decisions: list[RiskDecisionRow] = field(default_factory=list)
    risk_outcomes: list[RiskOutcomeRow] = field(default_factory=list)
    risk_guards: list[RiskGuardRow] = field(default_factory=list)
    setup_attempts: list[SetupAttemptRow] = field(default_factory=list)
    mandates: list[MandateRow] = field(default_factory=list)
    card_tokens: list[CardTokenRow] = field(default_factory=list)
    checkout_sessions: list[CheckoutSessionRow] = field(default_factory=list)
    disputes: list[DisputeRow] = field(default_factory=list)
    early_fraud_warnings: list[EarlyFraudWarningRow] = field(default_factory=list)
    reviews: list[ReviewRow] = field(default_factory=list)
    payouts: list[PayoutRow] = field(default_factory=list)
    payout_lines: list[PayoutLineRow] = field(default_factory=list)
    payout_schedules: list[PayoutScheduleRow] = field(default_factory=list)
    value_lists: list[ValueListRow] = field(default_factory=list)
    value_list_items: list[ValueListItemRow] = field(default_factory=list)
    test_clocks: list[TestClockRow] = field(default_factory=list)
    risk_labels: list[RiskLabelRow] = field(default_factory=list)

    def touches(self) -> set[str]:
        """The keys of rows that this commit changes or claims: two commits that share one must not share a batch."""
        return (
            {row.id for kind in (*VERSIONED, *RECORDS) for row in getattr(self, kind)}
            | {f"{row.account}/{row.livemode}/{row.key}" for row in (*self.claims, *self.answers, *self.releases)}
            | {row.attempt for row in (*self.risk_events, *self.risk_outcomes)}
        )

    def add(self, other: "Commit") -> None:
        """Take in all rows of ``other``."""
        for kind in (*KINDS, *RECORDS):
            getattr(self, kind).extend(getattr(other, kind))


RECORDS = (
    "setup_attempts",
    "mandates",
    "card_tokens",
    "checkout_sessions",
    "disputes",
    "early_fraud_warnings",
    "reviews",
    "payouts",
    "payout_lines",
    "payout_schedules",
    "value_lists",
    "value_list_items",
    "test_clocks",
    "risk_labels",
)
"""Kinds beside the money path, all versioned; they travel together in one parameter."""

KINDS = tuple(f.name for f in fields(Commit) if f.name not in RECORDS)
VERSIONED = (
    "customers",
    "payment_methods",
    "payment_intents",
    "setup_intents",
    "charges",
    "refunds",
    "attempts",
    "balance_transactions",
    "webhook_endpoints",
)
