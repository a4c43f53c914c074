"""Reads of events, webhook endpoints and deliveries: always by the principal's account and mode first."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lockgate.gateway.customers.find import bounds
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.rows import EventRow, WebhookEndpointRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class DeliveryRow(NamedTuple):
    """One event on its way to one endpoint."""

    account: str
    livemode: bool
    id: str
    event: str
    endpoint: str
    created: int
    state: str
    tries: int
    next_try_ms: int | None


class AttemptRow(NamedTuple):
    """One try of a delivery."""

    delivery: str
    number: int
    at_ms: int
    status: int | None
    outcome: str
    duration_ms: int


class EventFilter(NamedTuple):
    """Which events a list shows; None means all. ``groups`` are beginnings of types."""

    created: Mapping[str, int]
    types: Sequence[str] | None = None
    groups: Sequence[str] = ()
    related: str | None = None
    delivered: bool | None = None


async def event(pool: Pool, principal: Principal, id_: str) -> EventRow:
    """The event ``id_``."""
    found = await events(pool, principal, [id_])
    if not found:
        raise missing("event", id_)
    return found[0]


async def events(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[EventRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, created, type, object, api_version, request, idempotency_key, subject, data,"
        " personal from event where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        ids,
    )
    return [EventRow(*row) for row in rows]


async def event_page(pool: Pool, principal: Principal, page: Page, *, wanted: EventFilter) -> list[EventRow]:
    """One row more than the page holds."""
    cursor = page.before if page.backwards else page.after
    if cursor is not None and not await events(pool, principal, [cursor]):
        raise no_cursor("event", page)
    arguments = (
        principal.account, principal.livemode, page.limit + 1, cursor, *bounds(dict(wanted.created)),
        wanted.types, wanted.groups, wanted.related, wanted.delivered,
    )  # fmt: skip
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, created, type, object, api_version, request, idempotency_key, subject, data,"
            " personal from event e where account = $1 and livemode = $2 and id > $4 and created between $5 and $6"
            " and ($7::text[] is null or type = any($7)"
            "      or exists (select from unnest($8::text[]) g where starts_with(e.type, g)))"
            " and ($9::text is null or object = $9)"
            " and ($10::boolean is null or $10 <> exists (select from delivery d where d.account = $1"
            "      and d.livemode = $2 and d.event = e.id and d.state <> 'delivered'))"
            " order by id limit $3",
            *arguments,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, created, type, object, api_version, request, idempotency_key, subject, data,"
            " personal from event e where account = $1 and livemode = $2 and id < coalesce($4, 'f')"
            " and created between $5 and $6"
            " and ($7::text[] is null or type = any($7)"
            "      or exists (select from unnest($8::text[]) g where starts_with(e.type, g)))"
            " and ($9::text is null or object = $9)"
            " and ($10::boolean is null or $10 <> exists (select from delivery d where d.account = $1"
            "      and d.livemode = $2 and d.event = e.id and d.state <> 'delivered'))"
            " order by id desc limit $3",
            *arguments,
        )
    return [EventRow(*row) for row in rows]


async def pending(pool: Pool, principal: Principal, ids: Sequence[str]) -> dict[str, int]:
    """How many endpoints each of the events ``ids`` has still to reach."""
    rows = await pool.fetch(
        "select event, count(*) from delivery where account = $1 and livemode = $2 and event = any($3::text[])"
        " and state = 'waiting' group by event",
        principal.account,
        principal.livemode,
        ids,
    )
    return {row["event"]: row["count"] for row in rows}


async def endpoint(pool: Pool, principal: Principal, id_: str, *, param: str = "id") -> WebhookEndpointRow:
    """The endpoint ``id_``; a deleted one is missing."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, url, status, enabled_events, deleted, secrets, data"
        " from webhook_endpoint where account = $1 and livemode = $2 and id = $3 and not deleted",
        principal.account,
        principal.livemode,
        id_,
    )
    if row is None:
        raise missing("webhook endpoint", id_, param=param)
    return WebhookEndpointRow(*row)


async def endpoints(pool: Pool, principal: Principal) -> list[WebhookEndpointRow]:
    """Every endpoint that is not deleted."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, url, status, enabled_events, deleted, secrets, data"
        " from webhook_endpoint where account = $1 and livemode = $2 and not deleted order by id desc",
        principal.account,
        principal.livemode,
    )
    return [WebhookEndpointRow(*row) for row in rows]


async def endpoint_page(pool: Pool, principal: Principal, page: Page) -> list[WebhookEndpointRow]:
    """One row more than the page holds."""
    cursor = page.before if page.backwards else page.after
    rows = await endpoints(pool, principal)
    if cursor is None:
        return rows[: page.limit + 1]
    if cursor not in {row.id for row in rows}:
        raise no_cursor("webhook endpoint", page)
    if page.backwards:
        return [row for row in reversed(rows) if row.id > cursor][: page.limit + 1]
    return [row for row in rows if row.id < cursor][: page.limit + 1]


async def delivery_page(pool: Pool, principal: Principal, page: Page, *, endpoint_id: str) -> list[DeliveryRow]:
    """One row more than the page holds, of one endpoint's deliveries; their ids sort by the age of their events."""
    cursor = page.before if page.backwards else page.after
    if cursor is not None and not await pool.fetchval(
        "select exists (select from delivery where account = $1 and livemode = $2 and endpoint = $3 and id = $4)",
        *(principal.account, principal.livemode, endpoint_id, cursor),
    ):
        raise no_cursor("delivery", page)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, event, endpoint, created, state, tries, next_try_ms from delivery"
            " where account = $1 and livemode = $2 and endpoint = $3 and id > $4 order by id limit $5",
            *(principal.account, principal.livemode, endpoint_id, cursor, page.limit + 1),
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, event, endpoint, created, state, tries, next_try_ms from delivery"
            " where account = $1 and livemode = $2 and endpoint = $3 and id < coalesce($4, 'whe') order by id desc"
            " limit $5",
            *(principal.account, principal.livemode, endpoint_id, cursor, page.limit + 1),
        )
    return [DeliveryRow(*row) for row in rows]


async def attempts(pool: Pool, principal: Principal, deliveries: Sequence[str]) -> dict[str, list[AttemptRow]]:
    """The tries of each of ``deliveries``, in order."""
    rows = await pool.fetch(
        "select delivery, number, at_ms, status, outcome, duration_ms from delivery_attempt"
        " where account = $1 and livemode = $2 and delivery = any($3::text[]) order by delivery, number",
        principal.account,
        principal.livemode,
        deliveries,
    )
    tries: dict[str, list[AttemptRow]] = {}
    for row in rows:
        tries.setdefault(row["delivery"], []).append(AttemptRow(*row))
    return tries
