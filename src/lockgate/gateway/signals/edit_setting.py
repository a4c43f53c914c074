"""Changes what an account wants of the collector, with a record of what it was before."""

from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.signals import find, render, store
from lockgate.gateway.signals.find import Setting
from lockgate.gateway.signals.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.params import UNSET


async def edit(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/radar/collector. Who switches profiles off loses those that there are."""
    who, given = call.principal, call.params
    before = await find.setting(ports.pool, who)
    notice = given.get("notice", before.notice)
    after = Setting(
        collector=given.get("collector", before.collector),
        profiles=given.get("profiles", before.profiles),
        notice=None if notice is UNSET else notice,
    )

    async def work(connection: Connection) -> None:
        await store.put_setting(connection, who.account, who.livemode, **after._asdict())
        if not after.profiles:
            await store.forget_profiles(connection, who.account, who.livemode)
        detail: dict[str, Any] = {"before": before._asdict(), "after": after._asdict()}
        row = record(who, "collector.update", object_=who.account, request=call.request_id, detail=detail)
        await insert_audits(connection, [row])

    rendered = render.collector(after, livemode=who.livemode, public_url=ports.public_url)
    return await transact(ports.pool, call, rendered=rendered, work=work)
