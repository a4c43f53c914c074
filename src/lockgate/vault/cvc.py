"""Where a card's verification code waits: this process's memory, for one intent's attempts, ten minutes at most."""

from collections import OrderedDict
from dataclasses import dataclass, field

LIFE_S = 600


@dataclass(slots=True)
class _Kept:
    value: bytearray = field(repr=False)
    until: float
    intent: str | None


class CvcMemory:
    """Codes by (account, token). Callers say what time it is, in seconds of a clock that never runs backwards.

    The first intent that uses a code owns it: for any other the code is gone. Bytes are overwritten when they are
    dropped; PCI DSS 3.3.1 allows no copy after authorisation, so nothing here is ever written anywhere else.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    def keep(self, account: str, token: str, cvc: str, *, now: float, intent: str | None = None) -> None:
        """Keep ``cvc``, for ``intent`` alone if one is known already."""
        self.wipe(account, token)
        self._kept[account, token] = _Kept(bytearray(cvc, "ascii"), now + LIFE_S, intent)

    def has(self, account: str, token: str, *, now: float) -> bool:
        self.sweep(now=now)
        return (account, token) in self._kept

    def use(self, account: str, token: str, *, intent: str | None, now: float) -> str | None:
        """The code for an attempt of ``intent``, or None when it is gone or another intent's."""
        self.sweep(now=now)
        kept = self._kept.get((account, token))
        if kept is None:
            return None
        if kept.intent is None:
            kept.intent = intent
        return kept.value.decode("ascii") if kept.intent == intent else None

    def wipe(self, account: str, token: str) -> None:
        kept = self._kept.pop((account, token), None)
        if kept is not None:
            kept.value[:] = bytes(len(kept.value))

    def sweep(self, *, now: float) -> None:
        """Wipe what is older than ten minutes: the oldest come first, as all live equally long."""
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            if kept.until > now:
                return
            self.wipe(*key)
