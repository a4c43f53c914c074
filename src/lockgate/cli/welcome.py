"""What 'lockgate up' says when everything runs: where it is, the keys, and a first payment to copy."""

import shlex
from collections.abc import Mapping
from typing import Any

# The parts of the first payment, once: both examples and the tests that run them are made from here.
PAYMENT = {
    "amount": "2000",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "payment_method_types[]": "card",
    "confirm": "true",
}


def curl(started: Mapping[str, Any]) -> str:
    """One line that takes a payment."""
    trust = f"--cacert {shlex.quote(started['ca_file'])} " if started["api"].startswith("https") else ""
    fields = " ".join(f"-d '{name}={value}'" for name, value in PAYMENT.items())
    return f"curl {trust}{started['api']}/v1/payment_intents -u {started['secret_key']}: {fields}"


def snippet(started: Mapping[str, Any]) -> str:
    """Six lines of Python with the SDK that merchants already use."""
    return "\n".join([
        "import stripe",
        f'stripe.api_key = "{started["secret_key"]}"',
        f'stripe.api_base = "{started["api"]}"',
        f'stripe.ca_bundle_path = "{started["ca_file"]}"',
        'payment = stripe.PaymentIntent.create(amount=2000, currency="usd", payment_method="pm_card_visa", '
        'payment_method_types=["card"], confirm=True)',
        "print(payment.id, payment.status)",
    ])


def text(started: Mapping[str, Any], *, separation: str, seconds: float) -> str:
    """The whole message."""
    lines = [
        "",
        f"Lockgate is ready ({started['profile']}, {seconds:.1f} s). Ctrl-C stops it.",
        "",
        f"  API              {started['api']}",
        f"  CA certificate   {started['ca_file']}",
    ]
    names = {"publishable_key": "Publishable key", "secret_key": "Secret key"}
    lines += [f"  {label:<16} {started[name]}" for name, label in names.items() if started.get(name)]
    lines += [f"  {'Sealing key':<16} {started['seal_verify_key']} (pin it where cards are sealed)"]
    lines += [f"  {'Separation':<16} {separation}"]
    if started.get("owner_link"):
        lines += ["", "Sign up as the first owner. This link works once, for 24 hours, and is not shown again:", ""]
        lines += [f"  {started['owner_link']}"]
    if started.get("secret_key"):
        lines += ["", "Take a payment:", "", f"  {curl(started)}", "", "or in Python (pip install stripe):", ""]
        lines += [f"  {line}" for line in snippet(started).splitlines()]
    return "\n".join(lines) + "\n"
