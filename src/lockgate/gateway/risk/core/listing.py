"""Which keyed hashes to look for in an account's value lists, and what it means that one was found. Pure.

A value may stand in a list of its attribute's own type, in lists of text, and an address also in a range. Only what the
account's lists can hold is hashed; the database says with every answer what that is, so that a list or a range made a
moment ago is not missed: the question is then asked again, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lockgate.gateway.risk.core.values import index_name, normal, within
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.packed import Memberships

_TEXT = ("string", "case_sensitive_string")
Hashed = tuple[str, str]
"""What a keyed hash is made of: the name of an index and a value."""


@dataclass(frozen=True, slots=True)
class Holds:
    """What an account's lists can hold: types of item, and prefixes of ranges (4024 and 6064 are /24 and /64)."""

    item_types: frozenset[str] = frozenset()
    prefixes: frozenset[int] = frozenset()

    def covers(self, other: "Holds") -> bool:
        """Whether whoever asked for this much asked for all of ``other``."""
        return self.item_types >= other.item_types and self.prefixes >= other.prefixes

    def with_(self, other: "Holds") -> "Holds":
        """Both."""
        return Holds(self.item_types | other.item_types, self.prefixes | other.prefixes)


def questions(values: Mapping[str, str], holds: Holds) -> dict[Hashed, list[str]]:
    """What to hash, each with the attributes whose value it stands for. ``values`` is by attribute."""
    found: dict[Hashed, list[str]] = {}
    for attribute, value in values.items():
        for item_type in {ATTRIBUTES[attribute].item_type, *_TEXT} & holds.item_types:
            assert item_type is not None, "the account's lists have types"
            kept = normal(item_type, value)
            if kept is None:
                continue
            found.setdefault((index_name(item_type), kept), []).append(attribute)
            if item_type == "ip_address" and "/" not in kept:
                for range_ in filter(None, (within(kept, prefix) for prefix in sorted(holds.prefixes))):
                    found.setdefault((index_name(item_type), range_), []).append(attribute)
    return found


def answers(
    values: Mapping[str, str], meant: Mapping[bytes, Sequence[str]], found: Sequence[tuple[str, bytes]]
) -> Memberships:
    """Attribute -> the aliases of the lists in which its value stands. ``found`` has aliases and hashes."""
    members: dict[str, list[str]] = {attribute: [] for attribute in values}
    for alias, hash_ in found:
        for attribute in meant[hash_]:
            if alias not in members[attribute]:
                members[attribute].append(alias)
    return members
