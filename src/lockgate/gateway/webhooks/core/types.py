"""Every type of event that Lockgate emits, and what an endpoint may ask for."""

from collections.abc import Sequence

from lockgate.kernel.errors import invalid

ENDPOINT_DISABLED = "lockgate.webhook_endpoint.disabled"
EVENT_TYPES = (
    "account.updated",
    "balance.available",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    ENDPOINT_DISABLED,
    "mandate.updated",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.updated",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "review.closed",
    "review.opened",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
)
ALL = "*"


def checked(wanted: Sequence[str]) -> list[str]:
    """The types an endpoint asks for, each once; ``*`` means every type and makes the others needless."""
    if not wanted:
        raise invalid("Name at least one event type, or '*' for all.", param="enabled_events")
    for place, name in enumerate(wanted):
        if name != ALL and name not in EVENT_TYPES:
            raise invalid(
                f"enabled_events[{place}] is not a type of event that Lockgate emits (see docs/webhooks.md).",
                param=f"enabled_events[{place}]",
            )
    return [ALL] if ALL in wanted else list(dict.fromkeys(wanted))


def wants(enabled: Sequence[str], type_: str) -> bool:
    """Whether an endpoint with ``enabled`` types gets an event of ``type_``."""
    return ALL in enabled or type_ in enabled
