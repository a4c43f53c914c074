"""What an app may do now: what was given, what the app is registered for, and what the giver may still do."""

from collections.abc import Mapping, Sequence

from lockgate.gateway.identity.core.permissions import intersection
from lockgate.gateway.oauth.core.clients import Client
from lockgate.gateway.oauth.ports import Ports
from lockgate.kernel.principal import Access


async def allowed(
    ports: Ports, client: Client, *, account: str, person: str, within: Sequence[Mapping[str, Access]]
) -> dict[str, Access]:
    """Nothing once the person may not act for ``account`` any more."""
    theirs = (await ports.memberships(person)).get(account, {})
    scope = intersection(client.scope, theirs)
    for bound in within:
        scope = intersection(scope, bound)
    return scope
