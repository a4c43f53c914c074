"""Takes one report: judges it, names its device, seals what it was judged by, and keeps it as a session."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lockgate.gateway.audit.record import record
from lockgate.gateway.signals import find, store
from lockgate.gateway.signals.core import conflicts, fingerprint, summary, token
from lockgate.gateway.signals.core.shapes import SESSION
from lockgate.gateway.signals.core.token import Token
from lockgate.gateway.signals.find import Setting, subject
from lockgate.gateway.signals.ports import Ports
from lockgate.gateway.signals.rhythm_trees import trees
from lockgate.gateway.signals.store import SessionRow
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id, random_token
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

_DAY_S = 86_400
AGENT_KEPT = 200
"""How much of a User-Agent header there is to compare with; longer ones were cut short."""
_RECOGNISED_S = 24 * 3600


class Sender(NamedTuple):
    """Who reports, as the connection and the request's own headers say: ``user_agent`` may have been cut short.

    ``address`` is the shopper's; None where the merchant's own server passes on what her browser reported.
    """

    account: str
    livemode: bool
    address: str | None
    user_agent: str
    language: str = ""


class Made(NamedTuple):
    """A session to be written, and the token by which its device is known next time."""

    row: SessionRow
    device: str


async def make(
    ports: Ports, sender: Sender, report: Mapping[str, Any], *, device: str | None, setting: Setting, now: int
) -> Made:
    """The session of ``report``; ``now`` is business time. A Refusal where the account wants no reports."""
    if setting.collector == "off":
        raise Refusal(
            Kind.INVALID, "This account has switched the collector off: nothing was kept.", code="collector_off"
        )
    today = clock.now() // _DAY_S
    known = await _known(ports, sender, device)
    alike = await _fingerprint(ports, sender, report)
    seen = None
    if alike is not None and known is None:
        seen = await find.same_device(ports.pool, sender, alike, since=now - _RECOGNISED_S)
    made = known or await _new(ports, sender, day=today)
    contradictions = conflicts.conflicts(
        report,
        user_agent=sender.user_agent,
        whole_agent=len(sender.user_agent) < AGENT_KEPT,
        language=sender.language,
        offset=zone_offset(report["device"].get("timezone"), now),
    )
    raw = {"report": report, "address": sender.address}
    if setting.profiles:
        raw["samples"] = summary.samples(report)
    row = SessionRow(
        account=sender.account,
        livemode=sender.livemode,
        id=new_id("rse"),
        created=now,
        day=today,
        device=seen or await ports.box.blind_index(sender.account, "risk.device", made.body),
        fingerprint=alike,
        is_device_new=known is None,
        facts=json.dumps(
            summary.facts(report, user_agent=sender.user_agent, conflicts=contradictions, trees=trees()),
            separators=(",", ":"),
        ),
        raw=await ports.box.seal(sender.account, subject(today), raw),
    )
    return Made(row, str(made))


async def keep(ports: Ports, made: Made, who: Principal, *, request: str) -> None:
    """Write the session with its record, for a page of ours."""
    async with ports.pool.acquire() as connection, connection.transaction():
        await _write(connection, made, who, request=request)


async def create(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/radar/sessions."""
    who = call.principal
    made = await make(
        ports,
        Sender(who.account, who.livemode, None if who.sees_secrets else who.address, who.user_agent),
        call.params["signals"],
        device=call.params.get("device"),
        setting=await find.setting(ports.pool, who),
        now=call.now,
    )

    async def work(connection: Connection) -> None:
        await _write(connection, made, who, request=call.request_id)

    return await transact(ports.pool, call, rendered=shown(made), work=work)


def shown(made: Made) -> dict[str, Any]:
    """A session as the page that made it sees it: its id, and the token by which the device is known next time."""
    row = made.row
    return SESSION.render(
        {"id": row.id, "created": row.created, "device": made.device, "livemode": row.livemode, "signals": None}
    )


async def _write(connection: Connection, made: Made, who: Principal, *, request: str) -> None:
    await store.insert_session(connection, made.row)
    await insert_audits(
        connection, [record(who, "radar_session.create", object_=made.row.id, request=request)]
    )


async def _known(ports: Ports, sender: Sender, text: str | None) -> Token | None:
    """The token that was sent, if we made it for this account and mode."""
    given = token.read(text, livemode=sender.livemode)
    if given is None or not hmac.compare_digest(given.mac, await _mac(ports, sender, given.body)):
        return None
    return given


async def _new(ports: Ports, sender: Sender, *, day: int) -> Token:
    body = token.body(random_token(22), livemode=sender.livemode, day=day)
    return Token(body, await _mac(ports, sender, body))


async def _mac(ports: Ports, sender: Sender, body: str) -> str:
    return (await ports.box.blind_index(sender.account, token.INDEX, body)).hex()


async def _fingerprint(ports: Ports, sender: Sender, report: Mapping[str, Any]) -> bytes | None:
    """A keyed hash of the device's signals and of where it is: what clears its cookies is still known for a day.

    None where nobody knows where it is: one model's devices all over the world are not one device.
    """
    if not sender.address:
        return None
    signals = fingerprint.text(report["device"], family=fingerprint.family(sender.user_agent))
    return await ports.box.blind_index(sender.account, "signals.fingerprint", f"{signals}\n{sender.address}")


def zone_offset(name: str | None, now: int) -> int | None:
    """How many minutes the zone ``name`` is ahead of UTC; None where there is no such zone."""
    if not name:
        return None
    try:
        ahead = datetime.fromtimestamp(now, ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return None if ahead is None else int(ahead.total_seconds() // 60)
