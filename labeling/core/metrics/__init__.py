"""Figures about labels: pure functions over arrays. What is undefined is NaN, never 0, unless a caller asks for it."""
