"""Whether a clock can be believed: against the database's, and against one that only counts on."""

from typing import NamedTuple


class Alarm(NamedTuple):
    """A clock that is wrong: what was seen, and by how much, positive when it runs ahead."""

    what: str
    by_ms: int


class Drift:
    """Remembers the last look. Each jump is told once; a lasting difference once, until it has been mended."""

    def __init__(self, limit_ms: float) -> None:
        self._limit_ms = limit_ms
        self._before: tuple[int, float] | None = None
        self._apart = False

    def look(self, *, wall_ms: int, monotonic_s: float, database_ms: int, within_ms: float = 0) -> list[Alarm]:
        """What is wrong now. ``within_ms``: how long the database took, so how little its answer may mean."""
        alarms = []
        if self._before is not None:
            passed_ms = (monotonic_s - self._before[1]) * 1000
            jumped = wall_ms - self._before[0] - passed_ms
            if abs(jumped) > self._limit_ms:
                alarms.append(Alarm("jump", round(jumped)))
        self._before = (wall_ms, monotonic_s)
        apart = wall_ms - database_ms
        is_apart = abs(apart) > self._limit_ms + within_ms
        if is_apart and not self._apart:
            alarms.append(Alarm("difference", apart))
        self._apart = is_apart
        return alarms
