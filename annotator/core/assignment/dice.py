"""Chance that is the same on every machine and under every version of a library."""

import hashlib
from typing import Final

_MASK: Final = (1 << 64) - 1


def draw(seed: int, *parts: str) -> int:
    """A number below 2**64 that `seed` and `parts` decide, the order in which things are asked for does not."""
    text = "\x1f".join((str(seed), *parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


class Dice:
    """A stream of numbers (SplitMix64, Steele et al. 2014)."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._state = draw(seed, purpose)

    def below(self, n: int) -> int:
        """A whole number from 0 to `n - 1`."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return (z ^ (z >> 31)) % n
