"""Apps and grants as the API shows them, from their rows."""

import json
from typing import Any

from lockgate.gateway.oauth.core.clients import AppRow
from lockgate.gateway.oauth.core.shapes import APP, AUTHORIZATION
from lockgate.gateway.oauth.find_grants import NamedGrant


def app(row: AppRow) -> dict[str, Any]:
    """The app in ``row``. Its certificates stand among the account's client certificates."""
    data = json.loads(row.data)
    return APP.render(
        {
            "id": row.id,
            "created": row.created,
            "jwks": data.get("jwks"),
            "livemode": row.livemode,
            "name": row.name,
            "redirect_uris": list(row.redirect_uris),
            "scope": row.scope,
            "strict": row.strict,
            "tls_client_auth": data.get("subject"),
            "token_endpoint_auth_method": row.method,
        }
    )


def authorization(grant: NamedGrant) -> dict[str, Any]:
    """What a person let an app do."""
    row = grant.row
    return AUTHORIZATION.render(
        {
            "id": row.id,
            "app": row.app,
            "app_name": grant.app_name,
            "created": row.created,
            "last_used_at": row.last_used_at,
            "livemode": row.livemode,
            "person": row.person,
            "revoked_at": row.revoked_at,
            "scope": row.scope,
        }
    )
