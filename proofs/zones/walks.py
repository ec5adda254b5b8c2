"""Whole steps of boot, files, boosts and hotplug on small machines, in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.zones import ZONES, abstract, unbooted
from mmoracle.checkers.bind.zones_tiny import mem
from mmoracle.checkers.lemma import Lemma, Mistake, Shapes, Sweep, Values
from mmoracle.checkers.mutants.zones_hotplug import online_unsized
from mmoracle.checkers.symbolic import every
from mmoracle.impl.zones.boot import Boot
from mmoracle.impl.zones.machine import System as Machine
from mmoracle.spec.zones import marks, state
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.state import Config, Phase, System

from ..sides import equal
from ..walked import Walks

NAMED = ZONES.configs
MACHINES = [cfg for name, cfg in NAMED.items() if "tiny" in name]
MACHINES += [NAMED["linux-x86_64"], NAMED["linux-riscv64"]]
TINY, MIRROR = NAMED["tiny"], NAMED["tiny-mirror"]
# Ranges without a frame, no memory at all, what would be deferred in a mirror, and
# huge pages where some zone has no pages.
ODD = (
    replace(
        TINY, maps=((), mem((0, 5, 5), (0, 10, 9000)), mem((0, 9, 99), (0, 99, 99)))
    ),
    replace(MIRROR, deferred=True, section=4),
    replace(
        NAMED["v5.10-movable"],
        asks=tuple(Movable(kernelcore=pages) for pages in (9, 10, 31, 32, 33)),
    ),
    replace(
        NAMED["tiny-hugepages"],
        maps=(mem((0, 0, 1 << 20)),),
        ends=((0, 1 << 20, 0), (4096, 1 << 20, 0)),
        asks=(Movable(), Movable(kernelcore=1 << 19)),
    ),
    NAMED["v5.10-16T"],
)
RATIOS = {"DMA": 256, "DMA32": 256, "Normal": 32}
SMALL = Walks(ZONES, [*MACHINES[:-2], *ODD], 4, 90)


def a_step_of_a_small_machine_is_done_alike(top: int, at: int, op: int) -> Any:
    """Answer and state after it are the same, from power-on to hotplug."""
    return SMALL.alike(at, op)


def a_machine_before_boot_is_what_the_specification_says(top: int, at: int) -> Any:
    """Of a machine before boot both sides know the same: how its kernel is built.

    A zone for DMA will keep a 256th of what is above it, ZONE_NORMAL a 32nd.
    """
    cfg = MACHINES[at]
    kept = [RATIOS.get(name, 0) for name in cfg.layout.names]
    s = state.unbooted(cfg)
    return every(equal(abstract(unbooted(cfg)), s), equal(s.tunables.ratios, kept))


def every_machine() -> Iterator[Values]:
    """Yield every small machine."""
    return ((1, at) for at in range(len(MACHINES)))


def at_boot(cfg: Config) -> System:
    """Begin with nodes mapped."""
    return replace(right_unbooted(cfg), phase=Phase.MAPPED)


def no_boost(self: Boot, *args: Any, **more: Any) -> None:
    """Begin with boosts turned off, on the machine."""
    right_init(self, *args, **more)
    self.factor = 0


right_unbooted, right_init = state.unbooted, Boot.__init__


def wanted_alone(free: int, *args: int) -> int:
    """Want what khugepaged wants, however little is free."""
    return right_kbytes(1 << 60, *args)


right_kbytes = marks.hugepage_kbytes

WALKS = (
    Lemma(
        claim=a_machine_before_boot_is_what_the_specification_says,
        size="the small machines, x86 and RISC-V",
        provers=(Shapes(every_machine, "every case"),),
        mistakes=(
            Mistake(state, "unbooted", at_boot),
            Mistake(Boot, "__init__", no_boost),
        ),
    ),
    Lemma(
        claim=a_step_of_a_small_machine_is_done_alike,
        provers=(Sweep(1, SMALL.cases, "four walks of small machines"),),
        mistakes=(
            Mistake(marks, "hugepage_kbytes", wanted_alone),
            Mistake(Machine, "online_pages", online_unsized),
        ),
    ),
)
