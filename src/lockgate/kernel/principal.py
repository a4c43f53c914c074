"""Who asks: the one value behind every request, whatever proved it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Access = Literal["none", "read", "write"]
_RANK: dict[str, int] = {"none": 0, "read": 1, "write": 2}


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller, bound to one account and one mode.

    ``kind`` is ``secret``, ``restricted`` or ``publishable`` for API keys and ``internal`` for our own programs.
    ``permissions`` maps a resource to the access a restricted key was given; what is not named is ``none``.
    An ``ephemeral`` key is in a shopper's app and reaches ``customer`` alone, by the operations opened to such keys.
    """

    account: str
    livemode: bool
    kind: Literal["secret", "restricted", "publishable", "ephemeral", "internal"]
    id: str
    permissions: Mapping[str, Access] = field(default_factory=dict)
    address: str = ""
    user_agent: str = ""
    rate_per_s: int = 100
    burst: int = 100
    customer: str | None = None

    def may(self, resource: str, access: Access) -> bool:
        """Whether this principal was granted ``access`` to ``resource``; default is no."""
        if self.kind in ("secret", "internal"):
            return True
        if self.kind == "restricted":
            return _RANK[self.permissions.get(resource, "none")] >= _RANK[access]
        return False

    @property
    def sees_secrets(self) -> bool:
        """Whether answers may hold what only the merchant's server should see."""
        return self.kind not in ("publishable", "ephemeral")

    @property
    def sees_whole_objects(self) -> bool:
        """Whether objects come with all their fields, as they do for everybody but the public."""
        return self.kind != "publishable"
