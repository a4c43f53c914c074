"""The API version in which an endpoint gets its events: the account's, or one of its own that they can be shown in."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.checkout.core import ui
from lockgate.gateway.payments.core.shapes import CHARGES_UNTIL
from lockgate.kernel.errors import invalid

OLDEST = "2020-08-27"


def checked(asked: str, *, pinned: str) -> str:
    """``asked``, if events made in ``pinned``, the account's version, can be shown in it.

    Before 2022-11-15 a PaymentIntent carried its charges: an event is stored with them or without them.
    """
    if asked[:10] < OLDEST or (asked[:10] < CHARGES_UNTIL) != (pinned[:10] < CHARGES_UNTIL):
        raise invalid(
            f"This api_version is not supported here: events are made in the account's version, {pinned}, and cannot be"
            f" shown in one on the other side of {CHARGES_UNTIL}.",
            param="api_version",
            code="parameter_unsupported",
        )
    return asked


def shown(event: Mapping[str, Any], version: str) -> dict[str, Any]:
    """``event``, rendered in its own version, as ``version`` has it."""
    changed = {**event, "api_version": version}
    if event["type"].startswith("checkout.session."):
        session = event["data"]["object"]
        mode = ui.read(session["ui_mode"], event["api_version"])
        changed["data"] = {**event["data"], "object": {**session, "ui_mode": ui.shown(mode, version)}}
    return changed
