"""How far sealing is behind, for metrics and alarms."""

from lockgate.gateway.audit import find_strays
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock


async def age_ms(pool: Pool) -> int:
    """The age of the oldest record that is not sealed yet, in milliseconds; 0 when all are."""
    oldest = await find_strays.oldest_waiting(pool)
    return 0 if oldest is None else max(0, clock.now_ms() - oldest)
