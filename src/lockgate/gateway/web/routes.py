"""Which operation a method and path mean; and that none is registered that does not say who may use it and how fast."""

import re
from collections.abc import Sequence
from typing import NamedTuple, get_args

from lockgate.gateway.identity.core.permissions import RESOURCES
from lockgate.gateway.web.limits_rules import OPERATION_CLASSES, PAGE_CLASSES
from lockgate.kernel.operations import Hook, Operation, Page
from lockgate.kernel.principal import Access

_SEGMENT = re.compile(r"(?=.{1,255}\Z)[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*")  # names of rules have dots within
_PATH = re.compile(r"(?:/(?:[a-z0-9_.]+|\{[a-z_]+\}))+")


_PAGE_SEGMENT = re.compile(r"[A-Za-z0-9_.~\-]{1,2000}")


class PageMatch(NamedTuple):
    """A page for browsers or a hook for other services, and what its path holds."""

    page: Page | Hook
    path: dict[str, str]


class Pages:
    """What is opened without a key. There are few, so they are looked through."""

    def __init__(self, pages: Sequence[Page | Hook]) -> None:
        self._pages = [(page, page.path.split("/")) for page in pages]
        for page in pages:
            if page.limit not in PAGE_CLASSES:
                raise ValueError(f"page {page.path} names no known class of limits")

    def find(self, method: str, path: str) -> PageMatch | tuple[str, ...]:
        """The match; or else the methods that the path has, none if there is no such path."""
        given = path.split("/")
        methods: tuple[str, ...] = ()
        for page, wanted in self._pages:
            if len(wanted) != len(given):
                continue
            held = {name[1:-1]: value for name, value in zip(wanted, given, strict=True) if name.startswith("{")}
            fixed = all(name.startswith("{") or name == value for name, value in zip(wanted, given, strict=True))
            if fixed and all(_PAGE_SEGMENT.fullmatch(value) for value in held.values()):
                if page.method == method:
                    return PageMatch(page, held)
                methods += (page.method,)
        return methods


class Match(NamedTuple):
    """An operation, and the ids that its path holds."""

    operation: Operation
    path: dict[str, str]


class _Pattern(NamedTuple):
    segments: tuple[str | None, ...]  # None stands for an id
    names: tuple[tuple[int, str], ...]
    methods: dict[str, Operation]


class Routes:
    """All operations by path. Fixed paths are found by one look, others by their fixed segments."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._exact: dict[str, dict[str, Operation]] = {}
        self._patterns: dict[tuple[int, str], list[_Pattern]] = {}
        names: set[str] = set()
        for operation in operations:
            _check(operation)
            if operation.name in names:
                raise ValueError(f"two operations are called {operation.name}")
            names.add(operation.name)
            self._add(operation)

    def find(self, method: str, path: str) -> Match | tuple[str, ...]:
        """The match; or else the methods that the path has, none if there is no such path."""
        methods = self._exact.get(path)
        if methods is not None:
            operation = methods.get(method)
            return Match(operation, {}) if operation else tuple(methods)
        segments = path.split("/")
        for pattern in self._patterns.get((len(segments), segments[2] if len(segments) > 2 else ""), ()):
            if all(fixed is None or fixed == given for fixed, given in zip(pattern.segments, segments, strict=True)):
                ids = {name: segments[place] for place, name in pattern.names}
                if not all(_SEGMENT.fullmatch(id_) for id_ in ids.values()):
                    return ()
                operation = pattern.methods.get(method)
                return Match(operation, ids) if operation else tuple(pattern.methods)
        return ()

    def open_to_browsers(self, path: str) -> tuple[str, ...]:
        """The methods that pages may call here with a publishable key."""
        found = []
        for method in ("GET", "POST", "DELETE"):
            match = self.find(method, path)
            if isinstance(match, Match) and match.operation.publishable:
                found.append(method)
        return tuple(found)

    def _add(self, operation: Operation) -> None:
        if "{" not in operation.path:
            methods = self._exact.setdefault(operation.path, {})
        else:
            parts = operation.path.split("/")
            segments = tuple(None if part.startswith("{") else part for part in parts)
            patterns = self._patterns.setdefault((len(parts), parts[2]), [])
            same = next((pattern for pattern in patterns if pattern.segments == segments), None)
            if same is None:
                names = tuple((place, part[1:-1]) for place, part in enumerate(parts) if part.startswith("{"))
                same = _Pattern(segments, names, {})
                patterns.append(same)
                patterns.sort(key=lambda pattern: sum(segment is None for segment in pattern.segments))
            methods = same.methods
        if operation.method in methods:
            raise ValueError(f"{operation.method} {operation.path} is declared twice")
        methods[operation.method] = operation


def _check(operation: Operation) -> None:
    """Default deny: what does not say all of this cannot be registered."""
    wrong = None
    if operation.resource not in RESOURCES:
        wrong = "names no known resource"
    elif operation.access not in get_args(Access) or operation.access == "none":
        wrong = "names no access"
    elif operation.method != "GET" and operation.access != "write":
        wrong = "changes something but asks only for reading"
    elif operation.method != "GET" and not operation.audit:
        wrong = "changes something but has no audit word"
    elif not operation.summary.strip():
        wrong = "has no summary"
    elif operation.limit not in OPERATION_CLASSES:
        wrong = "names no known class of limits"
    elif operation.client_secret and (not operation.publishable or "client_secret" not in operation.params.params):
        wrong = "checks a client secret but is not publishable or has no such parameter"
    elif operation.publishable and not operation.client_secret and "{" in operation.path:
        wrong = "opens an object to publishable keys without a client secret"
    elif not _PATH.fullmatch(operation.path) or any("{" in part for part in operation.path.split("/")[:3]):
        wrong = "has a malformed path"
    if wrong:
        raise ValueError(f"operation {operation.name} {wrong}")
