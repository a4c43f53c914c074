"""Changes how strict the built-in rules are: stricter with a permission, looser with a person's fresh proof."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.risk import find_settings, render_decisions, store_settings
from lockgate.gateway.risk.core.settings import Settings, loosened
from lockgate.gateway.risk.find_settings import Kept
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

PEOPLE = ("person", "internal")


async def tighten(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/settings: refused when anything would become looser."""
    return await _change(ports, call, may_loosen=False)


async def loosen(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/settings/loosen, which asks for a fresh proof by a person."""
    if call.principal.kind not in PEOPLE:
        raise Refusal(
            Kind.FORBIDDEN,
            "Only a person who proves a second factor can make the built-in rules looser: no key can.",
            code="person_required",
        )
    return await _change(ports, call, may_loosen=True)


async def _change(ports: Ports, call: Call, *, may_loosen: bool) -> Answer:
    who = call.principal
    seen = await find_settings.settings(ports.pool, who.account, who.livemode)
    after = _next(seen, call, may_loosen=may_loosen)

    async def work(connection: Connection) -> None:
        await store_settings.lock(connection, who.account, who.livemode)
        now_kept = await find_settings.settings(connection, who.account, who.livemode)
        if now_kept.version != seen.version:  # what was tighter than before may be looser than now
            raise Refusal(
                Kind.CONFLICT,
                "These settings are being changed by other requests; try again.",
                code="lock_timeout",
                should_retry=True,
            )
        await store_settings.put(
            connection, who.account, who.livemode, after.settings,
            version=after.version, now=call.now, by=_name(who),
        )  # fmt: skip
        detail = {
            "fields": _differences(seen.settings, after.settings),
            "loosened": list(loosened(seen.settings, after.settings)),
            "version": after.version,
        }
        action = "risk_settings.loosen" if may_loosen else "risk_settings.update"
        row = record(who, action, object_=who.account, request=call.request_id, detail=detail)
        await insert_audits(connection, [row])

    rendered = render_decisions.settings(after, livemode=who.livemode)
    return await transact(ports.pool, call, rendered=rendered, work=work)


def _next(before: Kept, call: Call, *, may_loosen: bool) -> Kept:
    after = replace(before.settings, **{name: _value(value) for name, value in call.params.items()})
    looser = loosened(before.settings, after)
    if looser and not may_loosen:
        raise invalid(
            f"This would make {', '.join(looser)} less strict. That takes a person who proves a second factor: "
            "POST /v1/risk/settings/loosen.",
            param=looser[0],
            code="risk_settings_looser",
        )
    return Kept(after, before.version + 1, call.now, _name(call.principal))


def _value(given: Any) -> Any:
    """A parameter as the settings keep it; one that is cleared is an empty list."""
    if isinstance(given, str | int):
        return given
    return tuple(sorted(set(given))) if given else ()


def _differences(before: Settings, after: Settings) -> Mapping[str, list[Any]]:
    old, new = asdict(before), asdict(after)
    return {name: [old[name], new[name]] for name in old if old[name] != new[name]}


def _name(who: Principal) -> str:
    return f"{who.kind}:{who.id}"
