"""Expansions: which properties may be asked for, and the replacing of ids by their objects, level by level."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lockgate.gateway.web import errors
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Call, Loader, Operation
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import Shape

MAX_DEPTH = 4
MAX_EXPANSIONS = 20
TOTAL = "total_count"
_EPHEMERAL = ("customer", "payment_method")
_ERRORS = ("last_payment_error", "last_setup_error")

Tree = dict[str, "Tree"]


class Expansions:
    """Knows every kind of object by the operations that return it, and how ids of a kind are read.

    A kind that has a loader and no shape stands for several, as a balance transaction's source does: what an id of it
    is, its object says.
    """

    def __init__(self, operations: Sequence[Operation], loaders: Mapping[str, Loader]) -> None:
        self.loaders = dict(loaders)
        self.shapes: dict[str, Shape] = {}
        self._resources: dict[str, str] = {}
        for operation in operations:
            self.shapes[operation.returns.kind] = operation.returns
            if operation.access == "read" or operation.returns.kind not in self._resources:
                self._resources[operation.returns.kind] = operation.resource

    def check(self, operation: Operation, principal: Principal, paths: Sequence[str], *, version: str) -> None:
        """Refuses, before anything happens, what cannot be expanded or what this key may not read."""
        if len(paths) > MAX_EXPANSIONS:
            raise invalid(f"At most {MAX_EXPANSIONS} expansions can be asked for.", param="expand")
        who = _Asking(principal, version)
        for number, path in enumerate(paths):
            param = f"expand[{number}]"
            steps = path.split(".")
            if len(steps) > MAX_DEPTH:
                raise invalid(f"You cannot expand more than {MAX_DEPTH} levels of a property.", param=param)
            if operation.form == "search" and steps == [TOTAL]:
                continue
            if operation.many:
                steps = steps[1:] if steps[0] == "data" else []
            elif operation.form == "deleted":
                steps = []
            if not steps or not self._leads_somewhere(operation.returns, steps, who):
                bare = operation.many and not path.startswith("data.")
                hint = f" Inside of a list, start with data: 'data.{_name(path)}'." if bare else ""
                raise invalid(f"This property cannot be expanded ({_name(path)}).{hint}", param=param)

    async def expanded(
        self, call: Call, rendered: Mapping[str, Any], *, fresh: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """``rendered`` with what ``call`` asks for. Objects of ``fresh`` are taken before any are read."""
        operation = call.operation
        tree: Tree = {}
        for path in call.expand:
            if path == TOTAL and operation.form == "search":
                continue  # the search itself counts
            node = tree
            steps = path.split(".")
            for step in steps[1:] if operation.many else steps:
                node = node.setdefault(step, {})
        work = _Work(self, call, {str(item["id"]): item for item in fresh if "id" in item})
        if operation.many:
            items = [dict(item) for item in rendered["data"]]
            await work.expand(items, shape=operation.returns, tree=tree)
            return {**rendered, "data": items}
        whole = dict(rendered)
        if not whole.get("deleted"):
            await work.expand([whole], shape=operation.returns, tree=tree)
        return whole

    def _leads_somewhere(self, shape: Shape | None, steps: Sequence[str], who: "_Asking") -> bool:
        """Whether every step is a property that can be expanded, and the last one is not just on the way."""
        if shape is None or not steps:
            return False
        found = shape.field(steps[0], who.version)
        if found is None or not (found.public or who.principal.sees_whole_objects):
            return False
        if found.inside:
            return len(steps) > 1 and self._kind_leads(found.inside.get(steps[1]), steps[2:], who)
        if found.lists is None:
            return (found.hollow and len(steps) == 1) or self._kind_leads(found.expands, steps[1:], who)
        self.check_may_read(who.principal, found.lists)
        if len(steps) == 1:
            return f"{shape.kind}.{steps[0]}" in self.loaders
        return steps[1] == "data" and self._leads_somewhere(self.shapes.get(found.lists), steps[2:], who)

    def _kind_leads(self, kind: str | None, below: Sequence[str], who: "_Asking") -> bool:
        if kind is None or kind not in self.loaders:
            return False
        self.check_may_read(who.principal, kind)
        if not below:
            return True
        shape = self.shapes.get(kind)
        if shape is not None:
            return self._leads_somewhere(shape, below, who)
        several = [self.shapes[name] for name in self.loaders if name in self.shapes]
        return any(below[0] in one.fields and self._leads_somewhere(one, below, who) for one in several)

    def check_may_read(self, principal: Principal, kind: str) -> None:
        """Refuses a kind that this key could not read by itself. Of a kind that stands for several nothing is known."""
        if kind not in self.shapes:
            return
        if principal.kind == "ephemeral" and kind not in _EPHEMERAL:
            raise Refusal(Kind.FORBIDDEN, "An ephemeral key cannot read this property.", param="expand")
        if principal.kind != "restricted":
            return
        resource = self._resources.get(kind, kind)
        if not principal.may(resource, "read"):
            raise Refusal(
                Kind.FORBIDDEN,
                f"This key may not expand {kind}: it lacks the permission {resource}=read.",
                param="expand",
            )


class _Asking(NamedTuple):
    """Who asks, in which version."""

    principal: Principal
    version: str


@dataclass(frozen=True, slots=True)
class _Work:
    """One answer's expansions. ``fresh`` are objects that the next commit makes: taken before any are read."""

    known: Expansions
    call: Call
    fresh: Mapping[str, Mapping[str, Any]]

    async def expand(self, items: Sequence[dict[str, Any]], *, shape: Shape, tree: Tree) -> None:
        """Replace ids in ``items`` by their objects, one read per property whatever the number of items."""
        for name, below in tree.items():
            field = shape.field(name, self.call.api_version)
            if field is None:
                continue  # a property of another of the kinds that stand here
            if field.inside:
                holders = [item for item in items if isinstance(item[name], Mapping)]
                for item in holders:
                    item[name] = dict(item[name])
                for inner, further in below.items():
                    within = [item[name] for item in holders]
                    await self._replace(within, inner, kind=field.inside[inner], below=further)
            elif field.lists is not None:
                await self._fill(items, name, shape=shape, kind=field.lists, below=below.get("data", {}))
            elif field.expands is not None:
                await self._replace(items, name, kind=field.expands, below=below)

    async def _fill(
        self, items: Sequence[dict[str, Any]], name: str, *, shape: Shape, kind: str, below: Tree
    ) -> None:
        """Give each object its list, where it does not have it yet, and expand the list's own items."""
        loader = self.known.loaders.get(f"{shape.kind}.{name}")
        without = [str(item["id"]) for item in items if item.get(name) is None]
        found = await loader(self.call.principal, without) if loader and without else {}
        for item in items:
            given = item[name] if item.get(name) is not None else found.get(str(item["id"]))
            if given is not None:
                item[name] = {**given, "data": [dict(one) for one in given["data"]]}
        inner = self.known.shapes.get(kind)
        if below and inner is not None:
            within = [one for item in items if item.get(name) for one in item[name]["data"]]
            await self.expand(within, shape=inner, tree=below)

    async def _replace(self, items: Sequence[dict[str, Any]], name: str, *, kind: str, below: Tree) -> None:
        principal = self.call.principal
        wanted = {item[name] for item in items if isinstance(item.get(name), str)}
        found = {id_: self.fresh[id_] for id_ in wanted if id_ in self.fresh}
        unread = sorted(wanted - found.keys())
        if unread:
            found |= await self.known.loaders[kind](principal, unread)
        children = {id_: dict(child) for id_, child in found.items() if self._may_be_seen(child)}
        for object_ in {str(child["object"]) for child in children.values()} if below else ():
            inner = self.known.shapes.get(object_)
            whole = [c for c in children.values() if c["object"] == object_ and not c.get("deleted")]
            if inner is not None:
                await self.expand(whole, shape=inner, tree=below)
        for item in items:
            id_ = item.get(name)
            if isinstance(id_, str) and id_ in children:
                child = children[id_]
                shape = self.known.shapes.get(str(child["object"]))
                item[name] = child if principal.sees_whole_objects or shape is None else reduced(shape, child)

    def _may_be_seen(self, child: Mapping[str, Any]) -> bool:
        """Whether this key could read the object alone. A look is refused; what was done is answered with the id."""
        try:
            self.known.check_may_read(self.call.principal, str(child["object"]))
        except Refusal:
            if self.call.operation.access == "read":
                raise
            return False
        return True


def reduced(shape: Shape, rendered: Mapping[str, Any]) -> dict[str, Any]:
    """``rendered`` as a publishable key may see it."""
    if rendered.get("deleted"):
        return dict(rendered)
    kept = shape.reduce(rendered)
    for name in _ERRORS:
        if isinstance(kept.get(name), dict):
            kept[name] = errors.soften(kept[name])
    return kept


def _name(path: str) -> str:
    """A property's name fit for an error: long runs of digits never come back."""
    return re.sub(r"[0-9]{5,}", "#", path)[:100]
