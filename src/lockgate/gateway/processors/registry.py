"""Finds every processor adapter in this package by listing it: adding one is adding a file."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from lockgate.gateway import processors
from lockgate.gateway.processors.contract import Processor

_NOT_ADAPTERS = {"contract", "registry"}
_READING = "_answers"
"""The end of the name of an adapter's second file: ``acme_answers.py`` reads what ``acme.py`` was told."""


class UnknownProcessor(LookupError):
    """No adapter of that name is installed."""


@cache
def installed() -> Mapping[str, Processor]:
    """Every adapter by name. A module without ``PROCESSOR``, or under another's name, raises TypeError."""
    found: dict[str, Processor] = {}
    for module in pkgutil.iter_modules(processors.__path__):
        if module.name in _NOT_ADAPTERS or module.name.endswith(_READING):
            continue
        adapter = getattr(importlib.import_module(f"{processors.__name__}.{module.name}"), "PROCESSOR", None)
        if adapter is None:
            raise TypeError(f"processors/{module.name}.py must expose its adapter as PROCESSOR")
        if adapter.name != module.name:
            raise TypeError(f"processors/{module.name}.py must name its adapter {module.name!r}")
        found[module.name] = adapter
    return MappingProxyType(found)


def get(name: str) -> Processor:
    """The adapter called ``name``; raises UnknownProcessor."""
    adapter = installed().get(name)
    if adapter is None:
        raise UnknownProcessor(name)
    return adapter
