"""What the official Python SDK may send: parameters by operation, read from the types of the installed package."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Array, Object, Only, Type, Unsupported

_NAMESPACES = ("checkout", "radar", "test_helpers")
_SINGLE = {"account": "retrieve_current", "balance": "retrieve"}
_EVERYWHERE = {"expand"}  # the door reads it for every operation
Tree = dict[str, "Sent"]


class Sent:
    """One parameter of the SDK: whether an empty string may be sent for it, and what it holds."""

    def __init__(self, *, clearable: bool, inner: Tree) -> None:
        self.clearable = clearable
        self.inner = inner


def parameters(operation: Operation) -> Tree | None:
    """The SDK's parameters of an operation; None if the SDK has no such operation."""
    folder = _folder()
    for name in file_names(operation):
        if (folder / name).exists():
            return _read(folder / name)
    return None


def unknown(params: Object, sent: Mapping[str, Sent], prefix: str = "") -> Iterator[str]:
    """What the SDK may send that is neither supported nor refused by name."""
    for name, one in sent.items():
        path = f"{prefix}[{name}]" if prefix else name
        if not prefix and name in _EVERYWHERE:
            continue
        param = params.params.get(name)
        if param is None:
            yield path
        elif inner := _object(param.type):
            yield from unknown(inner, one.inner, path)


def unclearable(params: Object, sent: Mapping[str, Sent], prefix: str = "") -> Iterator[str]:
    """What the SDK may clear by an empty string, and Lockgate supports but does not let anyone clear."""
    for name, one in sent.items():
        path = f"{prefix}[{name}]" if prefix else name
        param = params.params.get(name)
        if param is None or isinstance(param.type, Unsupported):
            continue
        if one.clearable and not param.clearable:
            yield path
        if inner := _object(param.type):
            yield from unclearable(inner, one.inner, path)


def _object(type_: Type) -> Object | None:
    if isinstance(type_, Only):
        type_ = type_.inner
    if isinstance(type_, Array):
        type_ = type_.item
    return type_ if isinstance(type_, Object) else None


def _folder() -> Path:
    spec = find_spec("stripe")
    if spec is None or spec.origin is None:
        raise RuntimeError("the SDK is missing: install requirements-dev.lock")
    return Path(spec.origin).parent / "params"


def file_names(operation: Operation) -> list[str]:
    """Where the SDK keeps an operation's parameters: by its path and method, as the SDK names its methods."""
    parts = operation.path.split("/")[2:]
    folder = f"{parts.pop(0)}/" if parts[0] in _NAMESPACES else ""
    noun, rest = _singular(parts[0]), parts[1:]
    return [f"{folder}_{noun}_{verb}_params.py" for verb in _verbs(operation.method, parts[0], rest)]


def _verbs(method: str, collection: str, rest: list[str]) -> list[str]:
    if not rest:
        if collection in _SINGLE:
            return [_SINGLE[collection]]
        return ["create" if method == "POST" else "list"]
    if len(rest) == 1:
        if not rest[0].startswith("{"):
            return [rest[0]]
        return {"GET": ["retrieve"], "POST": ["update", "modify"], "DELETE": ["delete"]}[method]
    if len(rest) == 2:
        return [rest[1]] if method == "POST" else [f"list_{rest[1]}"]
    return [f"retrieve_{_singular(rest[1])}"]


def _singular(word: str) -> str:
    return word.removesuffix("s")


@cache
def _read(file: Path) -> Tree:
    classes = {
        node.name: node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef)
    }
    return _members(classes, "".join(part.capitalize() for part in file.stem.strip("_").split("_")))


def _members(classes: Mapping[str, ast.ClassDef], name: str) -> Tree:
    found: Tree = {}
    for node in classes[name].body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            words = ast.unparse(node.annotation)
            inner = [word for word in re.findall(r"\w+", words) if word in classes]
            tree = {key: sent for word in inner for key, sent in _members(classes, word).items()}
            found[node.target.id] = Sent(clearable=bool(re.search(r"Literal\[\\?'\\?'\]", words)), inner=tree)
    return found
