"""Has a payment that was stopped here answer a browser as late as an issuer would: its time tells nothing."""

import asyncio
import random
from collections import deque

from lockgate.kernel.operations import Call

_REMEMBERED = 64
_MOST_S = 3.0


class Pace:
    """How long the latest answers of processors took, in this process."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=_REMEMBERED)

    def took(self, seconds: float) -> None:
        """An answer of a processor came after so long."""
        self._took.append(min(seconds, _MOST_S))

    async def keep(self, call: Call) -> None:
        """Wait for as long as one of them took, where a browser asks; a merchant's server is told the reason anyway."""
        if self._took and not call.principal.sees_secrets:
            await asyncio.sleep(random.choice(self._took))  # noqa: S311 - an example of what is usual, no secret
