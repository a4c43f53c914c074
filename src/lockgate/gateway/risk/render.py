"""Value lists, their items and reviews as the API shows them, from their rows."""

import json
from collections.abc import Sequence
from typing import Any

from lockgate.gateway.risk import find
from lockgate.gateway.risk.core.reviews import Review
from lockgate.gateway.risk.core.shapes import REVIEW, VALUE_LIST, VALUE_LIST_ITEM
from lockgate.gateway.risk.ports import Box, Ports
from lockgate.gateway.storage.records import ReviewRow, ValueListItemRow, ValueListRow
from lockgate.kernel.principal import Principal

EMBEDDED_ITEMS = 10
ITEMS_URL = "/v1/radar/value_list_items"


async def value_lists(ports: Ports, principal: Principal, rows: Sequence[ValueListRow]) -> list[dict[str, Any]]:
    """Lists with their newest items."""
    starts = await find.starts(ports.pool, principal, [row.id for row in rows], limit=EMBEDDED_ITEMS)
    return [
        value_list(
            row, [await item(one, ports.box) for one in starts[row.id].items], total=starts[row.id].total
        )
        for row in rows
    ]


def value_list(row: ValueListRow, items: Sequence[dict[str, Any]], *, total: int) -> dict[str, Any]:
    """One list, with the items that were read with it."""
    return VALUE_LIST.render(
        {
            "id": row.id,
            "alias": row.alias,
            "created": row.created,
            "created_by": row.created_by,
            "item_type": row.item_type,
            "list_items": {
                "object": "list",
                "data": list(items),
                "has_more": total > len(items),
                "total_count": total,
                "url": f"{ITEMS_URL}?value_list={row.id}",
            },
            "livemode": row.livemode,
            "name": row.name,
            **json.loads(row.data),
        }
    )


async def item(row: ValueListItemRow, box: Box) -> dict[str, Any]:
    """One item. Its value is sealed under its list's key, so that a page of items needs one key."""
    kept = await box.open(row.account, row.value_list, row.personal)
    return VALUE_LIST_ITEM.render(
        {
            "id": row.id,
            "created": row.created,
            "created_by": row.created_by,
            "livemode": row.livemode,
            "value": kept.get("value", ""),
            "value_list": row.value_list,
        }
    )


def gone(id_: str, kind: str) -> dict[str, Any]:
    """All that is left to say about what was deleted."""
    return {"id": id_, "object": kind, "deleted": True}


async def opened(row: ReviewRow, box: Box) -> Review:
    """The review in ``row``."""
    personal = await box.open(row.account, row.subject, row.personal) if row.personal else {}
    return Review(row, dict(personal or {}))


def review(one: Review) -> dict[str, Any]:
    """One review."""
    row, data = one.row, json.loads(one.row.data)
    return REVIEW.render(
        {
            "id": row.id,
            "charge": row.charge,
            "closed_reason": data["closed_reason"],
            "created": row.created,
            "livemode": row.livemode,
            "open": row.is_open,
            "opened_reason": data["opened_reason"],
            "payment_intent": row.intent,
            "reason": data["closed_reason"] or data["opened_reason"],
            **one.personal,
        }
    )
