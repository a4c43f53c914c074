"""``lockgate trigger``: makes the real API calls that cause an event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from lockgate.cli.merchant import ApiOption, CaOption, KeyOption, Merchant, Refused, open_merchant
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.kernel.config import ConfigError

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One call. ``{name}`` in path and fields is the id that an earlier step gave as ``gives``, or its intent's id."""

    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    gives: str = ""
    method: str = "POST"
    declined: bool = False  # the card's refusal is what is wanted


def _pay(card: str = "pm_card_visa", *, declined: bool = False, **more: str) -> Step:
    fields = {
        "amount": "2000", "currency": "usd", "payment_method": card, "payment_method_types[]": "card",
        "confirm": "true", **more,
    }  # fmt: skip
    return Step("/v1/payment_intents", fields, "pi", declined=declined)


def _save(card: str, **more: str) -> Step:
    fields = {"payment_method": card, "payment_method_types[]": "card", "confirm": "true", **more}
    return Step("/v1/setup_intents", fields, "seti", declined="chargeDeclined" in card)


_RETURN_URL = "https://example.com/return"
_MANUAL = _pay(capture_method="manual")
_CUSTOMER = Step("/v1/customers", {"description": "made by lockgate trigger"}, "cus")
_ATTACH = Step("/v1/payment_methods/pm_card_visa/attach", {"customer": "{cus}"}, "pm")
_REFUND = Step("/v1/refunds", {"payment_intent": "{pi}"}, "re")
_METADATA = {"metadata[made_by]": "trigger"}

_SESSION = Step(
    "/v1/checkout/sessions",
    {
        "mode": "payment", "success_url": _RETURN_URL, "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": "2000",
        "line_items[0][price_data][product_data][name]": "Made by lockgate trigger",
    },
    "cs",
)  # fmt: skip

RECIPES: dict[str, tuple[Step, ...]] = {
    "charge.captured": (_MANUAL, Step("/v1/payment_intents/{pi}/capture")),
    "charge.failed": (_pay("pm_card_chargeDeclined", declined=True),),
    "charge.refunded": (_pay(), _REFUND),
    "charge.succeeded": (_pay(),),
    "checkout.session.completed": (
        _SESSION,
        Step("/v1/payment_intents/{pi}/confirm", {"payment_method": "pm_card_visa", "return_url": _RETURN_URL}),
    ),
    "checkout.session.expired": (_SESSION, Step("/v1/checkout/sessions/{cs}/expire")),
    "customer.created": (_CUSTOMER,),
    "customer.deleted": (_CUSTOMER, Step("/v1/customers/{cus}", method="DELETE")),
    "customer.updated": (_CUSTOMER, Step("/v1/customers/{cus}", _METADATA)),
    "payment_intent.amount_capturable_updated": (_MANUAL,),
    "payment_intent.canceled": (
        Step("/v1/payment_intents", {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}, "pi"),
        Step("/v1/payment_intents/{pi}/cancel"),
    ),
    "payment_intent.created": (_pay(),),
    "payment_intent.payment_failed": (_pay("pm_card_chargeDeclined", declined=True),),
    "payment_intent.requires_action": (_pay("pm_card_threeDSecure2Required", return_url=_RETURN_URL),),
    "payment_intent.succeeded": (_pay(),),
    "payment_method.attached": (_CUSTOMER, _ATTACH),
    "payment_method.detached": (_CUSTOMER, _ATTACH, Step("/v1/payment_methods/{pm}/detach")),
    "payment_method.updated": (_CUSTOMER, _ATTACH, Step("/v1/payment_methods/{pm}", _METADATA)),
    "refund.created": (_pay(), _REFUND),
    "refund.updated": (_pay(), _REFUND, Step("/v1/refunds/{re}", _METADATA)),
    "review.closed": (_pay("pm_card_riskLevelElevated"), _REFUND),
    "review.opened": (_pay("pm_card_riskLevelElevated"),),
    "setup_intent.canceled": (
        Step("/v1/setup_intents", {"payment_method_types[]": "card"}, "seti"),
        Step("/v1/setup_intents/{seti}/cancel"),
    ),
    "setup_intent.created": (_save("pm_card_visa"),),
    "setup_intent.requires_action": (_save("pm_card_authenticationRequired", return_url=_RETURN_URL),),
    "setup_intent.setup_failed": (_save("pm_card_chargeDeclined"),),
    "setup_intent.succeeded": (_save("pm_card_visa"),),
}


@app.command()
def trigger(  # noqa: PLR0917 - typer reads the options from the parameters
    event: Annotated[str | None, typer.Argument(help="A type of event, such as payment_intent.succeeded.")] = None,
    home: HomeOption = DEFAULT_HOME,
    api: ApiOption = None,
    key: KeyOption = None,
    ca: CaOption = None,
    list_: Annotated[bool, typer.Option("--list", help="Name the types that can be triggered.")] = False,
) -> None:
    """Make the API calls that cause an event, with test cards."""
    if list_:
        print("\n".join(RECIPES))
        return
    if event is None or event not in RECIPES:
        raise ConfigError("name a type of event that API calls can cause: 'lockgate trigger --list' shows them")
    merchant = open_merchant(home, api=api, key=key, ca=ca)
    if "_live_" in merchant.key:
        raise ConfigError("triggering uses test cards: give a test mode key")
    given: dict[str, str] = {}
    for step in RECIPES[event]:
        said = _take(merchant, step, given)
        print(said, flush=True)


def _take(merchant: Merchant, step: Step, given: dict[str, str]) -> str:
    """Make one call; the line to print about it."""
    path = step.path.format(**given)
    fields = {name: value.format(**given) for name, value in step.fields.items()}
    try:
        made: Mapping[str, Any]
        made = merchant.post(path, fields) if step.method == "POST" else merchant.call(step.method, path)
    except Refused as refusal:
        if step.declined and refusal.status == 402:
            return f"{step.method} {path}: declined, as wanted"
        raise ConfigError(f"{step.method} {path} was refused: {refusal}") from None
    if step.gives:
        given[step.gives] = made["id"]
    if made.get("object") == "checkout.session" and made.get("payment_intent"):
        given["pi"] = made["payment_intent"]
    return f"{step.method} {path}: {made['id']} {made.get('status') or ''}".rstrip()
