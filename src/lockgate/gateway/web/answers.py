"""Rendered objects to bytes: expansions, what a publishable key may see, and answers fixed before their last commit."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.web import errors
from lockgate.gateway.web.idempotency import Idempotency
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import Shape

MAX_DEPTH = 4
MAX_EXPANSIONS = 20
_ERRORS = ("last_payment_error", "last_setup_error")

_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)  # made once: it costs more than a small object

Tree = dict[str, "Tree"]


class Answers:
    """The Concluding of every call. Knows every kind of object by the operations that return it."""

    def __init__(
        self, operations: Sequence[Operation], loaders: Mapping[str, Loader], idempotency: Idempotency
    ) -> None:
        self._loaders = dict(loaders)
        self._idempotency = idempotency
        self._shapes: dict[str, Shape] = {}
        self._resources: dict[str, str] = {}
        for operation in operations:
            self._shapes[operation.returns.kind] = operation.returns
            if operation.access == "read" or operation.returns.kind not in self._resources:
                self._resources[operation.returns.kind] = operation.resource

    def check_expansions(self, operation: Operation, principal: Principal, paths: Sequence[str]) -> None:
        """Refuses, before anything happens, what cannot be expanded or what this key may not read."""
        if len(paths) > MAX_EXPANSIONS:
            raise invalid(f"At most {MAX_EXPANSIONS} expansions can be asked for.", param="expand")
        for place, path in enumerate(paths):
            steps = path.split(".")
            if len(steps) > MAX_DEPTH:
                raise invalid(f"Expansions can go at most {MAX_DEPTH} deep.", param=f"expand[{place}]")
            if operation.form == "list" and steps[0] == "data":
                steps = steps[1:]
            elif operation.form != "object":
                steps = []
            shape: Shape | None = operation.returns
            for step in steps:
                field = shape.fields.get(step) if shape else None
                if field is None or field.expands not in self._loaders or not (field.public or principal.sees_secrets):
                    steps = []
                    break
                self._check_may_read(principal, field.expands)
                shape = self._shapes.get(field.expands)
            if not steps:
                raise invalid("This property cannot be expanded.", param=f"expand[{place}]")

    async def object(self, call: Call, rendered: Mapping[str, Any], *, fresh: Sequence[Mapping[str, Any]]) -> Answer:
        """``rendered`` as this caller may see it. Objects of ``fresh`` are taken before any are read."""
        form, shape = call.operation.form, call.operation.returns
        if call.expand:
            rendered = await self._expanded(call, rendered, fresh=fresh)
        if not call.principal.sees_secrets and form != "deleted":
            if form == "list":
                rendered = {**rendered, "data": [_reduced(shape, item) for item in rendered["data"]]}
            else:
                rendered = _reduced(shape, rendered)
        return Answer(200, _COMPACT.encode(rendered).encode())

    async def refusal(self, call: Call, refusal: Refusal) -> Answer:
        """A refusal in its envelope, with embedded objects as this caller may see them."""
        return self.refused(refusal, sees_secrets=call.principal.sees_secrets)

    def refused(self, refusal: Refusal, *, sees_secrets: bool) -> Answer:
        """The same without a call."""
        embed = dict(refusal.embed or {})
        if not sees_secrets:
            embed = {name: _reduced(self._shapes[name], value) for name, value in embed.items() if name in self._shapes}
        fields = errors.error_fields(refusal, embed=embed, sees_secrets=sees_secrets)
        return Answer(errors.status_of(refusal), errors.body_of(fields))

    async def seal(self, call: Call, answer: Answer) -> bytes:
        """``answer`` as it is kept beside its idempotency key."""
        return await self._idempotency.seal(call, answer)

    def _check_may_read(self, principal: Principal, kind: str) -> None:
        if principal.kind != "restricted":
            return
        resource = self._resources.get(kind, kind)
        if not principal.may(resource, "read"):
            raise Refusal(
                Kind.FORBIDDEN,
                f"This key may not expand {kind}: it lacks the permission {resource}=read.",
                param="expand",
            )

    async def _expanded(
        self, call: Call, rendered: Mapping[str, Any], *, fresh: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        tree: Tree = {}
        for path in call.expand:
            node = tree
            steps = path.split(".")
            for step in steps[1:] if call.operation.form == "list" else steps:
                node = node.setdefault(step, {})
        known = {str(item["id"]): item for item in fresh}
        shape = call.operation.returns
        if call.operation.form == "list":
            items = [dict(item) for item in rendered["data"]]
            await self._expand(call.principal, items, shape=shape, tree=tree, known=known)
            return {**rendered, "data": items}
        whole = dict(rendered)
        await self._expand(call.principal, [whole], shape=shape, tree=tree, known=known)
        return whole

    async def _expand(
        self,
        principal: Principal,
        items: list[dict[str, Any]],
        *,
        shape: Shape,
        tree: Tree,
        known: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Replace ids in ``items`` by their objects, one read per property whatever the number of items."""
        for name, below in tree.items():
            kind = shape.fields[name].expands
            assert kind is not None, "expansions were checked before the handler ran"
            wanted = {item[name] for item in items if isinstance(item[name], str)}
            found = {id_: known[id_] for id_ in wanted if id_ in known}
            unread = sorted(wanted - found.keys())
            if unread:
                found |= await self._loaders[kind](principal, unread)
            children = {id_: dict(child) for id_, child in found.items()}
            inner = self._shapes.get(kind)
            if below and inner is not None:
                whole = [child for child in children.values() if not child.get("deleted")]
                await self._expand(principal, whole, shape=inner, tree=below, known=known)
            if not principal.sees_secrets:
                children = {id_: _reduced(inner, child) for id_, child in children.items() if inner is not None}
            for item in items:
                if isinstance(item[name], str) and item[name] in children:
                    item[name] = children[item[name]]


def _reduced(shape: Shape, rendered: Mapping[str, Any]) -> dict[str, Any]:
    reduced = shape.reduce(rendered)
    for name in _ERRORS:
        if isinstance(reduced.get(name), dict):
            reduced[name] = errors.soften(reduced[name])
    return reduced
