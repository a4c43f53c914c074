"""What no room has a record of by itself: which table of countries is used, and that it has grown old."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.places import Places
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.kernel.principal import Principal

_WORKER = Principal("-", False, "internal", "worker")


async def look_at_places(pool: Pool, places: Places, *, now: int) -> None:
    """Once a day: an old table is on record, and so is which one is used."""
    edition = places.edition
    if edition is None:
        return
    action = "geography.stale" if edition.is_stale(now) else "geography.used"
    detail = {"type": edition.type, "built": edition.built, "sha256": edition.sha256, "licence": edition.licence}
    await insert_audits(pool, [record(_WORKER, action, object_=None, request=None, detail=detail)])
