"""Makes, changes and deletes value lists."""

import json
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.risk import find, render
from lockgate.gateway.risk.core.shapes import VALUE_LIST
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.commit import Taken
from lockgate.gateway.storage.records import ValueListRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.errors import Refusal, invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

_MAX_METADATA = 50


async def create(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/radar/value_lists."""
    who, params = call.principal, call.params
    row = ValueListRow(
        account=who.account,
        livemode=who.livemode,
        id=new_id("rsl"),
        version=1,
        created=call.now,
        alias=params["alias"],
        name=params["name"],
        item_type=params.get("item_type", "string"),
        created_by=who.id,
        deleted=False,
        data=_data({}, params),
    )
    commit = Commit(
        value_lists=[row],
        audits=[
            record(
                who, "value_list.create", object_=row.id, request=call.request_id,
                detail={"alias": row.alias, "item_type": row.item_type},
            )
        ],
    )  # fmt: skip
    try:
        return await write(ports, call, commit=commit, rendered=render.value_list(row, [], total=0))
    except Taken as taken:
        raise _taken() from taken


async def update(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/radar/value_lists/{value_list}."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    who, params = call.principal, call.params
    before = await find.value_list(ports.pool, who, call.path["value_list"])
    after = before._replace(
        version=before.version + 1,
        alias=params.get("alias", before.alias),
        name=params.get("name", before.name),
        data=_data(json.loads(before.data).get("metadata", {}), params),
    )
    commit = Commit(
        value_lists=[after],
        audits=[
            record(
                who, "value_list.update", object_=after.id, request=call.request_id,
                detail={"fields": sorted(params), "alias": [before.alias, after.alias]},
            )
        ],
    )  # fmt: skip
    [rendered] = await render.value_lists(ports, who, [after])
    try:
        return await write(ports, call, commit=commit, rendered=rendered)
    except Taken as taken:
        raise _taken() from taken


async def delete(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/radar/value_lists/{value_list}. Its items are gone with it; a job clears them away."""
    return await settled(lambda: _delete(ports, call))


async def _delete(ports: Ports, call: Call) -> Answer:
    who = call.principal
    before = await find.value_list(ports.pool, who, call.path["value_list"])
    items = await find.count_items(ports.pool, who, before.id)
    commit = Commit(
        value_lists=[before._replace(version=before.version + 1, deleted=True)],
        audits=[
            record(
                who, "value_list.delete", object_=before.id, request=call.request_id,
                detail={"alias": before.alias, "items": items},
            )
        ],
    )  # fmt: skip
    return await write(ports, call, commit=commit, rendered=render.gone(before.id, VALUE_LIST.kind))


def _data(before: dict[str, str], params: dict[str, Any]) -> str:
    """The ``data`` column after ``params``: an empty value deletes its key, an empty whole deletes all."""
    metadata = before
    if "metadata" in params:
        given = params["metadata"]
        metadata = {key: value for key, value in {**before, **given}.items() if value} if given else {}
        if len(metadata) > _MAX_METADATA:
            raise invalid(f"metadata can hold at most {_MAX_METADATA} keys.", param="metadata")
    return json.dumps({"metadata": metadata}, separators=(",", ":"))


def _taken() -> Refusal:
    return invalid(
        "A value list with this alias exists already.", param="alias", code="resource_already_exists"
    )
