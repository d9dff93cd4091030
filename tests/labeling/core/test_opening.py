"""What `async with` does with every backend."""

import asyncio

import pytest

from labeling.core.backends import BackendError, Trouble
from labeling.core.backends.opening import Opened


class Door(Opened):
    """Notes what happens to it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.seen: list[str] = []
        self._error = error

    async def look(self) -> None:
        self.seen.append("look")
        if self._error:
            raise self._error

    async def aclose(self) -> None:
        self.seen.append("close")


async def enter(door: Door) -> None:
    async with door as opened:
        assert opened is door
        door.seen.append("inside")


def test_it_is_looked_at_first_and_closed_at_the_end() -> None:
    door = Door()
    asyncio.run(enter(door))
    assert door.seen == ["look", "inside", "close"]


def test_what_could_not_be_looked_at_is_closed_as_well() -> None:
    door = Door(BackendError(Trouble.REFUSED, "no such model"))
    with pytest.raises(BackendError, match="no such model"):
        asyncio.run(enter(door))
    assert door.seen == ["look", "close"]
