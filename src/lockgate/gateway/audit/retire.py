"""Deletes records that are older than the policy says, none younger than twelve months; their seals stay for good."""

from lockgate.gateway.audit import find_seals, store
from lockgate.gateway.audit.find_strays import PLATFORM
from lockgate.gateway.audit.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal

PORTION = 5_000
_DAY_MS = 86_400_000


async def portion(ports: Ports) -> int:
    """Retire up to PORTION records below the newest checkpoint that is old enough; how many.

    The record of it names that checkpoint: the vault's signature and clock show that all below it had their time.
    """
    days = ports.policy.retention_days
    if days is None:
        return 0
    old = await find_seals.checkpoint_before(ports.sealing, at_ms=clock.now_ms() - days * _DAY_MS)
    if old is None:
        return 0
    who = Principal(PLATFORM, False, "internal", "retention")
    detail = {"size": old.size, "signed_ms": old.at_ms, "older_than_days": days}
    told = record(who, "audit.retired", object_=None, request=None, detail=detail)
    return await store.retire(ports.sealing, old.size, most=PORTION, told=told)
