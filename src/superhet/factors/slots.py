"""Slots: where each value of a pass lies in a tile; a slot is used again once its value has been read.

1. after which unit each value is read no more       -> _last_uses
2. a slot for each value, free ones first            -> _Slots
3. the step of a unit, and the writing of its values -> _step, _stores
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from superhet.factors.graph import Node
from superhet.factors.program import Step
from superhet.factors.schedule import Held, Schedule, Unit, slotted


def steps_on_slots(schedule: Schedule, kept: Iterable[Node]) -> tuple[tuple[Step, ...], int]:
    """Give the steps of a pass, and how many slots they take.

    Parameters
    ----------
    kept : nodes whose values later passes read
    """
    ends, slots, panels = _last_uses(schedule), _Slots(), set(kept)
    steps: list[Step] = []
    for at, unit in enumerate(schedule.order):
        for node in unit.nodes:
            slots.take((node, unit.lag))
        steps.append(_step(unit, schedule, slots))
        steps += _stores(unit, schedule, slots, panels)
        for held in ends.get(at, ()):
            slots.free(held)
    return tuple(steps), slots.count


class _Slots:
    """Which slot holds what.

    Attributes
    ----------
    count : slots taken so far, whether or not they are free by now
    """

    def __init__(self) -> None:
        self.count = 0
        self._of: dict[Held, int] = {}
        self._free: list[int] = []

    def __getitem__(self, held: Held) -> int:
        return self._of[held]

    def take(self, held: Held) -> None:
        """Find a slot for what is computed next."""
        if self._free:
            self._of[held] = self._free.pop()
        else:
            self._of[held] = self.count
            self.count += 1

    def free(self, held: Held) -> None:
        """Give back the slot of what is read no more."""
        self._free.append(self._of.pop(held))


def _last_uses(schedule: Schedule) -> dict[int, list[Held]]:
    """Give what may go after each unit, by its place in the order."""
    last: dict[Held, int] = {}
    for at, unit in enumerate(schedule.order):
        last.update({(node, unit.lag): at for node in unit.nodes})
        last.update({schedule.held(r): at for r in unit.operands})
    ends: dict[int, list[Held]] = {}
    for held, at in last.items():
        ends.setdefault(at, []).append(held)
    return ends


def _step(unit: Unit, schedule: Schedule, slots: _Slots) -> Step:
    sources = [(-1, unit.lag)] if unit.load else []
    for node in unit.readers:
        in_slots = slotted(node)
        for operand in node.operands:
            if operand in in_slots:
                held, lag = schedule.read(operand)
                sources.append((slots[held], lag))
            else:
                sources.append((-1, operand.lag))
    return Step(
        kind="load" if unit.load else _kind(unit.nodes[0]),
        nodes=tuple(unit.nodes),
        sources=tuple(sources),
        goals=tuple(slots[node, unit.lag] for node in unit.nodes),
        halo=schedule.halos[unit],
    )


def _kind(node: Node) -> Literal["element", "window", "cross"]:
    if node.kind in ("element", "window", "cross"):
        return node.kind
    raise AssertionError(f"{node.kind} is no step")


def _stores(unit: Unit, schedule: Schedule, slots: _Slots, panels: set[Node]) -> list[Step]:
    stores = []
    for node in unit.nodes:
        held = (node, unit.lag)
        if node in panels and not unit.load:
            source = (slots[held], 0)
            stores.append(Step(kind="store", sources=(source,), target=("panel", node.number)))
        for position, lag in schedule.writes.get(held, ()):
            source = (slots[held], lag)
            stores.append(Step(kind="store", sources=(source,), target=("output", position)))
    return stores
