"""What real 5.10 does wrong is found again, and only where the machine does it too."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from mmoracle.checkers.explore import explore
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.verdict import MINIMAL, Run, Verdict

MEMBLOCK = SUBSYSTEMS["memblock"]
AS_SHIPPED = [name for name in MEMBLOCK.configs if name.startswith("v5.10-")]
BROKEN = {
    "v5.10-double-into-range": ("MB-META", "Remove"),
    "v5.10-free-first": ("MB-META", "Remove"),
    "v5.10-trim-total": ("MB-SUM", "TrimMemory"),
    "v5.10-trim-wraps": ("MB-SET", "TrimMemory"),
    "v5.10-cap-wraps": ("MB-CUT", "CapMemoryRange"),
}
LONGEST = 6  # operations


@cache
def found(name: str) -> Run:
    return explore(MEMBLOCK, MEMBLOCK.configs[name], config=name)


def test_every_known_fault_is_expected() -> None:
    assert set(AS_SHIPPED) == set(BROKEN)


@pytest.mark.parametrize("name", AS_SHIPPED)
def test_a_fault_of_5_10_is_found_again(name: str) -> None:
    failure = found(name).failure
    assert failure is not None
    assert (failure.rule, type(failure.trace[-1].op).__name__) == BROKEN[name]
    assert failure.minimal == MINIMAL
    assert len(failure.trace) <= LONGEST


@pytest.mark.parametrize("name", AS_SHIPPED)
def test_the_machine_without_the_fault_is_clean(name: str) -> None:
    cfg = replace(MEMBLOCK.configs[name], quirks=())
    run = explore(MEMBLOCK, cfg, config=name, limit=found(name).steps)
    assert run.failure is None
    assert run.verdict is Verdict.BOUNDED
    assert run.steps == found(name).steps
