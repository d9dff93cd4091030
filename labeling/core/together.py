"""Things done at the same time, of which one may fail."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def together(parts: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Results of `parts` in their order.

    When one raises, the others are stopped before its error, and no group of errors, is raised.
    """
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        unfinished = [task for task in tasks if not task.done()]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
