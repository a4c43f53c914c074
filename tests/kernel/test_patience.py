"""What passes is waited for, what lasts is raised, and anything else at once."""

import pytest

from lockgate.kernel.patience import patiently


class Door:
    """Opens at one of the knocks."""

    def __init__(self, *, opens_at: int, otherwise: Exception) -> None:
        self.opens_at, self.otherwise, self.knocks = opens_at, otherwise, 0

    async def knock(self) -> str:
        self.knocks += 1
        if self.knocks < self.opens_at:
            raise self.otherwise
        return "open"


async def test_what_passes_is_waited_for() -> None:
    door = Door(opens_at=3, otherwise=ConnectionRefusedError())
    assert await patiently(door.knock, passing=(OSError,)) == "open"
    assert door.knocks == 3


async def test_what_lasts_is_raised() -> None:
    door = Door(opens_at=1_000, otherwise=ConnectionRefusedError())
    with pytest.raises(ConnectionRefusedError):
        await patiently(door.knock, passing=(OSError,), within_s=0.25)
    assert 1 < door.knocks < 10


async def test_anything_else_is_raised_at_once() -> None:
    door = Door(opens_at=2, otherwise=ValueError())
    with pytest.raises(ValueError):
        await patiently(door.knock, passing=(OSError,))
    assert door.knocks == 1
