"""What an update changed: the values that are no more, as an event's previous_attributes."""

from collections.abc import Mapping
from typing import Any


def previous(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The old values of whatever differs; of nested objects only the parts that differ; null for what was not there."""
    changed: dict[str, Any] = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        changed[name] = previous(old, new) if isinstance(old, Mapping) and isinstance(new, Mapping) else old
    return changed
