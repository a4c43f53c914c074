"""What was asked, by the second: counted in memory on the way of each request, and handed over in portions."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from lockgate.gateway.web.find_limits import TrafficRow
from lockgate.gateway.web.store_limits import Heard
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal
from lockgate.kernel.source import source

MAX_SERIES = 5_000
HOUR_S = 3600
MOST_IN_A_SECOND = 65_535


class _Kind(NamedTuple):
    """Whose requests of which class are counted together."""

    account: str
    livemode: bool
    subject: str
    cls: str
    sender: str


class _Series:
    """The counts of one kind: by second, since they were last handed over."""

    __slots__ = ("refused", "seconds")

    def __init__(self) -> None:
        self.seconds: dict[int, int] = {}
        self.refused = 0


class Traffic:
    """Counts authenticated requests, admitted or too fast. Beyond MAX_SERIES kinds at a time newcomers are passed over.

    A publishable key is limited for each address apart, so it is counted so: an address is kept as a keyed hash.
    """

    def __init__(self, *, key: bytes = b"", now: Callable[[], int] = clock.now) -> None:
        self._key = key
        self._now = now
        self._series: dict[tuple[str, str, str], tuple[_Kind, _Series]] = {}

    def note(self, principal: Principal, cls: str, *, refused: bool) -> None:
        """One request."""
        sender = source(principal.address) if principal.kind == "publishable" else ""
        known = self._series.get((principal.id, cls, sender))
        if known is None:
            if len(self._series) >= MAX_SERIES:
                return
            hashed = self._hashed(sender) if sender else ""
            kind = _Kind(principal.account, principal.livemode, principal.id, cls, hashed)
            known = self._series[(principal.id, cls, sender)] = (kind, _Series())
        series, now = known[1], self._now()
        series.seconds[now] = series.seconds.get(now, 0) + 1
        series.refused += refused

    def take(self) -> list[Heard]:
        """All that was counted since the last time, except in the second that still runs."""
        now = self._now()
        heard: list[Heard] = []
        for name, (kind, series) in list(self._series.items()):
            done = sorted(second for second in series.seconds if second < now)
            by_hour: dict[int, list[int]] = {}
            for second in done:
                by_hour.setdefault(second - second % HOUR_S, []).append(second)
            for hour, seconds in by_hour.items():
                heard.append(self._heard(kind, series, hour, seconds))
                series.refused = 0
            for second in done:
                del series.seconds[second]
            if not series.seconds:
                del self._series[name]
        return heard

    def _heard(self, kind: _Kind, series: _Series, hour: int, seconds: list[int]) -> Heard:
        counts = [min(series.seconds[second], MOST_IN_A_SECOND) for second in seconds]
        packed = b"".join(
            (second - hour).to_bytes(2, "big") + count.to_bytes(2, "big")
            for second, count in zip(seconds, counts, strict=True)
        )
        row = TrafficRow(hour, kind.subject, kind.cls, kind.sender, sum(counts), series.refused, packed)
        return Heard(kind.account, kind.livemode, row)

    def _hashed(self, sender: str) -> str:
        return hashlib.blake2b(sender.encode(), key=self._key, digest_size=6).hexdigest()


def unpacked(row: TrafficRow) -> dict[int, int]:
    """How many requests came in which second (Unix time)."""
    pairs = zip(row.seconds[::4], row.seconds[1::4], row.seconds[2::4], row.seconds[3::4], strict=True)
    found: dict[int, int] = {}
    for high, low, many, few in pairs:
        second = row.hour + high * 256 + low
        found[second] = found.get(second, 0) + many * 256 + few
    return found
