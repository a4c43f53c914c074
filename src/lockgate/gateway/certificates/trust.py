"""What handshakes believe, as it changes: asked for twice a second, read only when something is new."""

from lockgate.gateway.certificates import find
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock

LOOK_EVERY_S = 0.4


class Trust:
    """Follows the registered certificates and our own issuers of client certificates."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._version = -1

    async def changed(self) -> list[bytes] | None:
        """Every certificate to believe from now on, as DER; None if that is what it was."""
        version = await find.trust_version(self._pool)
        if version == self._version:
            return None
        trusted = await find.trusted(self._pool, now=clock.now())
        self._version = version
        return trusted
