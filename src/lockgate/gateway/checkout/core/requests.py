"""What a request for a session may combine, by mode and by where the shopper will pay."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lockgate.gateway.checkout.core import ui
from lockgate.kernel.errors import Refusal, invalid

LEAST_LIFE_S = 30 * 60
MOST_LIFE_S = 24 * 3600
PAYMENT_ONLY = ("line_items", "payment_intent_data", "submit_type")
SETUP_ONLY = ("setup_intent_data",)


def ui_mode(params: Mapping[str, Any], *, version: str) -> str:
    """Where the shopper pays, with the addresses that this needs checked."""
    mode = ui.read(params.get("ui_mode"), version)
    for name in ("success_url", "cancel_url", "return_url"):
        if name in params:
            _check_url(params[name], name)
    if mode == ui.HOSTED:
        _need(params, "success_url")
        _refuse(params, ("return_url", "redirect_on_completion"), f"ui_mode is {ui.shown(mode, version)}")
        return mode
    _refuse(params, ("success_url", "cancel_url"), f"ui_mode is {ui.shown(mode, version)}")
    if mode == ui.ELEMENTS:
        _refuse(params, ("redirect_on_completion",), f"ui_mode is {ui.shown(mode, version)}")
    elif params.get("redirect_on_completion") == "never":
        _refuse(params, ("return_url",), "redirect_on_completion is never")
    else:
        _need(params, "return_url")
    return mode


def check_mode(params: Mapping[str, Any]) -> None:
    """Refuse what belongs to the other mode, and what excludes each other."""
    mode = params["mode"]
    _refuse_mode(params, PAYMENT_ONLY if mode == "setup" else SETUP_ONLY, mode)
    if mode == "payment" and not params.get("line_items"):
        raise invalid("Missing required param: line_items.", param="line_items", code="parameter_missing")
    for first, second in (("customer", "customer_email"), ("customer", "customer_creation")):
        if first in params and second in params:
            raise invalid(
                f"You may only specify one of these parameters: {first}, {second}.",
                param=second,
                code="parameters_exclusive",
            )


def expires_at(params: Mapping[str, Any], *, now: int) -> int:
    """When the session ends if nobody pays."""
    at = params.get("expires_at", now + MOST_LIFE_S)
    if at < now + LEAST_LIFE_S:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if at > now + MOST_LIFE_S:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return at


def with_id(url: str, id_: str) -> str:
    """A merchant's address with the session's id where she asked for it."""
    return url.replace("{CHECKOUT_SESSION_ID}", id_)


def _check_url(url: str, name: str) -> None:
    """Only web addresses: what is no such address could run in the shopper's browser when it is opened."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or set(url) & set(" \\\"'<>"):
        raise invalid("Not a valid URL.", param=name, code="url_invalid")


def _need(params: Mapping[str, Any], name: str) -> None:
    if name not in params:
        raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")


def _refuse(params: Mapping[str, Any], names: tuple[str, ...], because: str) -> None:
    for name in names:
        if name in params:
            raise invalid(f"{name} cannot be used when {because}.", param=name)


def _refuse_mode(params: Mapping[str, Any], names: tuple[str, ...], mode: str) -> None:
    for name in names:
        if name in params:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", param=name)


def under(path: str, refusal: Refusal) -> Refusal:
    """A refusal of one of the intent's parameters, naming the parameter that it came from."""
    if refusal.param is not None:
        refusal.param = f"{path}[{refusal.param}]"
    return refusal
