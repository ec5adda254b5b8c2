"""What real 5.10 does wrong is found again, and only where the machine does it too."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from mmoracle.checkers.explore import explore
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.verdict import MINIMAL, Run, Verdict

BROKEN = {
    ("memblock", "v5.10-double-into-range"): ("MB-META", "Remove"),
    ("memblock", "v5.10-free-first"): ("MB-META", "Remove"),
    ("memblock", "v5.10-trim-total"): ("MB-SUM", "TrimMemory"),
    ("memblock", "v5.10-trim-wraps"): ("MB-SET", "TrimMemory"),
    ("memblock", "v5.10-cap-wraps"): ("MB-CUT", "CapMemoryRange"),
    ("buddy", "v5.10-merges-reserved"): ("HA-ACCT", "AllocPages"),
    ("buddy", "v5.10-keeps-private"): ("BUD-CLEAN", "AllocPages"),
    ("buddy", "v5.10-counts-taken"): ("BUD-NRFREE", "TakePageOff"),
    ("zones", "v5.10-movable"): ("ZONE-SPAN", "FreeAreaInit"),
    ("zones", "v5.10-16T"): ("WM-SHARE", "InitWmarks"),
    ("freelist", "v5.10-unsigned"): ("WM-DECIDE", "AllocPages"),
    ("slowpath", "v5.10-costly-noio"): ("LIVE", "Answer"),
    ("memmodel", "v5.10-buffer"): ("BOOT-HANDOFF", "SparseInitNid"),
    ("memmodel", "v5.10-unused"): ("MM-VALID", "FreeUnusedMemmap"),
    ("memmodel", "v5.10-hotplug-sparse"): ("MM-FREE", "AddPages"),
    ("memmodel", "v5.10-flat"): ("MM-VALID", "FreeAreaInit"),
    ("reclaim", "v5.10-noio"): ("RCL-NOIO", "TryToFree"),
    ("reclaim", "v5.10-low"): ("SCAN-LOW", "ScanCount"),
    ("compaction", "v5.10-starts-below"): ("CMP-RANGE", "IsolateFreepages"),
    ("compaction", "v5.10-loses-captured"): ("CMP-TOLD", "EndZone"),
}
LONGEST = 10  # operations: a request, and one round


@cache
def found(name: str, config: str) -> Run:
    sub = SUBSYSTEMS[name]
    return explore(sub, sub.configs[config], config=config)


def test_every_known_fault_is_expected() -> None:
    shipped = {
        (sub.name, config)
        for sub in SUBSYSTEMS.values()
        for config in sub.configs
        if config.startswith("v5.10-")
    }
    assert shipped == set(BROKEN)


@pytest.mark.parametrize(("name", "config"), BROKEN)
def test_a_fault_of_5_10_is_found_again(name: str, config: str) -> None:
    failure = found(name, config).failure
    assert failure is not None
    last = type(failure.trace[-1].op).__name__
    assert (failure.rule, last) == BROKEN[name, config]
    assert failure.minimal == MINIMAL
    assert len(failure.trace) <= LONGEST


@pytest.mark.parametrize(("name", "config"), BROKEN)
def test_the_machine_without_the_fault_is_clean(name: str, config: str) -> None:
    sub, steps = SUBSYSTEMS[name], found(name, config).steps
    cfg = replace(sub.configs[config], quirks=())
    run = explore(sub, cfg, config=config, limit=steps)
    assert run.failure is None
    assert run.verdict is Verdict.BOUNDED
    assert run.steps == steps
