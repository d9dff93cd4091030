"""Parts that run at the same time."""

import asyncio

import pytest

from labeling.core.together import together


async def after(n_turns: int, result: str) -> str:
    """Done after some turns of the event loop."""
    for _ in range(n_turns):
        await asyncio.sleep(0)
    return result


def test_results_are_in_the_order_of_the_parts() -> None:
    assert asyncio.run(together([after(5, "slow"), after(0, "fast")])) == ["slow", "fast"]
    assert asyncio.run(together([])) == []


def test_an_error_is_raised_alone_when_the_other_parts_have_stopped() -> None:
    ended = []

    async def long() -> str:
        try:
            return await after(1000, "never stopped")
        except asyncio.CancelledError:
            ended.append("stopped")
            raise

    async def failing() -> str:
        await after(2, "")
        raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        asyncio.run(together([long(), failing(), failing()]))
    assert ended == ["stopped"]
