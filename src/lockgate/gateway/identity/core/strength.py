"""Who may give what: nobody makes a role or a key that is stronger than they are themselves."""

from collections.abc import Mapping

from lockgate.gateway.identity.core.permissions import GIVEN, MERCHANT
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Access, Principal

Permissions = Mapping[str, Access]


def words(permissions: Permissions) -> str:
    """As people write them: ``payouts=write, refunds=read``."""
    return ", ".join(f"{name}={access}" for name, access in sorted(permissions.items()))


def permissions_of_key(kind: str, granted: Permissions) -> dict[str, Access]:
    """What a key allows on a merchant's server; keys in shoppers' hands allow nothing of this sort."""
    if kind == "secret":
        return dict.fromkeys(MERCHANT, "write")
    return dict(granted) if kind == "restricted" else {}


def check_strength(who: Principal, granted: Permissions, *, param: str) -> None:
    """Refuse to let ``who`` give away what ``who`` may not do."""
    lacking: dict[str, Access] = {
        name: access
        for name, access in granted.items()
        if name in GIVEN and access != "none" and not who.may(name, access)
    }
    if lacking:
        raise Refusal(
            Kind.FORBIDDEN,
            f"You can only give what you may do yourself, and this asks for {words(lacking)}.",
            code="permission_exceeded",
            param=param,
        )
