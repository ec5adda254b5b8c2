"""Memory that comes and goes, where it is rare: odd banks, sections without parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.bind.memmodel import MEMMODEL
from mmoracle.checkers.bind.memmodel_configs import tiny
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.impl.memmodel import hotplug as machine
from mmoracle.proofs.sides import both_do_alike
from mmoracle.spec.linux import Addr
from mmoracle.spec.memmodel import hotplug, lookup, online
from mmoracle.spec.memmodel.hotplug import AddPages
from mmoracle.spec.memmodel.state import (
    VMEMMAP,
    Bank,
    Config,
    MemMap,
    Run,
    Section,
)
from mmoracle.spec.memmodel.words import EARLY, ONLINE

from .corners import PER, THERE, UP, section

# ------------------------------------------------------------------ hot-plug

BANKS = (
    (Bank(0, 0, 8), Bank(0, 16, 24)),
    (Bank(0, 0, 5), Bank(0, 5, 8, True), Bank(0, 9, 24)),
    (Bank(0, 2, 8), Bank(0, 8, 12), Bank(1, 12, 16, True)),
    (Bank(0, 4, 20),),
    (Bank(0, 7, 9), Bank(0, 10, 23)),
)
MARKED = (
    (),
    (section(0, THERE | EARLY | ONLINE), section(1, THERE | EARLY)),
    (section(1, THERE | EARLY | ONLINE), section(2, THERE | EARLY | ONLINE)),
    (section(0, THERE | EARLY), Section(1, usage=Addr(0x800))),
    (section(0, THERE, 15), section(1, THERE | ONLINE, 15)),
)
STATES = tuple(
    replace(UP, banks=banks, sections=marked)
    for banks, marked in product(BANKS, MARKED)
)
SMALL = tiny(VMEMMAP, hot=((0, 8), (20, 4), (24, 8), (32, 8), (40, 8)))


def memory_is_in_use_if_a_frame_of_it_is_online(
    top: Any, which: int, pfn: int, pages: int
) -> bool:
    """Some frame is memory, not fresh, and its section is online."""
    s = STATES[which]
    ready = {f for b in s.banks if not b.fresh for f in range(b.start, b.end)}
    online_now = {each.nr for each in s.sections if each.word & ONLINE}
    due = any(f in ready and f // PER in online_now for f in range(pfn, pfn + pages))
    return hotplug.is_in_use(SMALL, s, (pfn, pages)) == due


def ranges(top: int) -> Iterator[Values]:
    """Yield a state, and a range of frames."""
    return product(range(len(STATES)), range(26), (1, 2, 4, 8, 16))


def a_section_has_no_hole_if_all_its_frames_are_valid_memory(
    top: Any, which: int, nr: int
) -> bool:
    """One frame that no bank has, or that is not valid, is a hole."""
    s = STATES[which]
    frames = range(nr * PER, nr * PER + PER)
    memory = {f for b in s.banks for f in range(b.start, b.end)}
    due = all(f in memory and lookup.pfn_valid(SMALL, s, f) for f in frames)
    return online.has_no_hole(SMALL, s, nr) == due


def sections_without_holes_are_asked_or_those_nobody_knows(
    top: Any, which: int
) -> bool:
    """Of what may come only that below the limit counts, if no section is there."""
    s, asked = STATES[which], online.sections_asked(SMALL, STATES[which])
    known = {each.nr for each in s.sections if each.word}
    due = [
        nr
        for nr in range(6)
        if (online.has_no_hole(SMALL, s, nr) if nr in known else nr in (0, 2, 3))
    ]
    return asked == (*due,)


# ------------------------------------------------------------------ both sides

VIRTUAL, BEGIN = tiny(VMEMMAP), tiny(VMEMMAP).vmemmap
WORD = BEGIN | THERE
MAPPED = replace(UP, memmap=(Run(BEGIN, Addr(BEGIN + 2 * PER * 8)),))
FIRST = section(0, WORD | EARLY, 15)
COMING = (
    replace(
        MAPPED,
        banks=(Bank(0, 0, 8), Bank(0, 8, 10, True)),
        sections=(FIRST, section(1, WORD, 1)),
    ),
    replace(MAPPED, sections=(FIRST, section(1, WORD | EARLY))),
    replace(MAPPED, sections=(FIRST, section(1, WORD | EARLY, 2))),
)


def near_an_edge_memory_comes_alike(
    top: Any, which: int, first: int, parts: int, granted: int
) -> Any:
    """Beside fresh memory, or in a section of boot without parts, both do alike."""
    told = first * 2 + PER, parts * 2
    op = AddPages(0, told, Addr(0x900), Addr(0), granted)
    return both_do_alike(MEMMODEL, VIRTUAL, COMING[which], op)


def coming(top: int) -> Iterator[Values]:
    """Yield a state, the first part of a section, parts, and requests granted."""
    return product(range(len(COMING)), range(4), (1, 2, 4, 5), (-1, 0, 1))


# ------------------------------------------------------------------ mistakes


def fresh_as_well(cfg: Config, s: MemMap, part: Any) -> bool:
    """Take fresh memory for some in use."""
    used = tuple(replace(bank, fresh=False) for bank in s.banks)
    return right_use(cfg, replace(s, banks=used), part)


def touched(cfg: Config, s: MemMap, nr: int) -> bool:
    """Take a section for whole if there is memory in it."""
    return any(b.start < nr * PER + PER and nr * PER < b.end for b in s.banks)


def known_alone(cfg: Config, s: MemMap) -> tuple[int, ...]:
    """Ask of sections that are there alone."""
    known = {each.nr for each in s.sections if each.word}
    return tuple(nr for nr in right_asked(cfg, s) if nr in known)


def never_early(m: Any, nid: int, pfn: int, nr_pages: int, slab: Any) -> Any:
    """Take a whole section of boot for one that has its map."""
    if m.section(pfn // PER).word & EARLY:
        m.section(pfn // PER).subsection_map |= 15
        return None
    return right_activate(m, nid, pfn, nr_pages, slab)


right_use, right_asked = hotplug.is_in_use, online.sections_asked
right_activate = machine.section_activate

PLUGGED = (
    Lemma(
        claim=memory_is_in_use_if_a_frame_of_it_is_online,
        provers=(Sweep(cases=ranges, scope="three sections"),),
        mistakes=(Mistake(hotplug, "is_in_use", fresh_as_well),),
    ),
    Lemma(
        claim=a_section_has_no_hole_if_all_its_frames_are_valid_memory,
        provers=(
            Sweep(
                cases=lambda top: product(range(len(STATES)), range(4)),
                scope="three sections",
            ),
        ),
        mistakes=(Mistake(online, "has_no_hole", touched),),
    ),
    Lemma(
        claim=sections_without_holes_are_asked_or_those_nobody_knows,
        provers=(
            Sweep(
                cases=lambda top: product(range(len(STATES))), scope="three sections"
            ),
        ),
        mistakes=(Mistake(online, "sections_asked", known_alone),),
    ),
    Lemma(
        claim=near_an_edge_memory_comes_alike,
        provers=(Sweep(cases=coming, scope="two sections"),),
        mistakes=(Mistake(machine, "section_activate", never_early),),
    ),
)
