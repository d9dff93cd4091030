"""How every backend is opened and closed."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self


class Opened(ABC):
    """A backend in `async with`: looked at when the block begins, closed when it ends or the look goes wrong."""

    @abstractmethod
    async def look(self) -> Any:
        """See what the engine is, and start it where that is ours to do. Raises `BackendError`."""

    @abstractmethod
    async def aclose(self) -> None:
        """Let the engine go; a later call opens it again."""

    async def __aenter__(self) -> Self:
        """Looks at the engine. Raises `BackendError`."""
        try:
            await self.look()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
