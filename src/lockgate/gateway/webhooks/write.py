"""The last step of every verb here: one commit with its audit record and the answer to its idempotency key."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call

_TRIES = 5


async def settled(decide: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run ``decide`` (read, decide, write) again while others change the same endpoint under it."""
    for _ in range(_TRIES):
        try:
            return await decide()
        except Moved:
            continue
    raise Refusal(
        Kind.CONFLICT,
        "This webhook endpoint is being changed by other requests; try again.",
        code="lock_timeout",
        should_retry=True,
    )


async def write(ports: Ports, call: Call, *, commit: Commit, rendered: Mapping[str, Any]) -> Answer:
    """Commit, and answer with ``rendered``."""
    answer = await call.answer(rendered)
    sealed = await call.sealed(answer) if call.claim else None
    commit.claims += claimed_and_answered(call, answer, sealed)
    await ports.committer.commit(commit)
    ports.poke()
    return answer
