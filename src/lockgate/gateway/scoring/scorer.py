"""Which model scores an account's payments: its own, else the operator's, else the shipped one, else none.

Roles are read again after half a second, so that a promoted model is felt everywhere within one. A model that cannot be
used is as good as none: payments are then not assessed, the reason is logged, and the rules go on without a score.
"""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

from lockgate.gateway.identity.remembered import Remembered
from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.scoring import find
from lockgate.gateway.scoring.core.model import Unreadable
from lockgate.gateway.scoring.score import Score, Served, score
from lockgate.gateway.scoring.seal import Sealing, opened
from lockgate.gateway.scoring.shipped import shipped
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import log

FRESH_S = 0.5
MOST_HELD = 50
_logger = log.get("scoring")


class Pair(NamedTuple):
    """What is served, and what scores beside it."""

    serving: Served | None
    shadow: Served | None


class Scorer:
    """Scores payments in this process."""

    def __init__(self, pool: Pool, sealing: Sealing) -> None:
        self._pool = pool
        self._sealing = sealing
        self._held: OrderedDict[tuple[str, str], Served | None] = OrderedDict()
        self._pairs: Remembered[str, Pair] = Remembered(self._read, seconds=FRESH_S)
        self._shipped = _ready_default()

    async def __call__(self, account: str, livemode: bool, attributes: Attributes) -> Score:
        """What the account's model says of a payment; both modes have one model."""
        pair = self._pairs.peek(account) or await self._pairs.get(account)
        return score(pair.serving, pair.shadow, attributes)

    async def serving(self, account: str) -> Pair:
        """The models that judge the account's payments now."""
        return await self._pairs.get(account)

    async def _read(self, account: str) -> Pair:
        roles = await find.roles(self._pool, account)
        found: dict[str, Served | None] = {}
        for owner in (find.OPERATOR, account):  # the account's own wins
            for role in roles:
                if role.account == owner:
                    found[role.role] = await self._served(owner, role.id)
        return Pair(found.get("serving", self._shipped), found.get("shadow"))

    async def _served(self, owner: str, model: str) -> Served | None:
        place = (owner, model)
        if place not in self._held:
            self._held[place] = await self._load(owner, model)
            if len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(place)
        return self._held[place]

    async def _load(self, owner: str, model: str) -> Served | None:
        file = await find.file(self._pool, owner, model)
        try:
            if file is None:
                raise Unreadable("its file is gone")
            trusted = opened(file, await self._sealing())
            if trusted.id != model:
                raise Unreadable("its file is another model's")
            return await asyncio.to_thread(Served, trusted)
        except Unreadable as error:
            _logger.error("a model cannot be used", model=model, reason=str(error))
            return None


def _ready_default() -> Served | None:
    try:
        return Served(shipped())
    except (Unreadable, OSError) as error:
        _logger.error("the shipped model cannot be used", reason=str(error))
        return None
