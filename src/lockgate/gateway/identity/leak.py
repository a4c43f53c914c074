"""Takes reports of keys found in the open: one of ours is ended and its owners are told, of others nothing is said."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import find, keys, store
from lockgate.gateway.identity.core import key_format, leaks
from lockgate.gateway.identity.core.leaks import Report
from lockgate.gateway.identity.revoke import revoke_within
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.mail import send
from lockgate.gateway.mail.ports import Box
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel import clock
from lockgate.kernel.operations import Answer, Hook, Posted
from lockgate.kernel.principal import Principal

PATH = "/v1/key_leaks"
MAX_BYTES = 64 * 1024
POLICIES = ("revoke", "alert")
_RECEIVED = b'{"received":true}'
_ENDED = "It was revoked at once: whatever used it has stopped working."
_STILL_GOOD = "It still works, because this installation is set to leave that to you: roll it now."


@dataclass(frozen=True, slots=True)
class LeakPorts:
    """``policy`` is what happens to a key that leaked; ``addressees`` are the mail addresses of those who keep keys."""

    pool: Pool
    pepper: bytes = field(repr=False)
    witness: Witness
    box: Box
    policy: str
    addressees: Callable[[str], Awaitable[list[str]]]
    forget: Callable[[str], None]


def hooks(ports: LeakPorts) -> list[Hook]:
    """POST /v1/key_leaks."""

    async def handler(posted: Posted) -> Answer:
        return await receive(ports, posted)

    return [Hook(PATH, handler, MAX_BYTES)]


async def receive(ports: LeakPorts, posted: Posted) -> Answer:
    """The same answer whatever was reported: nobody learns here whether a key is good."""
    reports = leaks.read(posted.body, posted.headers.get("content-type", ""))
    unknown = 0
    for report in reports:
        row = await _found(ports, report)
        if row is None:
            unknown += 1
        else:
            await _act(ports, row, report, posted)
    if unknown:
        who = Principal("-", False, "internal", "scanner", address=posted.address)
        await ports.witness.refused(who, "key_leak.unknown", reason=f"{unknown} unknown", request=posted.request_id)
    return Answer(202, _RECEIVED)


async def _found(ports: LeakPorts, report: Report) -> ApiKeyRow | None:
    """The key, if it is one of ours that must not be seen."""
    parsed = key_format.parse(report.token)
    if parsed is None or parsed.kind == "publishable":
        return None
    hash_ = keys.hashed(ports.pepper, report.token)
    found = await find.key_by_hash(ports.pool, account=parsed.account, hash_=hash_)
    return found.row if found is not None and hmac.compare_digest(found.row.hash, hash_) else None


async def _act(ports: LeakPorts, read: ApiKeyRow, report: Report, posted: Posted) -> None:
    who = Principal(read.account, read.livemode, "internal", "scanner", address=posted.address)
    to = await ports.addressees(read.account)
    async with ports.pool.acquire() as connection, connection.transaction():
        row = await store.lock_key(connection, account=read.account, id_=read.id)
        now = clock.now()
        if row is None or not await store.mark_leaked(connection, row, now=now):
            return  # reported before: what was to be done is done
        ends = ports.policy == "revoke" and row.revoked_at is None
        detail = {
            "hint": row.hint, "kind": row.kind, "place": report.place, "source": report.source, "revoked": ends,
        }  # fmt: skip
        await insert_audits(
            connection, [record(who, "key.leaked", object_=row.id, request=posted.request_id, detail=detail)]
        )
        if ends:
            await revoke_within(connection, who, row, now=now, request=posted.request_id)
        if row.revoked_at is None:
            await _tell(ports, connection, row, report, to=to, ended=ends, now=now)
    ports.forget(read.account)


async def _tell(
    ports: LeakPorts, connection: Connection, row: ApiKeyRow, report: Report, *, to: list[str], ended: bool, now: int
) -> None:
    mode = "live" if row.livemode else "test"
    lines = [
        f"Somebody reported that the {row.kind} API key {row.hint} ({row.id}, {mode} mode) stands where others can"
        " read it.",
        f"Where: {report.place or 'not said'}",
        _ENDED if ended else _STILL_GOOD,
        "Look through the audit log for what it was used for, and look for the place it leaked from:"
        " 'lockgate keys scan PATH' finds keys in files.",
    ]
    for address in to:
        await send.queue(
            connection, ports.box, to=address, subject=f"An API key of yours leaked ({mode} mode)",
            text="\n\n".join(lines), kind="key_leaked", now=now,
        )  # fmt: skip
