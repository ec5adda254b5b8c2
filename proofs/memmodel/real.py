"""Boots of real sizes: both sides ask for the same, and come to the same state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.bind.memmodel import MEMMODEL as SUBSYSTEM
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.checkers.mutants import memmodel_frames as of_frames
from mmoracle.impl.memmodel import boot
from mmoracle.proofs.alike import alike
from mmoracle.spec.linux import Addr
from mmoracle.spec.memmodel import boot as spec_boot
from mmoracle.spec.memmodel.boot import AllocNodeMemMap, FreeAreaInit, MemoryPresent
from mmoracle.spec.memmodel.sparse import SparseInitNid
from mmoracle.spec.memmodel.state import (
    DISCONTIG,
    FLAT,
    SPARSE,
    Asked,
    Bank,
    Config,
    Phase,
)

from .states import ARM64, X86

MACHINES: tuple[Config, ...] = (
    X86,
    replace(X86, huge=False),
    replace(X86, model=SPARSE),
    replace(ARM64, model=SPARSE, valid="memory"),
    replace(X86, model=SPARSE, nodes_shift=20, nr_zones=3),
    replace(X86, model=FLAT, extreme=False),
    replace(X86, model=DISCONTIG),
)
ENDS = (0x9F, 0x1000, 0x8000, 0x8005)
GAPS = (1, 0x61, 0x7E00, 0x40000)
USAGE, MAPS = Addr(0xFFFF_8880_0000_1000), Addr(0xFFFF_8880_4000_0000)


def real_boots(top: int) -> Iterator[Values]:
    """Yield machines with one bank, or two."""
    for which, first in product(range(len(MACHINES)), range(len(ENDS))):
        yield from ((which, first, gap) for gap in range(len(GAPS) + 1))


def boots_of_real_sizes_ask_for_the_same(
    top: Any, which: int, first: int, gap: int
) -> Any:
    """Tables, records, maps and marks are those of a machine of real sizes."""
    cfg, end = MACHINES[which], ENDS[first]
    banks = [Bank(0, 0, end)]
    if gap < len(GAPS):
        start = end + GAPS[gap]
        banks.append(Bank(0, start, start + 0x203))
    told: list[Any] = [MemoryPresent(bank) for bank in banks]
    if cfg.is_sparse:
        told.append(SparseInitNid(USAGE, MAPS, Addr(0)))
    else:
        told.append(AllocNodeMemMap(0, MAPS))
    s = alike(SUBSYSTEM, cfg, [*told, FreeAreaInit()])
    return s is not None and s.phase is Phase.UP


def a_word_for_each_table(cfg: Config) -> Asked:
    """Ask for bytes as if the array of tables held words of 32 bits."""
    asked = right_array(cfg)
    return replace(asked, size=Addr(asked.size // 2))


right_array = spec_boot.root_array

REAL = (
    Lemma(
        claim=boots_of_real_sizes_ask_for_the_same,
        provers=(Sweep(cases=real_boots, scope="machines of real sizes"),),
        mistakes=(
            Mistake(boot, "zone_parts", of_frames.end_zones_late),
            Mistake(spec_boot, "root_array", a_word_for_each_table),
            Mistake(boot, "alloc_node_mem_map", of_frames.align_by_blocks),
        ),
        size="7 machines, up to 2 banks",
    ),
)
