"""Authenticator apps: begin one, confirm that it took, and prove it, each code once."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lockgate.gateway.factors import find, store
from lockgate.gateway.factors.core import totp
from lockgate.gateway.factors.core.proof import Proof
from lockgate.gateway.factors.find import TotpRow
from lockgate.gateway.factors.ports import NOWHERE, SEALED_FOR, Change, Ports, Whence
from lockgate.gateway.factors.tries import attempt
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.ids import new_id

BEGUN_S = 15 * 60
MOST = 5
_WRONG = "The code is wrong, or it was used already. Wait for the next one and try again."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a person's app needs, shown once: ``secret`` to type, ``uri`` to scan."""

    id: str
    secret: str = field(repr=False)
    uri: str = field(repr=False)


async def begin(
    ports: Ports, person: str, *, email: str, name: str, now: int, told: Sequence[AuditRow] = ()
) -> Enrolment:
    """Draw a seed for a new app of ``person``; it proves nothing until ``confirm``. ``told`` is written with it."""
    seed = base64.b32encode(secrets.token_bytes(totp.SEED_BYTES)).decode()
    sealed = await ports.box.seal(SEALED_FOR, person, {"seed": seed, "name": name})
    if sealed is None:
        raise Refusal(Kind.FORBIDDEN, "This person's data was erased.")
    row = TotpRow(person, new_id("totp"), now, sealed, 0, None, None)
    async with ports.pool.acquire() as connection, connection.transaction():
        await store.lock(connection, person)
        await _refuse_too_many(connection, person)
        await store.begin_totp(connection, row)
        await insert_audits(connection, told)
    return Enrolment(row.id, seed, totp.uri(seed, label=email))


async def confirm(
    ports: Ports, person: str, code: str, *, now: int, first: bool = False, whence: Whence = NOWHERE
) -> Proof:
    """The app that ``begin`` began makes good codes: from now on it counts. ``first``: only if there is no factor yet.

    Its first code is thereby used.
    """
    begun = await find.begun_totp(ports.pool, person, since=now - BEGUN_S)
    seeds = await _seeds(ports, [begun] if begun else [])

    async def check(connection: Connection) -> str | None:
        if first:
            await refuse_second(connection, person)
        row = await find.begun_totp(connection, person, since=now - BEGUN_S)
        if row is None:
            return "not_begun"
        await _refuse_too_many(connection, person)
        step = _step(seeds, row, code, now=now)
        if step is None:
            return "wrong"
        if not await store.confirm_totp(connection, person, row.id, step=step, now=now):
            return "not_begun"
        await ports.changed(connection, Change(person, "totp.add", now, row.id, whence))
        return None

    await attempt(
        ports, person, check, now=now, message="The code is wrong. See that your phone's clock is right, and try again."
    )
    return Proof("totp", now)


async def verify(ports: Ports, person: str, code: str, *, now: int) -> Proof:
    """Prove an app of ``person`` with the code that it shows now. NotProven, or Refusal after too many tries."""
    seeds = await _seeds(ports, await find.totps(ports.pool, person))

    async def check(connection: Connection) -> str | None:
        why = "none"
        for row in await find.totps(connection, person):
            step = _step(seeds, row, code, now=now)
            if step is not None and await store.take_step(connection, person, row.id, step=step, now=now):
                return None
            why = "wrong"
        return why

    await attempt(ports, person, check, now=now, message=_WRONG)
    return Proof("totp", now)


async def refuse_second(connection: Connection, person: str) -> None:
    """Who knows only a password must not add a factor beside those that are there."""
    if await find.totps(connection, person) or await find.passkeys(connection, person):
        raise Refusal(Kind.FORBIDDEN, "There is a second factor already: sign in with it.", code="factor_exists")


async def _seeds(ports: Ports, rows: Sequence[TotpRow]) -> dict[str, str]:
    """The seeds of these apps by id, opened before any row is locked: that may ask the vault for a key."""
    opened = {row.id: await ports.box.open(SEALED_FOR, row.person, row.sealed) for row in rows}
    return {id_: fields["seed"] for id_, fields in opened.items() if fields}


def _step(seeds: Mapping[str, str], row: TotpRow, code: str, *, now: int) -> int | None:
    seed, tidied = seeds.get(row.id), totp.tidy(code)
    return totp.matching_step(seed, tidied, now=now, after=row.step) if seed and tidied else None


async def _refuse_too_many(connection: Connection, person: str) -> None:
    if len(await find.totps(connection, person)) >= MOST:
        raise invalid(f"A person can have at most {MOST} authenticator apps: remove one first.")
