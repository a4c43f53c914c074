"""All operations as the gateway declares them, without anything behind them."""

import inspect
from typing import Any

from lockgate.gateway import boot
from lockgate.kernel.operations import Operation


class _Nothing:
    """Stands in for everything that handlers would need: declaring needs nothing of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


def operations() -> list[Operation]:
    """Every operation, by its name."""
    parts: list[Any] = [_Nothing() for _ in inspect.signature(boot.operations).parameters]
    return sorted(boot.operations(*parts), key=lambda operation: operation.name)
