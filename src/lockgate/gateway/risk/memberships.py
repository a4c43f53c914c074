"""In which of its account's value lists a payment's values stand: by keyed hashes, in one read, felt at once.

The read is `risk_memberships_v1` (migration 020), which can be selected from beside whatever else a verdict reads:
`ask` gives its argument, `Lists.read` takes its columns.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.gateway.risk import find_memberships
from lockgate.gateway.risk.core.listing import Holds, answers, questions
from lockgate.gateway.rules.core.packed import Memberships
from lockgate.gateway.storage.database import Connection, Pool

_MOST_ACCOUNTS = 10_000


class Hashes(Protocol):
    """Makes keyed hashes of values, many at a time."""

    async def blind_indexes(self, account: str, values: Sequence[tuple[str, str]]) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the database about one payment, under what was believed that the account's lists can hold."""

    account: str
    livemode: bool
    values: Mapping[str, str]
    holds: Holds
    meant: Mapping[bytes, Sequence[str]]

    @property
    def hashes(self) -> list[bytes]:
        """The argument of risk_memberships_v1."""
        return list(self.meant)


class Lists:
    """Asks about payments. What each account's lists can hold is remembered, and put right by every answer."""

    def __init__(self, box: Hashes) -> None:
        self._box = box
        self._holds: OrderedDict[tuple[str, bool], Holds] = OrderedDict()

    async def ask(self, account: str, livemode: bool, *, values: Mapping[str, str]) -> Asked:
        """The question about ``values``, which are by attribute (`risk.core.facts.listed`)."""
        return await self._ask(account, livemode, values, self._holds.get((account, livemode), Holds()))

    def read(self, asked: Asked, row: Sequence[Any]) -> Memberships | None:
        """What the columns of risk_memberships_v1 say; None where the lists can hold more than was asked for."""
        aliases, hashes, item_types, prefixes = row
        holds = Holds(frozenset(item_types or ()), frozenset(prefixes or ()))
        place = (asked.account, asked.livemode)
        self._holds[place] = holds
        self._holds.move_to_end(place)
        while len(self._holds) > _MOST_ACCOUNTS:
            self._holds.popitem(last=False)
        if not asked.holds.covers(holds):
            return None
        return answers(asked.values, asked.meant, list(zip(aliases or (), hashes or (), strict=True)))

    async def find(
        self, connection: Pool | Connection, account: str, livemode: bool, *, values: Mapping[str, str]
    ) -> tuple[Asked, Memberships]:
        """Ask, and ask again for as long as lists grow faster than they are asked about: the last question."""
        asked = await self.ask(account, livemode, values=values)
        while True:
            row = await find_memberships.row(connection, account, livemode, hashes=asked.hashes)
            members = self.read(asked, row)
            if members is not None:
                return asked, members
            holds = asked.holds.with_(self._holds[account, livemode])
            asked = await self._ask(account, livemode, values, holds)

    async def _ask(self, account: str, livemode: bool, values: Mapping[str, str], holds: Holds) -> Asked:
        wanted = questions(values, holds)
        hashes = await self._box.blind_indexes(account, list(wanted)) if wanted else []
        return Asked(account, livemode, values, holds, dict(zip(hashes, wanted.values(), strict=True)))
