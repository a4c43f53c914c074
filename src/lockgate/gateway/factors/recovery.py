"""Recovery codes: ten at a time, shown once, each good once. Only hashes of them are kept."""

import secrets
from hashlib import sha256

from lockgate.gateway.factors import store
from lockgate.gateway.factors.core import codes
from lockgate.gateway.factors.core.proof import Proof
from lockgate.gateway.factors.ports import NOWHERE, Change, Ports, Whence
from lockgate.gateway.factors.tries import attempt
from lockgate.gateway.storage.database import Connection

_BITS = 140
_WRONG = "The recovery code is wrong, or it was used already."


async def renew(
    ports: Ports, person: str, *, now: int, tell: bool = True, whence: Whence = NOWHERE
) -> list[str]:
    """New codes, in place of all older ones. ``tell`` lets the person know, as of every change to her factors."""
    fresh = [codes.shown(secrets.randbits(_BITS)) for _ in range(codes.COUNT)]
    async with ports.pool.acquire() as connection, connection.transaction():
        await store.lock(connection, person)
        await store.renew_recovery_codes(connection, person, [_hash(code) for code in fresh], now=now)
        if tell:
            await ports.changed(connection, Change(person, "recovery_codes.renew", now, None, whence))
    return fresh


async def use(ports: Ports, person: str, code: str, *, now: int, whence: Whence = NOWHERE) -> Proof:
    """Prove one unused code, beside the password: it stands for the factor that was lost, never for both."""

    async def check(connection: Connection) -> str | None:
        if not await store.take_recovery_code(connection, person, _hash(code), now=now):
            return "wrong"
        await ports.changed(connection, Change(person, "recovery_code.use", now, None, whence))
        return None

    await attempt(ports, person, check, now=now, message=_WRONG)
    return Proof("recovery_code", now)


def _hash(code: str) -> bytes:
    """140 random bits need no slow hash. What is no code at all hashes to what no code does."""
    return sha256(codes.tidy(code).encode()).digest()
