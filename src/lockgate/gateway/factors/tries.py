"""One try at a code: counted before it is looked at, so that a crowd of tries at once is still one after the other."""

from collections.abc import Awaitable, Callable

from lockgate.gateway.factors import store
from lockgate.gateway.factors.core import tries
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.gateway.factors.ports import Ports
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.errors import Kind, Refusal


async def attempt(
    ports: Ports, person: str, check: Callable[[Connection], Awaitable[str | None]], *, now: int, message: str
) -> None:
    """Run ``check`` under the person's lock; it answers None where the code is good, or else why it is not.

    What ``check`` writes is kept where it succeeds, what it failed at is counted; both are committed before we refuse.
    """
    async with ports.pool.acquire() as connection, connection.transaction():
        failed = await store.lock(connection, person)
        wait_s = tries.wait_s(failed, now)
        why = None
        if not wait_s:
            why = await check(connection)
            if why is not None:
                await store.note_failures(connection, person, tries.noted(failed, now))
    if wait_s:
        raise Refusal(
            Kind.RATE_LIMITED,
            "Too many wrong codes. Wait before you try again, or use a passkey.",
            code="factor_tries_exceeded",
            retry_after_s=wait_s,
        )
    if why is not None:
        raise NotProven(message, why=why)
