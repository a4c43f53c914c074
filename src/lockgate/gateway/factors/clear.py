"""Takes all factors of a person away: only the operator at the machine can, and the next sign-in enrols new ones."""

from lockgate.gateway.factors import store, store_clear
from lockgate.gateway.storage.database import Connection


async def clear(connection: Connection, person: str) -> int:
    """In the caller's transaction, which records it and ends the sessions; returns how many factors there were."""
    await store.lock(connection, person)
    return await store_clear.clear(connection, person)
