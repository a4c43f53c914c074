"""The contract as sorted text that diffs well: each operation with its parameters, each object, each event."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from lockgate.gateway.web.openapi.events import carried
from lockgate.gateway.web.openapi.examples import kinds
from lockgate.gateway.web.openapi.words import Row, field_rows, rows
from lockgate.gateway.webhooks.core.types import EVENT_TYPES
from lockgate.kernel.operations import Operation


def text(operations: Sequence[Operation]) -> str:
    """The whole contract. Lines that begin a block stand at the margin, what belongs to it is indented."""
    lines: list[str] = []
    for operation in sorted(operations, key=lambda one: one.name):
        lines += [f"operation {operation.name}", *(f"  {line}" for line in _operation(operation)), ""]
    for kind, shape in sorted(kinds(operations).items()):
        lines += [f"object {kind}", *(f"  field {name}: {says}" for name, says in sorted(field_rows(shape))), ""]
    lines += ["events", *(f"  event {type_}: {carried(type_)}" for type_ in sorted(EVENT_TYPES)), ""]
    return "\n".join(lines)


def digest(contract: str) -> str:
    """A short name for exactly this contract."""
    return sha256(contract.encode()).hexdigest()[:12]


def _operation(operation: Operation) -> Iterator[str]:
    yield f"path: {operation.method} {operation.path}"
    yield f"answer: {operation.returns.kind}" + ("" if operation.form == "object" else f", {operation.form}")
    yield f"permission: {operation.resource}={operation.access}"
    if operation.publishable:
        yield f"publishable: {'with the client secret' if operation.client_secret else 'yes'}"
    if operation.declines:
        yield "declines: yes"
    for row in sorted(rows(operation.params), key=lambda row: row.name):
        yield f"parameter {row.name}: {_parameter(row)}"


def _parameter(row: Row) -> str:
    notes = [row.says]
    notes += ["required"] if row.required else []
    notes += ["an empty value clears it"] if row.clearable else []
    notes += ["certain values only"] if row.limited is not None else []
    return "; ".join(notes)
