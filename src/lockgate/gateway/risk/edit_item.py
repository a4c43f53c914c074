"""Puts values into value lists and takes them out again."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.risk import find, render
from lockgate.gateway.risk.core.shapes import VALUE_LIST_ITEM
from lockgate.gateway.risk.core.values import MAX_ITEMS, accepted, index_name, prefix
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.commit import Taken
from lockgate.gateway.storage.records import ValueListItemRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

NOTHING = b""
"""What is kept of a value that was taken out."""


async def create(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/radar/value_list_items."""
    who = call.principal
    list_ = await find.value_list(ports.pool, who, call.params["value_list"])
    value = accepted(list_.item_type, call.params["value"])
    if await find.count_items(ports.pool, who, list_.id) >= MAX_ITEMS:
        raise invalid(f"A value list holds at most {MAX_ITEMS} items.", param="value_list")
    sealed = await ports.box.seal(who.account, list_.id, {"value": value})
    if sealed is None:
        raise Refusal(Kind.INVALID, "The key of this value list was destroyed: make a new list.", param="value_list")
    row = ValueListItemRow(
        account=who.account,
        livemode=who.livemode,
        id=new_id("rsli"),
        version=1,
        created=call.now,
        value_list=list_.id,
        value_index=await ports.box.blind_index(who.account, index_name(list_.item_type), value),
        created_by=who.id,
        deleted=False,
        personal=sealed,
        prefix=prefix(list_.item_type, value),
    )
    commit = Commit(
        value_list_items=[row],
        audits=[
            record(
                who, "value_list_item.create", object_=row.id, request=call.request_id,
                detail={"value_list": list_.id},
            )
        ],
    )  # fmt: skip
    try:
        return await write(ports, call, commit=commit, rendered=await render.item(row, ports.box))
    except Taken as taken:
        raise invalid(
            "This value is in the value list already.", param="value", code="resource_already_exists"
        ) from taken


async def delete(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/radar/value_list_items/{item}."""
    return await settled(lambda: _delete(ports, call))


async def _delete(ports: Ports, call: Call) -> Answer:
    who = call.principal
    before = await find.item(ports.pool, who, call.path["item"])
    commit = Commit(
        value_list_items=[before._replace(version=before.version + 1, deleted=True, personal=NOTHING)],
        audits=[
            record(
                who, "value_list_item.delete", object_=before.id, request=call.request_id,
                detail={"value_list": before.value_list},
            )
        ],
    )  # fmt: skip
    return await write(ports, call, commit=commit, rendered=render.gone(before.id, VALUE_LIST_ITEM.kind))
