"""What roles allow, and who may give them: built-in ones by their names, an account's own by their ids."""

import json
from collections.abc import Sequence

from lockgate.gateway.identity import find_roles
from lockgate.gateway.identity.core import roles as core
from lockgate.gateway.identity.core.permissions import from_stored
from lockgate.gateway.identity.core.strength import Permissions, check_strength
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.principal import Access, Principal

OWNER = "owner"


class Roles:
    """Nothing is remembered here: who remembers a holder's standing for a second remembers its permissions with it, and
    a second copy here would let a change wait twice.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def permissions(
        self, account: str, names: Sequence[str], *, connection: Connection | None = None
    ) -> dict[str, Access]:
        """What these roles allow together. One that is not there any more allows nothing."""
        return core.permissions(names, await self._own(account, names, connection))

    async def check_grant(
        self, who: Principal, names: Sequence[str], *, param: str = "roles", connection: Connection | None = None
    ) -> None:
        """Refuse a role that there is not, and one that allows more than ``who`` may do. Only owners make owners."""
        own = await self._own(who.account, names, connection)
        if any(name not in core.BUILT_IN and name not in own for name in names):
            raise invalid(
                f"A role is one of {', '.join(core.BUILT_IN)}, or the id of one of the account's own.", param=param
            )
        if OWNER in names and who.kind != "internal" and OWNER not in who.roles:
            raise Refusal(
                Kind.FORBIDDEN, "Only an owner can make another one.", code="permission_exceeded", param=param
            )
        check_strength(who, core.permissions(names, own), param=param)

    async def _own(
        self, account: str, names: Sequence[str], connection: Connection | None
    ) -> dict[str, Permissions]:
        ids = [name for name in names if name not in core.BUILT_IN]
        if not ids:
            return {}
        found = await find_roles.permissions_of(connection or self._pool, account, ids)
        return {id_: from_stored(json.loads(text)) for id_, text in found.items()}
