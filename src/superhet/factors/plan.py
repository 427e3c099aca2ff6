"""Graph -> program: which passes over the data there are, and what each computes and keeps.

1. which nodes the outputs need, and in which pass each is computed           -> _members
2. from the last pass to the first: its schedule and its slots, and with them
   how far back it reads what an earlier pass keeps                           -> schedule, slots
3. after which pass a kept panel may go                                       -> _freed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from superhet.factors.graph import Node, Ref
from superhet.factors.program import Pass, Program
from superhet.factors.schedule import Schedule
from superhet.factors.slots import steps_on_slots


def plan(outputs: Sequence[Ref]) -> Program:
    """Make the program that computes some nodes, each at its lag.

    Parameters
    ----------
    outputs : in the order of the results
    """
    members, later = _members(outputs)
    final = max([*members, *(_phase(r) for r in outputs)], default=0)
    passes: list[Pass] = []
    needed: dict[Node, int] = {}  # kept node -> rows before the first one asked for that are read
    lookback = 0
    for phase in range(final, -1, -1):
        results = [(i, r) for i, r in enumerate(outputs) if _phase(r) == phase]
        nodes = members.get(phase, [])
        if not nodes and not results:
            continue
        kept = [n for n in nodes if n in later]
        reach = max((needed[n] for n in kept), default=0)
        schedule = Schedule(phase % 2 == 1, nodes, results)
        for node, rows in schedule.reads.items():
            if node.free:
                lookback = max(lookback, reach + rows)
            else:
                needed[node] = max(needed.get(node, 0), reach + rows)
        passes.append(_pass(schedule, kept, reach))
    passes.reverse()
    return Program(passes=_freed(passes), outputs=len(outputs), lookback=lookback)


def _phase(output: Ref) -> int:
    """Give the pass that writes an output: what is lagged across assets is read back by the next one."""
    node = output.node
    if node.free:
        return 0
    return node.phase + (node.phase % 2 == 1 and output.lag > 0)


def _members(outputs: Iterable[Ref]) -> tuple[dict[int, list[Node]], set[Node]]:
    """Give the nodes of each phase, and those that a later phase reads; free nodes belong to no phase."""
    seen: set[Node] = set()
    later = {r.node for r in outputs if not r.node.free and _phase(r) > r.node.phase}
    stack = [r.node for r in outputs]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        for operand in node.operands:
            stack.append(operand.node)
            if not operand.node.free and operand.node.phase < node.phase:
                later.add(operand.node)
    members: dict[int, list[Node]] = {}
    for node in sorted(seen, key=lambda n: n.number):
        if not node.free:
            members.setdefault(node.phase, []).append(node)
    return members, later


def _pass(schedule: Schedule, kept: Sequence[Node], reach: int) -> Pass:
    steps, slots = steps_on_slots(schedule, kept)
    return Pass(
        axis="cross" if schedule.cross else "time",
        steps=steps,
        slots=slots,
        halo=max(schedule.halos.values(), default=0),
        reach=reach,
        panels=tuple(kept),
    )


def _freed(passes: Sequence[Pass]) -> tuple[Pass, ...]:
    """Say after which pass each kept panel may go."""
    readers: dict[Node, int] = {}
    for i, done in enumerate(passes):
        readers.update(dict.fromkeys(done.panels, i))
        for step in done.steps:
            if step.kind == "load":
                readers.update({n: i for n in step.nodes if n in readers})
    return tuple(
        replace(done, last=tuple(n for n, at in readers.items() if at == i))
        for i, done in enumerate(passes)
    )
