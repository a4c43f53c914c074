"""The token endpoint: from what an app was given to the tokens that it uses."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.oauth.act_for_itself import act_for_itself
from lockgate.gateway.oauth.authenticate_client import Caller, authenticate
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.errors import OAuthError, invalid_request
from lockgate.gateway.oauth.core.metadata import GRANTS
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.oauth.redeem import redeem
from lockgate.gateway.oauth.refresh import refresh

_BY_TYPE: Mapping[str, Callable[[Ports, Asking, Caller], Awaitable[dict[str, Any]]]] = dict(
    zip(GRANTS, (redeem, refresh, act_for_itself), strict=True)
)


async def exchange(ports: Ports, asking: Asking) -> dict[str, Any]:
    """The answer to POST /oauth/token."""
    kind = asking.fields.get("grant_type")
    if kind is None:
        raise invalid_request("grant_type is missing.")
    verb = _BY_TYPE.get(kind)
    if verb is None:
        raise OAuthError("unsupported_grant_type", f"grant_type must be one of {', '.join(GRANTS)}.")
    return await verb(ports, asking, await authenticate(ports, asking))
