"""Rendered objects to bytes: expansions, what a publishable key may see, and answers fixed before their last commit."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.web import errors
from lockgate.gateway.web.expansions import Expansions, reduced
from lockgate.gateway.web.idempotency import Idempotency
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.principal import Principal

_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)  # made once: it costs more than a small object


class Answers:
    """The Concluding of every call. Knows every kind of object by the operations that return it."""

    def __init__(
        self, operations: Sequence[Operation], loaders: Mapping[str, Loader], idempotency: Idempotency
    ) -> None:
        self._expansions = Expansions(operations, loaders)
        self._idempotency = idempotency

    def check_expansions(
        self, operation: Operation, principal: Principal, paths: Sequence[str], *, version: str
    ) -> None:
        """Refuses, before anything happens, what cannot be expanded or what this key may not read."""
        self._expansions.check(operation, principal, paths, version=version)

    async def object(self, call: Call, rendered: Mapping[str, Any], *, fresh: Sequence[Mapping[str, Any]]) -> Answer:
        """``rendered`` as this caller may see it. Objects of ``fresh`` are taken before any are read."""
        form, shape = call.operation.form, call.operation.returns
        if call.expand:
            rendered = await self._expansions.expanded(call, rendered, fresh=fresh)
        if not call.principal.sees_whole_objects and form != "deleted":
            if call.operation.many:
                rendered = {**rendered, "data": [reduced(shape, item) for item in rendered["data"]]}
            else:
                rendered = reduced(shape, rendered)
        return Answer(200, _COMPACT.encode(rendered).encode())

    async def refusal(self, call: Call, refusal: Refusal) -> Answer:
        """A refusal in its envelope, with embedded objects as this caller may see them."""
        return self.refused(refusal, principal=call.principal)

    def refused(self, refusal: Refusal, *, principal: Principal | None) -> Answer:
        """The same without a call; ``principal`` is None as long as nobody knows who asks."""
        embed = dict(refusal.embed or {})
        if principal is not None and not principal.sees_whole_objects:
            shapes = self._expansions.shapes
            embed = {name: reduced(shapes[name], value) for name, value in embed.items() if name in shapes}
        sees_secrets = principal is None or principal.sees_secrets
        fields = errors.error_fields(refusal, embed=embed, sees_secrets=sees_secrets)
        return Answer(errors.status_of(refusal), errors.body_of(fields))

    async def seal(self, call: Call, answer: Answer) -> bytes:
        """``answer`` as it is kept beside its idempotency key."""
        return await self._idempotency.seal(call, answer)
