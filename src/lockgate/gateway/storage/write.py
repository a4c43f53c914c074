"""The last step of a verb that needs no processor: one commit with its events and the answer to its idempotency key."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from lockgate.gateway.storage.commit import Committer, KeyInUse, Moved
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.events import Box, Happening, Origin, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered, take
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call

_TRIES = 5


class Writes(Protocol):
    """The ports of a room that writes."""

    @property
    def committer(self) -> Committer: ...

    @property
    def box(self) -> Box: ...

    @property
    def poke(self) -> Callable[[], None]: ...


async def settled(decide: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run ``decide`` (read, decide, write) again while others change the same rows under it."""
    for _ in range(_TRIES):
        try:
            return await decide()
        except Moved:
            continue
    raise Refusal(
        Kind.CONFLICT,
        "This object is being changed by other requests; try again.",
        code="lock_timeout",
        should_retry=True,
    )


async def write(
    ports: Writes,
    call: Call,
    *,
    commit: Commit,
    rendered: Mapping[str, Any],
    happenings: Sequence[Happening] = (),
    fresh: Sequence[Mapping[str, Any]] = (),
) -> Answer:
    """Commit with ``happenings`` announced, and answer with ``rendered``. ``fresh`` are objects that this commit makes.

    CommitUnknown goes up: with an idempotency key the client's retry finds out, without one nobody can.
    """
    who = call.principal
    key = call.claim.shown if call.claim else None
    origin = Origin(who.account, who.livemode, call.event_version, call.now, call.request_id, key)
    await announce(commit, origin, happenings, ports.box)
    answer = await call.answer(rendered, fresh)
    sealed = await call.sealed(answer) if call.claim else None
    commit.claims += claimed_and_answered(call, answer, sealed)
    await ports.committer.commit(commit)
    ports.poke()
    return answer


async def transact(
    pool: Pool, call: Call, *, rendered: Mapping[str, Any], work: Callable[[Connection], Awaitable[None]]
) -> Answer:
    """Do ``work`` in one transaction with the answer to the call's idempotency key; for rooms beside the money path.

    ``work`` raises to refuse, and nothing is written.
    """
    answer = await call.answer(rendered)
    claims = claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
    async with pool.acquire() as connection, connection.transaction():
        if not await take(connection, claims):
            raise KeyInUse
        await work(connection)
    return answer
