"""Asks operations as their recipes say, checks every answer by the OpenAPI document, and remembers what was seen."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import jsonschema_rs

from lockgate.kernel.operations import Operation
from tests.contract.recipes import IDS, PATH_KINDS, RECIPES, Recipe
from tests.contract.world import VERSION, World
from tests.contract.wrong import DEEPEST, Fields, Leaf, Wrong, fields_of, leaves, required_of
from tests.support.door import FORM, Reply

_MOST_EXPANSIONS = 20


@dataclass
class Asker:
    """Sends requests and keeps count: of parameters that were taken, and of fields that ever held something."""

    world: World
    document: Mapping[str, Any]
    taken: dict[str, set[str]] = field(default_factory=dict)
    held: set[tuple[str, str]] = field(default_factory=set)
    asked: int = 0
    recipes: Mapping[str, Recipe] = field(default_factory=lambda: RECIPES)
    _validators: dict[str, Any] = field(default_factory=dict)

    def minimal(self, operation: Operation) -> Reply:
        """With nothing but what must be sent."""
        return self.rightly(operation, [])

    def rightly(self, operation: Operation, wanted: Sequence[Leaf], *, expand: Sequence[str] = ()) -> Reply:
        """With what must be sent, and ``wanted``: the answer must be a success."""
        recipe = self.recipes.get(operation.name, Recipe())
        self.world.asking = recipe.by(self.world) if recipe.by is not None else None
        ids = self.path_ids(operation)
        sent: dict[str, str] = {}
        for leaf in {leaf.name: leaf for leaf in (*required_of(operation.params), *wanted)}.values():
            sent |= dict(self._fields(leaf, recipe, ids, operation=operation))
        excluded = {n for n in recipe.always if any(_exclude(recipe.apart, n, leaf.name) for leaf in wanted)}
        extra = {name: value for name, value in recipe.always.items() if name not in excluded}
        for prefix, needed in recipe.needs.items():
            if any(_begins(leaf.name, prefix) for leaf in wanted):
                extra |= needed
                for name in needed:
                    sent.pop(name, None)
        for name, value in extra.items():
            sent.setdefault(name, _text(value(self.world, ids) if callable(value) else value))
        fields = [*sent.items(), *((f"expand[{place}]", path) for place, path in enumerate(expand))]
        reply = self.send(operation, ids, fields)
        expected = 400 if recipe.refused else 200
        assert reply.status == expected, f"{operation.name} {sent}: {reply.text}"
        self.taken.setdefault(operation.name, set()).update(leaf.name for leaf in wanted)
        self.world.asking = None
        if recipe.after is not None:
            recipe.after(self.world)
        return reply

    def wrongly(self, operation: Operation, wrong: Wrong, ids: Mapping[str, str]) -> str | None:
        """What is not as it must be about the refusal of ``wrong``; None if all is well."""
        reply = self.send(operation, ids, wrong.fields)
        what = f"{operation.name}: {wrong.what}"
        secret = "client_secret" in wrong.names  # it is proven before the others are read
        if reply.status != 400 and not (secret and reply.status == 403):
            return f"{what}: {reply.status} {reply.text[:200]}"
        error = reply.error
        if error.get("param") not in wrong.names | _root(wrong):
            return f"{what}: names {error.get('param')!r}: {reply.text[:200]}"
        if wrong.code not in (None, error.get("code")) and not secret:
            return f"{what}: code {error.get('code')!r}"
        if "zq7x" in reply.text:
            return f"{what}: the value came back: {reply.text[:200]}"
        return None

    def send(self, operation: Operation, ids: Mapping[str, str], fields: Fields) -> Reply:
        path = operation.path
        for name, id_ in ids.items():
            path = path.replace(f"{{{name}}}", id_)
        text = "&".join(f"{quote_plus(name, safe='[]')}={quote_plus(value)}" for name, value in fields)
        self.asked += 1
        client = self.world.asking or self.world.client
        if operation.method == "POST":
            headers = {**VERSION, "Content-Type": FORM}
            reply = client.request("POST", path, headers=headers, body=text.encode())
        else:
            target = f"{path}?{text}" if text else path
            reply = client.request(operation.method, target, headers=VERSION)
        self.check(operation, reply)
        return reply

    def check(self, operation: Operation, reply: Reply) -> None:
        """The answer is one that the document has, and no fault."""
        assert reply.status < 500, f"{operation.name}: {reply.status} {reply.text}"
        name = operation.name if reply.status == 200 else "error"
        if name not in self._validators:
            self._validators[name] = self._validator(operation, reply.status)
        faults = [f"{list(e.instance_path)}: {e.message[:300]}" for e in self._validators[name].iter_errors(reply.json)]
        assert not faults, f"{operation.name} is answered otherwise than documented: {faults[:5]}"
        if reply.status == 200:
            self.remember(reply.json)

    def remember(self, value: Any) -> None:
        """Which fields of which kinds hold something."""
        if isinstance(value, list):
            for item in value:
                self.remember(item)
        elif isinstance(value, dict):
            kind = value.get("object")
            for name, inner in value.items():
                if isinstance(kind, str) and inner is not None:
                    self.held.add((kind, name))
                if isinstance(inner, dict | list):
                    self.remember(inner)

    def path_ids(self, operation: Operation) -> dict[str, str]:
        """Ids for the path: a new object's for what changes or deletes it."""
        recipe = self.recipes.get(operation.name, Recipe())
        fresh = operation.method != "GET"
        found = {}
        for part in operation.path.split("/"):
            if part.startswith("{"):
                name = part[1:-1]
                made = recipe.path.get(name)
                kind = kind_of(operation, name)
                made = made or (self.world.makers[kind] if fresh else None)
                found[name] = made(self.world) if made else self.world.one(kind)
        return found

    def _fields(self, leaf: Leaf, recipe: Recipe, ids: Mapping[str, str], *, operation: Operation) -> Fields:
        given = recipe.values.get(leaf.name)
        value = given(self.world, ids) if callable(given) else given
        last = leaf.name.rpartition("[")[2].rstrip("]")
        if value is None and leaf.name == "client_secret":
            value = self.world.secrets[next(iter(ids.values()))]
        if value is None and last in IDS:
            value = self.world.one(IDS[last])
        if value is None and leaf.name in ("starting_after", "ending_before"):
            value = self.world.one(operation.returns.kind)
        if isinstance(value, list | dict) or value is None:
            return fields_of(leaf.name, leaf.param.type, value)
        return [(leaf.name, _text(value))]

    def _validator(self, operation: Operation, status: int) -> Any:
        described = self.document["paths"][operation.path][operation.method.lower()]
        schema = (
            described["responses"]["200"]["content"]["application/json"]["schema"]
            if status == 200
            else {"$ref": "#/components/schemas/error"}
        )
        return jsonschema_rs.validator_for({**schema, "components": self.document["components"]})


