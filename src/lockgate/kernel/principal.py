"""Who asks: the one value behind every request, whatever proved it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Access = Literal["none", "read", "write"]
Kind = Literal["secret", "restricted", "publishable", "ephemeral", "person", "app", "internal"]
RANK: Mapping[str, int] = {"none": 0, "read": 1, "write": 2}

# Who may do what here, and the record of what was done: for people by their roles, and for restricted keys that were
# given one of these by name. A secret key is on too many servers to open them.
ADMINISTRATIVE = frozenset(
    {
        "access_reviews", "address_rules", "alerts", "api_keys", "approvals", "apps", "audit", "authorizations",
        "certificates", "limits", "metrics", "people", "profile", "roles", "sessions",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller, bound to one account and one mode.

    ``kind`` is ``secret``, ``restricted``, ``publishable`` or ``ephemeral`` for API keys, ``person`` for somebody who
    signed in, ``app`` for a third party that a person let in, and ``internal`` for our own programs. ``permissions``
    maps a resource to the access that was given; what is not named is ``none``. An ``ephemeral`` key is in a shopper's
    app and reaches ``customer`` alone, by the operations opened to such keys.

    ``session`` is the session or the grant behind a token, ``person`` who gave that grant, ``proved_at`` when a person
    last proved a factor (Unix seconds), ``certificate`` the thumbprint (RFC 8705, 3.1) of the client certificate that
    the connection showed.
    """

    account: str
    livemode: bool
    kind: Kind
    id: str
    permissions: Mapping[str, Access] = field(default_factory=dict)
    address: str = ""
    user_agent: str = ""
    rate_per_s: int = 100
    burst: int = 100
    customer: str | None = None
    roles: tuple[str, ...] = ()
    session: str | None = None
    person: str | None = None
    proved_at: int = 0
    certificate: str | None = None

    def may(self, resource: str, access: Access) -> bool:
        """Whether this principal was granted ``access`` to ``resource``; default is no."""
        if self.kind == "internal":
            return True
        if self.kind == "secret":
            return resource not in ADMINISTRATIVE
        if self.kind == "app" and resource in ADMINISTRATIVE:
            return False
        if self.kind in ("restricted", "person", "app"):
            return RANK[self.permissions.get(resource, "none")] >= RANK[access]
        return False

    @property
    def sees_secrets(self) -> bool:
        """Whether answers may hold what only the merchant's server should see."""
        return self.kind not in ("publishable", "ephemeral")

    @property
    def sees_whole_objects(self) -> bool:
        """Whether objects come with all their fields, as they do for everybody but the public."""
        return self.kind != "publishable"
