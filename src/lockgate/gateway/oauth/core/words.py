"""Permissions in plain words, for the person who is asked to give them."""

from collections.abc import Mapping
from typing import NamedTuple

from lockgate.gateway.oauth.core.scopes import Scope
from lockgate.kernel.principal import Access


class Plain(NamedTuple):
    """One resource: what it is, what an app can do that reads it, and what one that writes it."""

    name: str
    read: str
    write: str


PLAIN: Mapping[str, Plain] = {
    "account": Plain("Your account", "see its name, country and currency", "change its details"),
    "balance": Plain("Balance", "see what you have and every movement", "change how it is kept"),
    "charges": Plain("Charges", "see charges", "charge cards and capture payments"),
    "checkout_sessions": Plain("Checkout pages", "see checkout pages", "make and end checkout pages"),
    "customers": Plain("Customers", "see your customers' names and addresses", "add, change and delete customers"),
    "disputes": Plain("Disputes", "see disputes and their evidence", "answer disputes and accept losing them"),
    "early_fraud_warnings": Plain("Fraud warnings", "see warnings of issuers", "answer warnings"),
    "ephemeral_keys": Plain("Keys for shoppers' apps", "see them", "make keys that reach one customer"),
    "events": Plain("Events", "see what happened in your account", "send events again"),
    "mandates": Plain("Mandates", "see customers' standing permissions", "change customers' standing permissions"),
    "payment_intents": Plain("Payments", "see payments", "take, capture and cancel payments"),
    "payment_methods": Plain("Saved payment methods", "see them, never a card number", "save, change and remove them"),
    "payouts": Plain("Payouts", "see payouts", "send your balance to your bank account"),
    "refunds": Plain("Refunds", "see refunds", "give money back to your customers"),
    "reviews": Plain("Reviews", "see payments that wait for a decision", "decide about them"),
    "risk": Plain("Fraud verdicts", "see how payments were judged", "say which payments were fraud"),
    "risk_rules": Plain("Fraud rules", "see them", "change what is blocked, reviewed and allowed"),
    "risk_sessions": Plain("Reports of payment pages", "see them", "send and delete them"),
    "risk_settings": Plain("Fraud settings", "see them", "make them stricter, and have other services asked"),
    "setup_intents": Plain("Saving cards", "see attempts to save a card", "save cards for later"),
    "test_clock": Plain("The clock of test mode", "see it", "let time go by in test mode"),
    "tokens": Plain("Card tokens", "see them, never a card number", "make tokens of cards"),
    "value_lists": Plain("Block and allow lists", "see them", "change whom you block and allow"),
    "webhook_endpoints": Plain("Webhooks", "see where events are sent", "have your events sent elsewhere"),
}


class Choice(NamedTuple):
    """One line of the consent page: the resource, its words, and the most that can be given."""

    resource: str
    plain: Plain
    most: Access
    chosen: Access


def choices(offered: Scope, chosen: Mapping[str, Access]) -> list[Choice]:
    """The lines for what may be given, each with what is chosen at first."""
    return [
        Choice(resource, PLAIN[resource], offered[resource], chosen.get(resource, "none"))
        for resource in sorted(offered, key=lambda name: PLAIN[name].name)
    ]
