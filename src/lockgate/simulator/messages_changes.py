"""What merchants may send to learn what has changed: parsed strictly into a closed message, or refused by field."""

import re
from dataclasses import dataclass
from typing import Any

from lockgate.simulator.parsing import closed, integer, matching

MAX_PAGE = 100
_CURSOR = re.compile(r"|[1-9][0-9]{0,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Up to ``limit`` notices after the first ``after``; ``cursor`` is how the merchant said that."""

    cursor: str
    after: int
    limit: int


def changes(body: dict[str, Any]) -> Changes:
    """Parse POST /changes."""
    closed(body, required=("cursor", "limit"))
    cursor = matching(body, "cursor", _CURSOR)
    return Changes(cursor=cursor, after=int(cursor or 0), limit=integer(body, "limit", low=1, high=MAX_PAGE))
