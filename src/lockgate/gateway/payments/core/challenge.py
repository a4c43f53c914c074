"""How a shopper is led through a challenge: by a redirect that returns to the merchant, or by a script on her page."""

from collections.abc import Mapping
from typing import Any

REDIRECT = "redirect_to_url"
SCRIPT = "use_stripe_sdk"


def way(*, script: bool, return_url: str | None, automatic: Mapping[str, Any] | None) -> str | None:
    """REDIRECT or SCRIPT; None where a redirect is due and nobody said where it returns to.

    ``script``: the caller handles challenges on her own page. ``automatic`` is the intent's automatic_payment_methods:
    while they may redirect, a page to return to is needed.
    """
    if script:
        return SCRIPT
    if return_url:
        return REDIRECT
    if automatic and automatic.get("enabled") and automatic.get("allow_redirects") != "never":
        return None
    return SCRIPT


def next_action(way: str, *, url: str | None, return_url: str | None) -> dict[str, Any]:
    """The intent's ``next_action``; ``url`` is where the challenge takes place."""
    if way == SCRIPT:
        return {"type": SCRIPT, SCRIPT: {"type": "three_d_secure_redirect", "stripe_js": url}}
    return {"type": REDIRECT, REDIRECT: {"url": url, "return_url": return_url}}


def record(said: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A 3-D Secure try as charges and setup attempts show it, from what the processor ``said`` of it."""
    if not said:
        return None
    return {**_NO_RECORD, **{name: said[name] for name in _NO_RECORD if name in said}}


_NO_RECORD = dict.fromkeys(
    ("authentication_flow", "electronic_commerce_indicator", "result", "result_reason", "transaction_id", "version")
)
