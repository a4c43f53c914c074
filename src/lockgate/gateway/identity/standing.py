"""What the holder of a token may do at this moment, as the room that gave the token answers it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lockgate.kernel.principal import Access

Permissions = Mapping[str, Access]


@dataclass(frozen=True, slots=True)
class Standing:
    """``accounts`` maps each account that the holder may act for to what it may do there now; ``roles`` names why.

    ``livemode`` is None where the holder chooses the mode with each request. ``person`` is who let an app in.
    """

    kind: Literal["person", "app"]
    id: str
    session: str
    accounts: Mapping[str, Permissions]
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    livemode: bool | None = None
    proved_at: int = 0
    person: str | None = None
    rate_per_s: int = 100
    burst: int = 100


# The holder of a verified token's claims; None once the session, the grant or its person has ended.
Holder = Callable[[Mapping[str, Any]], Awaitable[Standing | None]]
