"""Random formulas as a miner draws them: trees of depth 5 at most, and their text."""

from __future__ import annotations

import random
from typing import Any

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
WINDOWS = (5, 10, 20, 30, 60)
INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
PAIRS = (*INFIX, "maximum", "minimum")
ALONE = ("abs", "negate", "log")
ROLLING = ("mean", "std", "sum", "max", "min", "lag", "delta", "rank")


def trees(count: int, depth: int = 5, seed: int = 2024) -> list[Any]:
    """Draw trees: a field's name, or [word, operands…, window]."""
    rng = random.Random(seed)
    found: list[Any] = []
    while len(found) < count:
        drawn = _tree(rng, depth)
        if isinstance(drawn, list):
            found.append(drawn)
    return found


def _tree(rng: random.Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.15:
        return rng.choice(FIELDS)
    chance = rng.random()
    if chance < 0.40:
        return [rng.choice(PAIRS), *_two(rng, depth - 1)]
    if chance < 0.50:
        return [rng.choice(ALONE), _tree(rng, depth - 1)]
    if chance < 0.92:
        return [rng.choice(ROLLING), _tree(rng, depth - 1), rng.choice(WINDOWS)]
    return ["corr", *_two(rng, depth - 1), rng.choice(WINDOWS)]


def _two(rng: random.Random, depth: int) -> tuple[Any, Any]:
    """Draw two trees that differ: the difference or the correlation of one with itself is no formula."""
    one, other = _tree(rng, depth), _tree(rng, depth)
    while one == other:
        other = _tree(rng, depth)
    return one, other


def text(tree: Any) -> str:
    """Write a tree in superhet's spelling; the logarithm is that of 1 + |x|."""
    if isinstance(tree, str):
        return tree
    word, *operands = tree
    told = [part if isinstance(part, int) else text(part) for part in operands]
    if word in INFIX:
        return f"({told[0]} {INFIX[word]} {told[1]})"
    if word == "log":
        return f"log(abs({told[0]}) + 1)"
    name = f"ts_{word}" if word in ROLLING or word == "corr" else word
    return f"{name}({', '.join(str(part) for part in told)})"


def fields_of(tree: Any) -> set[str]:
    """Give the names of the fields of a tree."""
    if isinstance(tree, str):
        return {tree}
    return set().union(*(fields_of(part) for part in tree[1:] if not isinstance(part, int)))
