"""A clock that jumps, or differs from the database's."""

import pytest

from lockgate.gateway.alerts.core.clocks import Look, differs, jumped
from lockgate.gateway.alerts.watch import ClockWatch
from lockgate.kernel import clock


class Clocks:
    def __init__(self):
        self.wall, self.steady = clock.now_ms(), 1000.0

    def pass_s(self, steady, wall=None):
        self.steady += steady
        self.wall += round((steady if wall is None else wall) * 1000)


async def test_a_jump_and_a_difference_fire_and_a_steady_clock_does_not(room):
    clocks = Clocks()
    watch = ClockWatch(room.worker, now_ms=lambda: clocks.wall, steady=lambda: clocks.steady)
    for _ in range(3):
        await watch.run()
        clocks.pass_s(0.5)
    await room.judge()
    assert await room.rules() == []
    clocks.pass_s(0, wall=60)
    await watch.run()
    await room.judge()
    assert sorted(alert["subject"] for alert in await room.alerts("clock_jumped")) == ["clock", "database"]


@pytest.mark.parametrize(
    ("wall", "steady", "astray"), [(5000, 0, 0), (5001, 0, 5001), (-5001, 0, -5001), (9000, 9000, 0)]
)
def test_five_seconds_are_tolerated(wall, steady, astray):
    assert jumped(Look(0, 0), Look(wall, steady)) == astray
    assert jumped(None, Look(wall, steady)) == 0
    assert differs(wall, steady) == astray
