"""What the holder of a session's token may do at this moment; the authenticator asks at most once a second."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.identity.standing import Standing
from lockgate.gateway.people import sessions
from lockgate.gateway.people.ports import Ports
from lockgate.kernel import clock


async def standing(ports: Ports, claims: Mapping[str, Any]) -> Standing | None:
    """The person behind verified ``claims``; None once the session has ended, or the person may not go on."""
    found = await sessions.look(ports, claims["sid"], person=claims["sub"], now=clock.now())
    if found is None:
        return None
    return Standing(
        kind="person",
        id=found.session.person,
        session=found.session.id,
        accounts={account: await ports.roles.permissions(account, names) for account, names in found.roles.items()},
        roles=found.roles,
        proved_at=found.session.proved_at,
    )
