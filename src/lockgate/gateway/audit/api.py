"""The operations on the audit log: its records with their proofs, and its checkpoints. Reading it is itself audited."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.audit import find_records, find_seals, prove, render
from lockgate.gateway.audit.core import params
from lockgate.gateway.audit.core.shapes import AUDIT_CHECKPOINT, AUDIT_RECORD
from lockgate.gateway.audit.find_records import Wanted
from lockgate.gateway.audit.find_seals import CheckpointRow
from lockgate.gateway.audit.ports import Reads
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.paging import cut, listing, no_cursor, page_of
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Call, Handler, Operation

_RECORDS = "/v1/audit_records"
_CHECKPOINTS = "/v1/audit_checkpoints"
Flow = Callable[[Reads, Call], Awaitable[Mapping[str, Any]]]


def operations(ports: Reads) -> list[Operation]:
    """Every operation of this room. Nobody but an administrator's permission ``audit`` opens them."""
    return [
        Operation(
            name="audit_record.list", method="GET", path=_RECORDS, resource="audit", access="read",
            handler=_audited(ports, _list_records), params=params.LIST_RECORDS, returns=AUDIT_RECORD, form="list",
            summary="The account's audit records, newest first.",
        ),
        Operation(
            name="audit_record.get", method="GET", path=f"{_RECORDS}/{{record}}", resource="audit", access="read",
            handler=_audited(ports, _get_record), params=params.NOTHING, returns=AUDIT_RECORD,
            summary="One audit record, with the proof that it is in the sealed log.",
        ),
        Operation(
            name="audit_checkpoint.list", method="GET", path=_CHECKPOINTS, resource="audit", access="read",
            handler=_audited(ports, _list_checkpoints), params=params.LIST_CHECKPOINTS, returns=AUDIT_CHECKPOINT,
            form="list", summary="What the log was signed to be, newest first. Keep them elsewhere.",
        ),
        Operation(
            name="audit_checkpoint.get", method="GET", path=f"{_CHECKPOINTS}/{{checkpoint}}", resource="audit",
            access="read", handler=_audited(ports, _get_checkpoint), params=params.GET_CHECKPOINT,
            returns=AUDIT_CHECKPOINT, summary="One checkpoint; with the proof that it continues an older one.",
        ),
    ]  # fmt: skip


def _audited(ports: Reads, flow: Flow) -> Handler:
    """``flow`` once there is a record of who looks: which filters were used, never what they held."""

    async def handle(call: Call) -> Mapping[str, Any]:
        detail = {"operation": call.operation.name, "filters": sorted(call.params)}
        told = record(
            call.principal, "audit.read", object_=next(iter(call.path.values()), None), request=call.request_id,
            detail=detail,
        )  # fmt: skip
        await insert_audits(ports.pool, [told])
        return await flow(ports, call)

    return handle


async def _list_records(ports: Reads, call: Call) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    created = given.pop("created", {})
    rows = await find_records.page_of_records(
        ports.pool, call.principal, page, wanted=Wanted(**given), created=created
    )
    shown, more = cut(rows, page)
    return listing(_RECORDS, [render.audit_record(row) for row in shown], has_more=more)


async def _get_record(ports: Reads, call: Call) -> Mapping[str, Any]:
    row = await find_records.one(ports.pool, call.principal, call.path["record"])
    return render.audit_record(row, await prove.inclusion(ports.pool, row))


async def _list_checkpoints(ports: Reads, call: Call) -> Mapping[str, Any]:
    page = page_of(dict(call.params))
    cursor = page.before if page.backwards else page.after
    size = None if cursor is None else _size(cursor)
    if cursor is not None and (size is None or await find_seals.checkpoint(ports.pool, size=size) is None):
        raise no_cursor("audit_checkpoint", page)
    rows = await find_seals.checkpoint_page(ports.pool, size, upwards=page.backwards, most=page.limit + 1)
    shown, more = cut(rows, page)
    key = await _key(ports)
    return listing(_CHECKPOINTS, [render.audit_checkpoint(row, key) for row in shown], has_more=more)


async def _get_checkpoint(ports: Reads, call: Call) -> Mapping[str, Any]:
    row = await _one(ports, call.path["checkpoint"], param="checkpoint")
    proof = None
    if "continues" in call.params:
        old = await _one(ports, call.params["continues"], param="continues")
        if old.size > row.size:
            raise missing("audit_checkpoint", call.params["continues"], param="continues")
        proof = await prove.consistency(ports.pool, old, row)
    return render.audit_checkpoint(row, await _key(ports), proof)


async def _one(ports: Reads, id_: str, *, param: str) -> CheckpointRow:
    size = _size(id_)
    row = None if size is None else await find_seals.checkpoint(ports.pool, size=size)
    if row is None:
        raise missing("audit_checkpoint", id_, param=param)
    return row


def _size(id_: str) -> int | None:
    digits = id_.removeprefix(render.PREFIX)
    usable = id_.startswith(render.PREFIX) and digits.isascii() and digits.isdigit() and len(digits) < 19
    return int(digits) if usable else None


async def _key(ports: Reads) -> str:
    return (await ports.vault.checkpoint_key(ports.policy.origin))["key"]