def kind_of(operation: Operation, name: str) -> str:
    """What the id called ``name`` in a path is of."""
    if name != "id":
        return PATH_KINDS.get(name, name)
    return operation.path.split("/")[2].removesuffix("s")


def exercised(operation: Operation, recipes: Mapping[str, Recipe] = RECIPES) -> list[Leaf]:
    """The parameters that this installation can be asked with."""
    never = recipes.get(operation.name, Recipe()).never
    return [leaf for leaf in leaves(operation.params) if not any(_begins(leaf.name, prefix) for prefix in never)]


def groups(operation: Operation, recipes: Mapping[str, Recipe] = RECIPES) -> Iterator[list[Leaf]]:
    """The parameters in as few requests as what excludes what allows."""
    apart = recipes.get(operation.name, Recipe()).apart
    if operation.form in ("list", "search"):
        apart = (*apart, ("starting_after", "ending_before"))
    left = exercised(operation, recipes)
    while left:
        group: list[Leaf] = []
        for leaf in left:
            if not any(_exclude(apart, leaf.name, other.name) for other in group):
                group.append(leaf)
        yield group
        left = [leaf for leaf in left if leaf not in group]


def expandable(operation: Operation) -> list[str]:
    """Everything that can be expanded in the answer, one step deep."""
    if operation.form == "deleted":
        return []
    prefix = "data." if operation.form != "object" else ""
    names = [f"{prefix}{name}" for name, field_ in operation.returns.fields.items() if field_.expands]
    return names[:_MOST_EXPANSIONS]


def _root(wrong: Wrong) -> set[str]:
    """What is named where a name is nested too deep to be read."""
    deep = [name for name, _ in wrong.fields if name.count("[") >= DEEPEST]
    return {name.partition("[")[0] for name in deep}


def _exclude(apart: Sequence[Sequence[str]], one: str, other: str) -> bool:
    """Whether two parameters fall under two different names of a group."""
    for names in apart:
        first = [name for name in names if _begins(one, name)]
        second = [name for name in names if _begins(other, name)]
        if first and second and first != second:
            return True
    return False


def _begins(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}[")


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
