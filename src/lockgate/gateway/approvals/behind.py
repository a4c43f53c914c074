"""The people behind whatever acts: none of them is a second person for what it asks."""

from lockgate.gateway.identity import find_keys
from lockgate.gateway.oauth import find as find_apps
from lockgate.gateway.storage.database import Pool
from lockgate.kernel.errors import Refusal
from lockgate.kernel.principal import Principal


def actor(principal: Principal) -> str:
    """Who acts, as audit records name it."""
    return f"{principal.kind}:{principal.id}"


async def people_behind(pool: Pool, who: Principal, acting: str, *, let_in_by: str | None = None) -> list[str]:
    """The humans behind ``acting`` in ``who``'s account and mode, the nearest first.

    Herself; whoever let an app in and whoever registered it; whoever made a key, or the key that made it, or the one
    that made that. What the operator made at the machine is nobody's.
    """
    kind, _, id_ = acting.partition(":")
    if kind == "person":
        return [id_]
    if kind == "app":
        app = await find_apps.client_by_id(pool, id_)
        registered = await people_behind(pool, who, app.created_by) if app is not None else []
        return [*([let_in_by] if let_in_by else []), *registered]
    if kind not in ("secret", "restricted"):
        return []
    try:
        made_by = (await find_keys.key(pool, who, id_)).created_by
    except Refusal:  # of another account, where an app was registered by a key
        return []
    return await people_behind(pool, who, made_by) if made_by else []
