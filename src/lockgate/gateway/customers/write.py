"""The last step of every verb here: one commit with its events and the answer to its idempotency key."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lockgate.gateway.customers.ports import Ports
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
    ports: Ports,
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
    await _announce(ports, call, commit, happenings=happenings)
    answer = await call.answer(rendered, fresh)
    sealed = await call.sealed(answer) if call.claim else None
    commit.claims += claimed_and_answered(call, answer, sealed)
    await ports.committer.commit(commit)
    ports.poke()
    return answer


async def _announce(ports: Ports, call: Call, commit: Commit, *, happenings: Sequence[Happening]) -> None:
    """Event rows for ``happenings``; old values about a person go where the new ones go: into the sealed part."""
    who = call.principal
    origin = Origin(
        who.account, who.livemode, call.api_version, call.now, call.request_id, call.claim.key if call.claim else None
    )
    public, private = [], []
    for happening in happenings:
        fields = happening.shape.fields
        before = happening.previous or {}
        private.append({name: value for name, value in before.items() if fields[name].personal})
        if happening.previous is not None:
            rest = {name: value for name, value in before.items() if name not in private[-1]}
            happening = happening._replace(previous=rest)  # noqa: PLW2901 - the same event without what is sealed
        public.append(happening)
    first = len(commit.events)
    await announce(commit, origin, public, ports.box)
    for place, (happening, previous) in enumerate(zip(public, private, strict=True), first):
        if previous:
            _, personal = happening.shape.split(happening.rendered)
            sealed = await ports.box.seal(
                who.account, happening.subject, {**personal, "previous_attributes": previous}
            )
            commit.events[place] = commit.events[place]._replace(personal=sealed)
