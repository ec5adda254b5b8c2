"""Walks of small machines: what is legal in each state on the way, on both sides.

A walk is drawn from the domains of the operations, always the same one.  A case is the
number of a state on the way and of an operation that is legal there; which they are is
settled before anything is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from mmoracle.checkers.lemma import Values
from mmoracle.checkers.subsystem import Subsystem, moves
from mmoracle.spec.core import Op

from .sides import both_do_alike

STEPS, FIRST = 12, 4096


class Walks:
    """The walks of a subsystem's machines, and a few operations in each state."""

    def __init__(
        self,
        sub: Subsystem[Any, Any, Any],
        machines: Iterable[Any],
        walks: int,
        most: int,
    ) -> None:
        self.sub, self.most = sub, most
        self.states = [
            (cfg, state)
            for cfg in machines
            for state in dict.fromkeys(
                state for walk in range(walks) for state in self.walked(cfg, walk)
            )
        ]
        self.ops = [self.options(*each) for each in self.states]

    def options(self, cfg: Any, state: Any) -> list[Op[Any, Any]]:
        """Return operations that are legal in a state, evenly chosen of all."""
        ops = list(islice(moves(self.sub, cfg, state), FIRST))
        return ops[:: max(1, len(ops) // self.most)]

    def walked(self, cfg: Any, walk: int) -> list[Any]:
        """Return the states of a walk, as the specification goes."""
        states = [self.sub.initial(cfg)]
        for step in range(STEPS):
            ops = self.options(cfg, states[-1])
            if not ops:
                break
            op = ops[(walk * 31 + step * 17 + walk * step) % len(ops)]
            s = states[-1]
            states.append(op.after(cfg, s, op.choose(cfg, s)))
        return states

    def cases(self, top: int = 1) -> Iterator[Values]:
        """Yield every case: a state and an operation."""
        for at, ops in enumerate(self.ops):
            for which in range(len(ops)):
                yield at, which

    def alike(self, at: int, which: int) -> Any:
        """Say that both sides do one operation of a walk alike."""
        cfg, state = self.states[at]
        return both_do_alike(self.sub, cfg, state, self.ops[at][which])
