"""docs/dialect.md: of every operation, parameter and field whether it is supported, refused or different."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.contract import sdk

from lockgate.gateway.web.openapi.events import carried
from lockgate.gateway.web.openapi.examples import kinds
from lockgate.gateway.web.openapi.words import Row, rows
from lockgate.gateway.webhooks.core.types import EVENT_TYPES
from lockgate.kernel.operations import Operation
from lockgate.kernel.shapes import Shape

_DATA = Path(__file__).parent
_HEAD = """# The dialect, as Lockgate speaks it

Generated from the declarations in the code by `make contract`; do not edit. What is neither supported nor refused by
name below is refused as unknown: nothing is accepted and ignored. `(required)` parameters must be sent; those marked
with `∅` are cleared by an empty value. Every operation that answers an object takes `expand`.
"""


def text(operations: Sequence[Operation]) -> str:
    """The whole page."""
    differences = tomllib.loads((_DATA / "differences.toml").read_text())
    empty = always_null()
    parts = [_HEAD, "## Deliberate differences\n", *(f"* {said}" for said in differences["everywhere"]), ""]
    parts.append("## Operations\n")
    for operation in sorted(operations, key=lambda one: (one.path, one.method)):
        parts += [*_operation(operation, differences["operations"].get(operation.name, {})), ""]
    parts.append("## Objects\n")
    for kind, shape in sorted(kinds(operations).items()):
        parts += [*_object(shape, empty.get(kind, [])), ""]
    parts.append("## Events\n")
    parts += [f"* `{type_}`: `{carried(type_)}`" for type_ in sorted(EVENT_TYPES)]
    return "\n".join(parts) + "\n"


def always_null() -> dict[str, list[str]]:
    """The fields, by kind, that are there for the dialect's sake and never hold anything."""
    return tomllib.loads((_DATA / "always_null.toml").read_text())


def stale(operations: Sequence[Operation]) -> Iterator[str]:
    """What the hand-written data say of operations, parameters or fields that are not there, or not as they say."""
    by_name = {operation.name: operation for operation in operations}
    told: Mapping[str, Any] = tomllib.loads((_DATA / "differences.toml").read_text())["operations"]
    for name, differences in told.items():
        if name not in by_name:
            yield f"differences.toml: no operation {name}"
            continue
        known = {row.name for row in rows(by_name[name].params)} | {"answer"}
        yield from (f"differences.toml: {name} has no parameter {param}" for param in differences.keys() - known)
    shapes = kinds(operations)
    for kind, names in always_null().items():
        fields = shapes[kind].fields if kind in shapes else {}
        for name in names:
            if name not in fields or not fields[name].nullable:
                yield f"always_null.toml: {kind}.{name} is not a field that may be null"


def _operation(operation: Operation, differences: Mapping[str, str]) -> Iterator[str]:
    own = "" if sdk.parameters(operation) is not None else ", Lockgate's own"
    yield f"### {operation.method} {operation.path}\n"
    yield f"`{operation.name}`{own}: {operation.summary.rstrip('.')}."
    given = list(rows(operation.params))
    supported = [row for row in given if row.refused is None and row.limited is None and row.name not in differences]
    if supported:
        yield f"\n* Supported: {', '.join(_supported(row) for row in supported)}"
    different = {row.name: row.limited for row in given if row.limited is not None} | dict(differences)
    if different and not supported:
        yield ""
    for name, why in different.items():
        yield f"* Different: `{name}`: {why}"
    yield from _refused(row for row in given if row.refused is not None)


def _supported(row: Row) -> str:
    return f"`{row.name}`" + (" (required)" if row.required else "") + (" ∅" if row.clearable else "")


def _refused(refused: Iterable[Row]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for row in refused:
        by_reason.setdefault(row.refused or "Not supported.", []).append(f"`{row.name}`")
    for why, names in by_reason.items():
        yield f"* Refused: {', '.join(names)}: {why}"


def _object(shape: Shape, empty: Sequence[str]) -> Iterator[str]:
    yield f"### The object {shape.kind}\n"
    plain = [name for name, field in shape.fields.items() if name not in empty and not field.expands]
    expandable = [name for name, field in shape.fields.items() if name not in empty and field.expands]
    for label, names in (("Supported", plain), ("Supported and expandable", expandable), ("Always null", empty)):
        if names:
            yield f"* {label}: {', '.join(f'`{name}`' for name in names)}"
