"""Scopes: the permission words of keys and roles, and the dialect's two short ones, as one mapping and back."""

import re
from collections.abc import Mapping, Set

from lockgate.gateway.identity.core.permissions import RESOURCES, union
from lockgate.gateway.oauth.core.errors import invalid_scope
from lockgate.kernel.principal import ADMINISTRATIVE, Access

MAX_LENGTH = 1000
GRANTABLE = tuple(name for name in RESOURCES if name not in ADMINISTRATIVE)
Scope = Mapping[str, Access]  # what is not named is none; never holds none
_WORD = re.compile(r"([a-z][a-z_]{1,40})=(read|write)")
_SHORT: Mapping[str, Access] = {"read_only": "read", "read_write": "write"}


def read(text: str) -> dict[str, Access]:
    """The words of a ``scope`` parameter. An unknown one is refused; of a resource named twice the higher counts."""
    granted: dict[str, Access] = {}
    for word in text.split(" "):
        match = _WORD.fullmatch(word)
        named: dict[str, Access]
        if word in _SHORT:
            named = dict.fromkeys(GRANTABLE, _SHORT[word])
        elif match and match[1] in GRANTABLE:
            named = {match[1]: _level(match[2])}
        else:
            raise invalid_scope("scope holds a word that is not one of scopes_supported, separated by single spaces.")
        granted = union((granted, named))
    return granted


def write(scope: Scope) -> str:
    """The shortest words for ``scope``."""
    for word, level in _SHORT.items():
        if scope == dict.fromkeys(GRANTABLE, level):
            return word
    return " ".join(f"{name}={level}" for name, level in sorted(scope.items()))


def only(scope: Scope, names: Set[str]) -> dict[str, Access]:
    """Of ``scope`` what is about the resources called ``names``."""
    return {name: level for name, level in scope.items() if name in names}


def reading(scope: Scope) -> dict[str, Access]:
    """Only the reading that ``scope`` allows: what an app gets that does not say what it wants."""
    return dict.fromkeys(scope, "read")


def supported() -> list[str]:
    """Every word, for the metadata."""
    return [*_SHORT, *(f"{name}={level}" for name in GRANTABLE for level in ("read", "write"))]


def _level(word: str) -> Access:
    return "write" if word == "write" else "read"
