"""Line items: what is bought, for how much, added up in minor units without ever meeting a float."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from lockgate.gateway.checkout.core.shapes import LINE_ITEM
from lockgate.kernel import money
from lockgate.kernel.errors import invalid

Item = dict[str, Any]
"""One line item as a session keeps it: ``id currency unit_amount unit_amount_decimal quantity amount name ...``."""


def read(given: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> list[Item]:
    """The items that ``given`` (read by CREATE) describe; ``ids`` are theirs, without a prefix."""
    pairs = enumerate(zip(given, ids, strict=True))
    items = [_item(one, id_, path=f"line_items[{place}]") for place, (one, id_) in pairs]
    for place, item in enumerate(items):
        if item["currency"] != items[0]["currency"]:
            raise invalid(
                "All line items of a session must have the same currency.",
                param=f"line_items[{place}][price_data][currency]",
            )
    return items


def total(items: Sequence[Item]) -> int:
    """What they cost together, refused when a card cannot be charged with it."""
    found, currency = sum(item["amount"] for item in items), items[0]["currency"]
    least = money.minimum(currency)
    if found < least:
        raise invalid(
            f"The Checkout Session's total amount must be at least {money.shown(least, currency)}.",
            param="line_items",
            code="amount_too_small",
        )
    if found > money.MAX_AMOUNT:
        raise invalid(
            f"The Checkout Session's total amount must be at most {money.shown(money.MAX_AMOUNT, currency)}.",
            param="line_items",
            code="amount_too_large",
        )
    return found


def shown(item: Item, *, created: int, livemode: bool) -> dict[str, Any]:
    """One item as the API shows it. Its price and product are named, and live nowhere else."""
    return LINE_ITEM.render(
        {
            "id": f"li_{item['id']}",
            "amount_subtotal": item["amount"],
            "amount_total": item["amount"],
            "currency": item["currency"],
            "description": item["name"],
            "metadata": item["metadata"],
            "price": {
                "id": f"price_{item['id']}",
                "object": "price",
                "active": False,
                "billing_scheme": "per_unit",
                "created": created,
                "currency": item["currency"],
                "custom_unit_amount": None,
                "livemode": livemode,
                "lookup_key": None,
                "metadata": {},
                "nickname": None,
                "product": f"prod_{item['id']}",
                "recurring": None,
                "tax_behavior": "unspecified",
                "tiers_mode": None,
                "transform_quantity": None,
                "type": "one_time",
                "unit_amount": item["unit_amount"],
                "unit_amount_decimal": item["unit_amount_decimal"],
            },
            "quantity": item["quantity"],
        }
    )


def _item(given: Mapping[str, Any], id_: str, *, path: str) -> Item:
    price = given.get("price_data")
    if price is None:
        raise _missing(f"{path}[price_data]")
    if "quantity" not in given:
        raise _missing(f"{path}[quantity]")
    ways = [name for name in ("unit_amount", "unit_amount_decimal") if name in price]
    if not ways:
        raise _missing(f"{path}[price_data][unit_amount]")
    if len(ways) > 1:
        raise invalid(
            "Only one of unit_amount and unit_amount_decimal may be sent.",
            param=f"{path}[price_data][unit_amount_decimal]",
            code="parameters_exclusive",
        )
    currency = price["currency"].lower()
    if currency not in money.CURRENCIES:
        raise invalid(
            "Invalid currency: it must be a three-letter ISO 4217 code that is supported.",
            param=f"{path}[price_data][currency]",
        )
    each = Decimal(price[ways[0]])
    whole = each == each.to_integral_value()
    product = price["product_data"]
    return {
        "id": id_,
        "currency": currency,
        "unit_amount": int(each) if whole else None,
        "unit_amount_decimal": str(int(each)) if whole else f"{each:f}".rstrip("0"),
        "quantity": given["quantity"],
        "amount": int((each * given["quantity"]).to_integral_value(ROUND_HALF_UP)),
        "name": product["name"],
        "description": product.get("description"),
        "images": product.get("images", []),
        "product_metadata": _kept(product.get("metadata")),
        "metadata": _kept(given.get("metadata")),
    }


def _kept(metadata: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (metadata or {}).items() if value}


def _missing(path: str) -> Exception:
    return invalid(f"Missing required param: {path}.", param=path, code="parameter_missing")
