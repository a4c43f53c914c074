"""Which operations can reach a processor: found by following what their handlers call, to where orders are sent."""

import dis
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from lockgate.gateway.payments import verify_card
from lockgate.gateway.payments.send import send

INJECTED = {"verify": verify_card.verify}
"""What a room is given by ``boot`` as a callable, by its name in the room's Ports."""

_ROOMS = "lockgate.gateway"


def reaches_a_processor(handler: Callable[..., Any]) -> bool:
    """Whether an order can go out while ``handler`` answers."""
    seen: set[FunctionType] = set()
    todo = list(_functions(handler))
    while todo:
        function = todo.pop()
        if function is send:
            return True
        if function not in seen and function.__module__.startswith(_ROOMS):
            seen.add(function)
            todo.extend(_called(function))
    return False


def _called(function: FunctionType) -> Iterator[FunctionType]:
    for cell in function.__closure__ or ():
        yield from _functions(cell.cell_contents)
    for code in _codes(function.__code__):
        before: Any = None
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_GLOBAL" and step.argval in function.__globals__:
                before = function.__globals__[step.argval]
                yield from _functions(before)
                continue
            if step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                if isinstance(before, ModuleType):
                    yield from _functions(getattr(before, step.argval, None))
                elif before == "ports":
                    yield from _functions(INJECTED.get(step.argval))
            before = step.argval if step.opname in ("LOAD_FAST", "LOAD_DEREF") else None


def _codes(code: CodeType) -> Iterator[CodeType]:
    """``code``, and that of the functions written within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _functions(thing: object) -> Iterator[FunctionType]:
    if isinstance(thing, partial):
        yield from _functions(thing.func)
        for given in thing.args:
            yield from _functions(given)
    elif isinstance(thing, FunctionType):
        yield thing
    elif isinstance(thing, MethodType):
        yield from _functions(thing.__func__)
    elif isinstance(thing, type) and thing.__module__.startswith(_ROOMS):
        for method in vars(thing).values():
            yield from _functions(method)
