"""The last step of every verb here: one commit with its audit record, its events and the answer to its key."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening, Origin, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call

_TRIES = 5


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
    ports: Ports, call: Call, *, commit: Commit, rendered: Mapping[str, Any], happenings: Sequence[Happening] = ()
) -> Answer:
    """Commit, and answer with ``rendered``."""
    who = call.principal
    key = call.claim.shown if call.claim else None
    origin = Origin(who.account, who.livemode, call.event_version, call.now, call.request_id, key)
    await announce(commit, origin, happenings, ports.box)
    answer = await call.answer(rendered)
    commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
    await ports.committer.commit(commit)
    if commit.outboxes:
        ports.poke()
    return answer
