"""Event rows: what happened, with the object as it then was, its personal part apart and encrypted."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from lockgate.gateway.storage.packing import pack
from lockgate.gateway.storage.rows import Commit, EventRow, OutboxRow
from lockgate.kernel.ids import new_id
from lockgate.kernel.shapes import Shape


class Box(Protocol):
    """Seals personal fields under a person's data key."""

    async def seal(self, account: str, subject: str, fields: dict[str, Any]) -> bytes | None: ...


class Happening(NamedTuple):
    """One event to be written: its type, and the rendered object with its shape. ``subject`` is whose data it holds."""

    type: str
    shape: Shape
    rendered: Mapping[str, Any]
    subject: str
    previous: Mapping[str, Any] | None = None


class Origin(NamedTuple):
    """Which request caused the events; both are None for what the clock does."""

    account: str
    livemode: bool
    api_version: str
    created: int
    request: str | None
    idempotency_key: str | None


async def announce(commit: Commit, origin: Origin, happenings: Sequence[Happening], box: Box) -> None:
    """Put ``happenings`` into ``commit``: event rows and the one outbox row that sends them.

    Old values about a person go where the new ones go: into the sealed part, under ``previous_attributes``.
    """
    ids = []
    for happening in happenings:
        ids.append(new_id("evt"))
        public, personal = happening.shape.split(happening.rendered)
        data: dict[str, Any] = {"object": public}
        if happening.previous is not None:
            fields, before = happening.shape.fields, happening.previous
            data["previous_attributes"] = {name: v for name, v in before.items() if not fields[name].personal}
            if sealed_before := {name: v for name, v in before.items() if fields[name].personal}:
                personal["previous_attributes"] = sealed_before
        sealed = await box.seal(origin.account, happening.subject, personal) if personal else None
        commit.events.append(
            EventRow(
                account=origin.account,
                livemode=origin.livemode,
                id=ids[-1],
                created=origin.created,
                type=happening.type,
                object=str(happening.rendered.get("id", happening.shape.kind)),
                api_version=origin.api_version,
                request=origin.request,
                idempotency_key=origin.idempotency_key,
                subject=happening.subject,
                data=pack(data),
                personal=sealed,
            )
        )
    if ids:
        commit.outboxes.append(OutboxRow(origin.account, origin.livemode, new_id("out"), ids))
