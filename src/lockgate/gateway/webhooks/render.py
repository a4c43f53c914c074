"""Events, webhook endpoints and deliveries as the API shows them, from their rows."""

import json
from collections.abc import Sequence
from typing import Any

from lockgate.gateway.storage.packing import unpack
from lockgate.gateway.storage.rows import EventRow, WebhookEndpointRow
from lockgate.gateway.webhooks.core.shapes import EVENT, WEBHOOK_DELIVERY, WEBHOOK_ENDPOINT
from lockgate.gateway.webhooks.find import AttemptRow, DeliveryRow
from lockgate.gateway.webhooks.ports import Box


async def event(row: EventRow, box: Box, *, pending: int = 0) -> dict[str, Any]:
    """The event in ``row``, its sealed part put back where it belongs; of an erased person that part stays empty."""
    data = unpack(row.data)
    personal = await box.open(row.account, row.subject, row.personal) or {}
    previous = personal.pop("previous_attributes", None)
    data["object"].update(personal)
    if previous is not None:
        data["previous_attributes"] = {**data.get("previous_attributes", {}), **previous}
    return EVENT.render(
        {
            "id": row.id,
            "api_version": row.api_version,
            "created": row.created,
            "data": data,
            "livemode": row.livemode,
            "pending_webhooks": pending,
            "request": {"id": row.request, "idempotency_key": row.idempotency_key},
            "type": row.type,
        }
    )


def endpoint(row: WebhookEndpointRow, *, secret: str | None = None) -> dict[str, Any]:
    """The endpoint in ``row``. ``secret`` is given only in the one answer that shows it."""
    data = json.loads(row.data)
    return WEBHOOK_ENDPOINT.render(
        {
            "id": row.id,
            "api_version": data.get("api_version"),
            "created": row.created,
            "description": data.get("description"),
            "disabled_reason": data.get("disabled_reason"),
            "enabled_events": list(row.enabled_events),
            "livemode": row.livemode,
            "metadata": data.get("metadata", {}),
            "secret": secret,
            "status": row.status,
            "url": row.url,
        }
    )


def delivery(row: DeliveryRow, tries: Sequence[AttemptRow]) -> dict[str, Any]:
    """The delivery in ``row`` with every try so far."""
    return WEBHOOK_DELIVERY.render(
        {
            "id": row.id,
            "attempts": [
                {
                    "number": attempt.number,
                    "at": attempt.at_ms // 1000,
                    "outcome": attempt.outcome,
                    "http_status": attempt.status,
                    "duration_ms": attempt.duration_ms,
                }
                for attempt in tries
            ],
            "created": row.created,
            "event": row.event,
            "livemode": row.livemode,
            "next_attempt_at": row.next_try_ms // 1000 if row.state == "waiting" and row.next_try_ms else None,
            "status": row.state,
            "webhook_endpoint": row.endpoint,
        }
    )
