"""Who owns a step: the one order that may send it, or the tombstone that says it never will be sent."""

from lockgate.kernel import clock
from lockgate.kernel.batch import Batcher
from lockgate.vault.store import Claim, Claimed, Store


class Claims:
    """Group-committed claims: one transaction carries all that wait, and each is durable before its caller goes on."""

    def __init__(self, store: Store) -> None:
        self._batcher: Batcher[Claim, Claimed] = Batcher(
            store.claim, lanes=1, cap=128, conflicts=lambda claim: ((claim.account, claim.step),)
        )

    async def claim(self, account: str, step: str, *, send_before_ms: int, card: str | None = None) -> Claimed:
        """Own ``step`` if nobody does yet; with the row of ``card``, read in the same round trip."""
        return await self._batcher.submit(
            Claim(account, step, False, send_before_ms, clock.now_ms(), card)
        )

    async def tombstone(self, account: str, step: str) -> Claimed:
        """Make ``step`` unsendable for ever, unless it has been claimed."""
        return await self._batcher.submit(Claim(account, step, True, None, clock.now_ms()))

    async def close(self) -> None:
        await self._batcher.close()
