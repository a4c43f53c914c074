"""Domains that give throw-away e-mail addresses: a table of them, and whether a domain is one. Pure."""

import re
from collections.abc import Sequence

from lockgate.gateway.geography.core.tables import BadLine, Table

NAME = "domains"
MAX_ROWS = 500_000
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9\-]{0,61}[a-z0-9]", re.ASCII)


def read(lines: Sequence[str]) -> Table:
    """A table in its one form: one domain on each line, ordered. Lines that begin with # are comments."""
    found = set()
    for number, line in enumerate(lines, 1):
        domain = line.strip().lower()
        if not domain or domain.startswith("#"):
            continue
        if not _DOMAIN.fullmatch(domain):
            raise BadLine(number, "each line is one domain, such as mailinator.com")
        found.add(domain)
    if not found or len(found) > MAX_ROWS:
        raise BadLine(len(lines) or 1, f"a table holds 1 to {MAX_ROWS} domains")
    return Table(NAME, None, tuple(sorted(found)))


def load(rows: Sequence[str]) -> frozenset[str]:
    """The table from its one form."""
    return frozenset(rows)


def is_disposable(domains: frozenset[str], domain: str) -> bool:
    """Whether ``domain``, or a domain that it belongs to, stands in the table."""
    parts = domain.rstrip(".").lower().split(".")
    return any(".".join(parts[place:]) in domains for place in range(len(parts) - 1))
