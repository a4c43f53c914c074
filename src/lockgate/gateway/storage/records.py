"""The rows of the tables beside the money path, column for column; a table's name is its kind without the plural s."""

from typing import NamedTuple


class SetupAttemptRow(NamedTuple):
    """One try to save a payment method; ``attempt`` is the order that carried it."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    setup_intent: str
    status: str
    customer: str | None
    payment_method: str
    attempt: str
    subject: str
    data: str
    personal: bytes | None


class MandateRow(NamedTuple):
    """A cardholder's leave to charge later; ``intent`` is where it was given. Who, where from: personal."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    status: str
    type: str
    payment_method: str
    intent: str
    subject: str
    data: str
    personal: bytes | None


class CardTokenRow(NamedTuple):
    """A token of the older API: a payment method that may be used once."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    used: bool
    expires_at: int
    payment_method: str
    data: str


class CheckoutSessionRow(NamedTuple):
    """One visit to the till, with the intent that it leads to; ``watched`` while that intent may bring it news."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    status: str
    payment_status: str
    mode: str
    expires_at: int
    customer: str | None
    payment_intent: str | None
    setup_intent: str | None
    email_index: bytes | None
    watched: bool
    subject: str
    data: str
    personal: bytes | None


class DisputeRow(NamedTuple):
    """A cardholder's objection; ``attempt`` is an order about it that is out. Evidence is personal.

    ``ask_at`` is when the processor is asked how it stands, on the account's clock; null once it is over.
    """

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    status: str
    reason: str
    charge: str
    intent: str | None
    amount: int
    currency: str
    due_by: int | None
    ask_at: int | None
    attempt: str | None
    processor: str
    processor_reference: str
    subject: str
    data: str
    personal: bytes | None


class EarlyFraudWarningRow(NamedTuple):
    """An issuer's word that a payment was fraud."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    charge: str
    intent: str | None
    fraud_type: str
    actionable: bool
    processor: str
    processor_reference: str
    data: str


class ReviewRow(NamedTuple):
    """A payment that a person is to look at."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    is_open: bool
    charge: str | None
    intent: str | None
    subject: str
    data: str
    personal: bytes | None


class PayoutRow(NamedTuple):
    """Money on its way to the merchant's bank; a negative amount is one on its way back.

    ``ask_at`` is when the processor is asked where it is, on the account's clock. ``attempt`` is the order about it
    that is out, or the one that made it.
    """

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    status: str
    amount: int
    currency: str
    arrival_date: int
    automatic: bool
    ask_at: int | None
    attempt: str | None
    balance_transaction: str | None
    processor: str
    processor_reference: str | None
    data: str


class PayoutLineRow(NamedTuple):
    """One movement (``id`` is the balance transaction's) that an automatic payout pays out; None sets it free."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    payout: str | None


class PayoutScheduleRow(NamedTuple):
    """When an account's money is paid out by the clock; ``id`` is the account's.

    ``anchor`` is the weekday or the day of the month. ``due_at`` is the next time on the account's clock; ``done`` are
    the currencies that were paid out for it already.
    """

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    interval: str
    anchor: str | None
    delay_days: int
    due_at: int | None
    done: list[str]


class ValueListRow(NamedTuple):
    """A list that rules may name."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    alias: str
    name: str
    item_type: str
    created_by: str
    deleted: bool
    data: str


class ValueListItemRow(NamedTuple):
    """One entry of a list: sealed, and found again by a keyed hash. ``prefix`` says how much of a range of addresses
    counts; None for everything else."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    value_list: str
    value_index: bytes
    created_by: str
    deleted: bool
    personal: bytes
    prefix: int | None = None


class TestClockRow(NamedTuple):
    """How far an account's test mode is ahead; ``id`` is the account's."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    offset_s: int


class RiskEventRow(NamedTuple):
    """One payment attempt as velocity counts it, by keyed hashes of what it was paid with and from.

    ``at_ms`` is business time, ``amount`` in US cents. ``state`` is open, approved, declined, blocked or void.
    ``place`` is roughly where: latitude, longitude, and by how many kilometres they may be off.
    """

    account: str
    livemode: bool
    attempt: str
    at_ms: int
    card: bytes | None
    customer: bytes | None
    ip: bytes | None
    device: bytes | None
    email: bytes | None
    bin: bytes | None
    amount: int
    state: str
    place: tuple[float, float, float] | None = None


class RiskDecisionRow(NamedTuple):
    """What was decided of one payment attempt, and by what: never changed. ``rule`` is the rule that decided.

    ``attributes``, ``others`` and what stands in ``data`` under the names ``attributes`` and ``lists`` are what
    ``rules.core.packed.pack`` made of the attributes and the memberships, for the back-test to reach into.
    """

    account: str
    livemode: bool
    id: str
    created: int
    at_ms: int
    attempt: str
    intent: str | None
    charge: str | None
    verdict: str
    challenge: bool
    flagged: bool
    score: float | None
    model: str | None
    ruleset: str
    rule: str | None
    data: str
    attributes: bytes
    others: str


class RiskOutcomeRow(NamedTuple):
    """What became of an attempt that velocity counts: approved, declined or void."""

    account: str
    livemode: bool
    attempt: str
    state: str


class RiskGuardRow(NamedTuple):
    """What must still hold of one key when the commit is written, or the verdict is out of date and nothing is.

    ``measure`` is attempts, amount, declines, blocks, or whom it was seen with: cards, customers, ips, devices, emails.
    Over all that happened after ``since_ms``, this commit's own attempt with it, it must be at least ``low`` and under
    ``high``; None is open.
    """

    account: str
    livemode: bool
    kind: str
    key: bytes
    measure: str
    since_ms: int
    low: int | None
    high: int | None


class RiskLabelRow(NamedTuple):
    """Word that a payment was fraud, or was not; the last word known counts. ``version`` is 1: a label never changes.

    Which payment: its attempt, or its charge; the database finds one from the other. ``source`` is in scoring/core/
    labels.py; ``known_ms`` is business time, from which on velocity and training may know of it.
    """

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    attempt: str | None
    charge: str | None
    fraud: bool
    source: str
    known_ms: int
