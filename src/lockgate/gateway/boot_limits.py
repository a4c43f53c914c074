"""The composition root of the limits: in this process alone, or shared through Redis where the settings name one."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.remembered import Remembered
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.web import find_limits, limits_redis
from lockgate.gateway.web.limits import Limits
from lockgate.gateway.web.limits_keeper import Keeper
from lockgate.gateway.web.limits_rules import PLATFORM, Rules
from lockgate.gateway.web.limits_shared import SharedLimits
from lockgate.gateway.web.limits_traffic import Traffic
from lockgate.kernel.config import ConfigError
from lockgate.kernel.principal import Principal

_KNOWN = {"redis", "redis_ca", "processes"}


@dataclass(frozen=True, slots=True)
class Kept:
    """The door's limits, and what must end with them."""

    limits: Limits
    keeper: Keeper
    shared: SharedLimits | None

    async def close(self) -> None:
        """Write a last time; after the listener has stopped."""
        await self.keeper.close()
        if self.shared is not None:
            await self.shared.close()


async def assemble(
    settings: Mapping[str, Any], secrets: Mapping[str, Any], *, pool: Pool, pepper: bytes
) -> Kept:
    """Limits as ``limits`` in settings.json asks for. Addresses in what is kept are hidden by a key of ``pepper``."""
    shared = await _shared(settings.get("limits") or {}, secrets, pool)

    async def read(place: tuple[str, bool]) -> Rules:
        return await find_limits.rules(pool, *place)

    known: Remembered[tuple[str, bool], Rules] = Remembered(read)
    key = hashlib.blake2b(b"lockgate.limits", key=pepper, digest_size=32).digest()
    traffic = Traffic(key=key)
    limits = Limits(rules=known, shared=shared, traffic=traffic)
    keeper = Keeper(limits, traffic, pool, key=key)
    await keeper.start()
    return Kept(limits, keeper, shared)


async def _shared(given: Mapping[str, Any], secrets: Mapping[str, Any], pool: Pool) -> SharedLimits | None:
    if set(given) - _KNOWN:
        raise ConfigError(f"limits in settings.json holds {', '.join(sorted(_KNOWN))}, and nothing else")
    if "redis" not in given:
        return None
    processes = given.get("processes")
    if not isinstance(processes, int) or not 1 <= processes <= 1000:
        raise ConfigError(
            "limits.processes must say how many gateway processes share limits.redis: without it each has a part"
        )

    async def told(back: bool, reason: str) -> None:
        action = "limits.recovered" if back else "limits.degraded"
        who = Principal(PLATFORM, False, "internal", "gateway")
        row = record(who, action, object_=None, request=None, detail={"reason": reason, "processes": processes})
        await insert_audits(pool, [row])

    redis = limits_redis.connect(given, password=secrets.get("redis_password"))
    shared = SharedLimits(redis, processes=processes, told=told)
    await shared.start()
    return shared
