"""What a run may conclude, and the record of one run that every report is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .session import Entry


class Verdict(Enum):
    """The five ways in which a run can end; DESIGN section 5."""

    COMPLETE = "holds-complete"
    BOUNDED = "holds-to-bound"
    VIOLATED = "violated"
    INCONCLUSIVE = "inconclusive"
    NOTHING = "nothing-checked"


EXIT = {
    Verdict.COMPLETE: 0,
    Verdict.BOUNDED: 0,
    Verdict.VIOLATED: 1,
    Verdict.INCONCLUSIVE: 3,
    Verdict.NOTHING: 5,
}
USAGE, BAD_INPUT, INTERNAL, INTERRUPTED = 2, 4, 70, 130

WORST_FIRST = (
    Verdict.VIOLATED,
    Verdict.INCONCLUSIVE,
    Verdict.NOTHING,
    Verdict.BOUNDED,
    Verdict.COMPLETE,
)


def overall(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict on several runs: the worst; nothing if there were none."""
    return min(verdicts, key=WORST_FIRST.index, default=Verdict.NOTHING)


MINIMAL = "minimal: no shorter history exists at this scope"
NOT_SHOWN = "not shown minimal"


@dataclass(frozen=True)
class Failure:
    """A broken rule with the history that breaks it; the last entry is the culprit."""

    rule: str
    why: str
    trace: tuple[Entry, ...]
    minimal: str = NOT_SHOWN


@dataclass(frozen=True, kw_only=True)
class Run:
    """One engine on one configuration of one subsystem.

    `states` counts distinct states up to symmetry, `steps` operations judged,
    `refusals` wrong answers that both sides refused, `declared` the steps that only a
    declared variation allows.
    """

    subsystem: str
    engine: str
    config: str
    fidelity: str
    verdict: Verdict
    scope: str  # sizes, depth, seed: what the verdict is about
    states: int = 0
    steps: int = 0
    refusals: int = 0
    depth: int = 0
    seconds: float = 0.0
    seed: int | None = None
    ops: dict[str, int] = field(default_factory=dict)
    witnesses: tuple[str, ...] = ()
    witnesses_missed: tuple[str, ...] = ()
    second: dict[str, int] = field(default_factory=dict)  # {"same": n, "differs": m}
    declared: dict[str, int] = field(default_factory=dict)  # variation -> steps
    cut: str = ""  # where and why a run was cut, when it was
    failure: Failure | None = None
    extra: dict[str, Any] = field(default_factory=dict)
