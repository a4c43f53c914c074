"""Sets outside engines up, changes and removes them: each with its record, after a fresh proof by whoever does it.

What could let more payments through than before is for a person; a key, which may be stolen, cannot do it.
"""

from dataclasses import replace
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.risk.engines import find, render, store
from lockgate.gateway.risk.engines.core.contract import Engine
from lockgate.gateway.risk.engines.core.loosened import loosened
from lockgate.gateway.risk.engines.core.shapes import DEFAULT_MS, MOST_ENGINES, RISK_ENGINE
from lockgate.gateway.risk.engines.ports import Ports
from lockgate.gateway.risk.engines.secret import seal
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import settled, transact
from lockgate.kernel.errors import Kind, Refusal, invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

PEOPLE = ("person", "internal")


async def create(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/engines: it shows the signing secret, this once."""
    who, given = call.principal, call.params
    ports.check_url(given["url"], allow_private=ports.allow_private)
    id_, secret = new_id("reng"), ports.new_secret()
    row = Engine(
        account=who.account,
        livemode=who.livemode,
        id=id_,
        version=1,
        created=call.now,
        updated=call.now,
        name=given["name"],
        url=given["url"],
        stages=_words(given.get("stages")) or ("before",),
        timeout_ms=given.get("timeout_ms", DEFAULT_MS),
        on_failure=given.get("on_failure", "review"),
        acts=given.get("acts", True),
        shares=_words(given.get("shares")),
        enabled=given.get("enabled", True),
        sealed=await seal(ports.box, who.account, id_, secret=secret),
    )

    async def work(connection: Connection) -> None:
        await store.lock(connection, who.account, who.livemode)
        if len(await find.engines(connection, who.account, who.livemode)) >= MOST_ENGINES:
            raise invalid(f"An account has at most {MOST_ENGINES} outside engines.", code="risk_engines_limit_exceeded")
        await store.put(connection, row)
        detail = {"after": _shown(row)}
        told = record(who, "risk_engine.create", object_=id_, request=call.request_id, detail=detail)
        await insert_audits(connection, [told])

    return await transact(ports.pool, call, rendered=render.engine(row, secret=secret), work=work)


async def update(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/engines/{engine}."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    before, given = await found(ports, call), dict(call.params)
    secret = ports.new_secret() if given.pop("rotate_secret", False) else None
    if "url" in given:
        ports.check_url(given["url"], allow_private=ports.allow_private)
    for name in ("stages", "shares"):
        if name in given:
            given[name] = _words(given[name])
    if given.get("stages") == ():
        raise invalid("An engine has one stage at least: before or after.", param="stages")
    row = replace(before, **given, version=before.version + 1, updated=call.now)
    looser = loosened(before, row, rotated=secret is not None)
    if looser:
        _only_people(call.principal, looser[0])
    if secret is not None:
        row = replace(row, sealed=await seal(ports.box, row.account, row.id, secret=secret))

    async def work(connection: Connection) -> None:
        if not await store.put(connection, row):
            raise Moved
        detail = {"before": _shown(before), "after": _shown(row), "rotated": secret is not None}
        told = record(call.principal, "risk_engine.update", object_=row.id, request=call.request_id, detail=detail)
        await insert_audits(connection, [told])

    return await transact(ports.pool, call, rendered=render.engine(row, secret=secret), work=work)


async def delete(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/risk/engines/{engine}."""
    return await settled(lambda: _delete(ports, call))


async def _delete(ports: Ports, call: Call) -> Answer:
    before = await found(ports, call)
    if before.enabled:
        _only_people(call.principal, None)
    row = replace(before, version=before.version + 1, updated=call.now)

    async def work(connection: Connection) -> None:
        if not await store.put(connection, row, deleted=True):
            raise Moved
        detail = {"before": _shown(before)}
        told = record(call.principal, "risk_engine.delete", object_=row.id, request=call.request_id, detail=detail)
        await insert_audits(connection, [told])

    rendered = {"id": row.id, "object": RISK_ENGINE.kind, "deleted": True}
    return await transact(ports.pool, call, rendered=rendered, work=work)


async def found(ports: Ports, call: Call) -> Engine:
    """The engine that the path names."""
    who, id_ = call.principal, call.path["engine"]
    row = await find.engine(ports.pool, who.account, who.livemode, id_)
    if row is None:
        raise missing("risk engine", id_, param="engine")
    return row


def _only_people(who: Principal, param: str | None) -> None:
    if who.kind not in PEOPLE:
        raise Refusal(
            Kind.FORBIDDEN,
            "This could let more payments through: only a person who proves a second factor can do it, no key can.",
            param=param,
            code="person_required",
        )


def _words(given: Any) -> tuple[str, ...]:
    return tuple(sorted(set(given or ()), reverse=True))  # before, after


def _shown(row: Engine) -> dict[str, Any]:
    """What the record keeps: everything but the secret."""
    return {
        "name": row.name, "url": row.url, "stages": list(row.stages), "timeout_ms": row.timeout_ms,
        "on_failure": row.on_failure, "acts": row.acts, "shares": list(row.shares), "enabled": row.enabled,
    }  # fmt: skip
