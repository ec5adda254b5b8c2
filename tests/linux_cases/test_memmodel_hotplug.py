"""Memory that comes and goes, and what the checks see (mm/sparse.c, v5.10).

A machine boots with `[0 5)` of node 0: section 0 of 8 frames in 4 parts, its last part
without memory.  Section 1 is there only when it is added.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.memmodel_configs import tiny
from mmoracle.spec.core import Disallowed, Step
from mmoracle.spec.linux import Addr, Errno
from mmoracle.spec.memmodel import always, sometimes, steps
from mmoracle.spec.memmodel.agree import booted
from mmoracle.spec.memmodel.boot import FreeAreaInit, MemoryPresent
from mmoracle.spec.memmodel.buffer import BufferAlloc, BufferFini
from mmoracle.spec.memmodel.hotplug import AddPages, RemovePages, parts_of
from mmoracle.spec.memmodel.lookup import PageToPfn, PfnValid, pfn_valid
from mmoracle.spec.memmodel.online import OfflineSection, OnlineSection
from mmoracle.spec.memmodel.ops import EMPTY
from mmoracle.spec.memmodel.sparse import SparseInitNid
from mmoracle.spec.memmodel.state import (
    DISCONTIG,
    FLAT,
    FREES_NO_MAP,
    SPARSE,
    VMEMMAP,
    Asked,
    Bank,
    Freed,
    MemMap,
    Node,
    Outcome,
    Phase,
    Run,
    Section,
    Span,
    Took,
    Warned,
)
from mmoracle.spec.memmodel.unused import FreeUnusedMemmap

from .test_memmodel import History

PARTS = ((8, 2), (10, 6), (8, 8), (6, 2), (9, 2), (30, 4), (0, 8), (14, 4))
V = tiny(VMEMMAP, frames=(0, 32), nids=(0, 1), hot=PARTS)
S = tiny(SPARSE, frames=(0, 32), nids=(0, 1), hot=((8, 8), (8, 16), (0, 8), (8, 4)))
GONE = Warned("section already deactivated")
NOT_VALID = Warned("the section is not valid")


class Plugged(History):
    """A machine that was booted with `[0 5)0`, or other memory."""

    def __init__(self, cfg, picture="[0 5)0"):
        super().__init__(cfg)
        self.up(picture)

    def add(self, pfn, pages, granted=-1, nid=0):
        domain = AddPages.domain(self.session.cfg, self.s)
        usage, at = domain["usage"][0], domain["at"][0]
        return self.do(AddPages(nid, (pfn, pages), usage, at, granted))

    def remove(self, pfn, pages):
        return self.do(RemovePages((pfn, pages)))

    @property
    def parts(self):
        return {each.nr: each.subsections for each in self.s.sections}


@pytest.fixture
def machine():
    """Return a function that boots a machine whose memory may come and go."""
    return Plugged


# ------------------------------------------------------------------ adding


def test_a_new_section_gets_record_map_and_word(machine):
    """PRESENT | HAS_MEM_MAP, not EARLY and not yet ONLINE: 3."""
    m = machine(V).add(8, 8)
    assert m.last.events == (Asked("usage", 8, 1, -1), Asked("map", 64, 1, 0))
    assert m.words[1] == 0xFE00 | 3
    assert m.parts[1] == 0b1111
    assert m.s.banks[1] == Bank(0, 8, 16, fresh=True)


def test_parts_of_a_section_are_added_one_by_one(machine):
    """| 8 9 | . . . . . . |, then the rest; the record and the word stay."""
    m = machine(V).add(8, 2)
    assert m.valid == [*range(8), 8, 9]
    word, record = m.words[1], m.s.sections[1].usage
    m.add(10, 6)
    assert m.last.events == (Asked("map", 48, 1, 0),)
    assert (m.words[1], m.s.sections[1].usage) == (word, record)


def test_a_part_of_a_section_of_boot_reuses_its_map(machine):
    m = machine(V).add(6, 2)
    assert m.last == Outcome()
    assert m.parts[0] == 0b1111
    assert m.words[0] == 0xFE0F


def test_memory_that_is_there_is_not_added_again(machine):
    m = machine(V).add(8, 2).add(8, 8)
    assert m.last.value is Errno.EEXIST
    assert m.add(0, 8).last.value is Errno.EEXIST


@pytest.mark.parametrize(
    ("part", "error"), [((9, 2), Errno.EINVAL), ((30, 4), Errno.E2BIG)]
)
def test_ranges_must_be_aligned_and_addressable(machine, part, error):
    """check_pfn_span() and check_hotplug_memory_addressable(): sections end at 32."""
    m = machine(V)
    before = m.s
    assert m.add(*part).last == Outcome(error)
    assert m.s == before


def test_without_virtual_map_only_whole_sections_are_added(machine):
    m = machine(S).add(8, 4)
    assert m.last.value is Errno.EINVAL
    assert m.add(8, 16).last.value is None
    assert {nr: word & 15 for nr, word in m.words.items()} == {0: 15, 1: 3, 2: 3}
    assert (8, 8) not in AddPages.domain(S, m.s)["part"]


@pytest.mark.parametrize(
    ("granted", "kinds", "banks"),
    [
        (0, ["usage"], 1),
        (1, ["usage", "map", "usage"], 1),
        (2, ["usage", "map", "root"], 2),
        (3, ["usage", "map", "root", "usage"], 2),
        (4, ["usage", "map", "root", "usage", "map", "usage"], 2),
        (5, ["usage", "map", "root", "usage", "map"], 3),
    ],
)
def test_what_was_added_before_a_failure_stays(machine, granted, kinds, banks):
    """Two sections, the second one in a table of its own; a failed map is undone."""
    m = machine(S).add(8, 16, granted)
    told = [x.what for x in m.last.events]
    assert told == kinds
    assert m.last.value is (None if granted == 5 else Errno.ENOMEM)
    assert len(m.s.banks) == min(banks, 2)
    assert sorted(m.words) == list(range(banks))


def test_a_failed_map_takes_its_parts_along(machine):
    m = machine(V).add(8, 2, granted=1)
    assert m.last.value is Errno.ENOMEM
    assert m.last.events[-1] == Freed("usage", m.last.events[-1].at, 8)
    assert 1 not in m.parts
    m.add(8, 2).add(10, 6, granted=0)
    assert m.parts[1] == 0b0001


def test_5_10_frees_a_map_that_it_did_not_get():
    """kvfree(pfn_to_page(pfn)), whose section word is 0: address pfn * sizeof(page)."""
    cfg = replace(S, quirks=(FREES_NO_MAP,))
    s = booted(cfg, (Bank(0, 0, 5),))
    op = AddPages(0, (8, 8), Addr(0x400), Addr(0x440), granted=1)
    told = op.choose(cfg, s)
    assert told.events[-1] == Freed("map", 8 * 8, 64)
    step = Step(s, op, told, op.after(cfg, s, told))
    assert list(steps.what_is_freed_was_there(cfg, step))
    assert op.choose(S, s).events[-1].what == "usage"


# ------------------------------------------------------------------ removing


def test_the_last_part_takes_the_section_along(machine):
    """P60: word and record are gone, so that no frame is valid.

    | 8 9 | 10 .. 15 |  remove 10..16: part 0 stays;  remove 8..10: nothing stays
    """
    m = machine(V).add(8, 8).remove(10, 6)
    assert [x.what for x in m.last.events] == ["map"]
    assert m.valid == [*range(8), 8, 9]
    m.remove(8, 2)
    assert [x.what for x in m.last.events] == ["usage", "map"]
    assert m.valid == list(range(8))
    assert 1 not in m.words


def test_a_section_of_boot_keeps_its_record(machine):
    """Its map goes as a whole, with the last part; added again it is none of boot."""
    m = machine(V, "[0 8)0").do(OfflineSection(0)).remove(0, 8)
    assert m.last.events == (Freed("map", 0xFE00, 64),)
    (section,) = m.s.sections
    assert (section.word, section.bootmem, section.subsections) == (0, True, 0)
    m.add(0, 8)
    assert m.last.events == (Asked("map", 64, 1, 0),)
    assert m.words[0] & 15 == 3


def test_parts_of_a_section_of_boot_stay_valid(machine):
    m = machine(V).add(6, 2).remove(6, 2)
    assert m.last == Outcome()
    assert m.parts[0] == 0b0111
    assert m.valid == list(range(8))


@pytest.mark.parametrize(
    ("part", "event"),
    [
        ((9, 2), Warned("misaligned __remove_pages")),
        ((8, 8), NOT_VALID),
        ((6, 2), GONE),
    ],
)
def test_what_is_not_there_is_not_removed(machine, part, event):
    m = machine(V)
    before = m.s
    assert m.remove(*part).last == Outcome(None, (event,))
    assert m.s == before


def test_memory_that_is_in_use_is_not_removed(machine):
    m = machine(V, "[0 8)0")
    assert (0, 8) not in RemovePages.domain(V, m.s)["part"]
    m.do(OfflineSection(0))
    assert (0, 8) in RemovePages.domain(V, m.s)["part"]


def test_a_range_over_sections_goes_section_by_section(machine):
    assert list(parts_of(V, 14, 4)) == [(14, 2), (16, 2)]
    m = machine(V).add(14, 4).remove(14, 4)
    assert [x.what for x in m.last.events] == ["usage", "map"] * 2
    plain = machine(S).add(8, 16).remove(8, 8)
    assert sorted(plain.words) == [0, 2]


# ------------------------------------------------------------------ online


def test_descriptors_of_new_memory_are_linked_when_it_is_put_online(machine):
    """Zone 1 begins at frame 11."""
    m = machine(S).add(8, 8, nid=1)
    assert 8 not in PageToPfn.domain(S, m.s)["pfn"]
    m.do(OnlineSection(1))
    assert m.words[1] & 15 == 7
    assert (m.links(8), m.links(11)) == ((0, 1, 1), (1, 1, 1))
    assert m.do(PageToPfn(8)).last == 8
    assert not any(bank.fresh for bank in m.s.banks)
    m.do(OfflineSection(1))
    assert m.words[1] & 15 == 3


def test_only_whole_sections_are_put_online(machine):
    m = machine(V).add(8, 2)
    assert list(OnlineSection.domain(V, m.s)["nr"]) == [3]  # not there at all
    m.add(10, 6)
    assert list(OnlineSection.domain(V, m.s)["nr"]) == [1, 3]


@pytest.mark.parametrize("op", [OnlineSection, OfflineSection])
def test_a_section_that_is_not_valid_is_passed_over(machine, op):
    assert machine(V).do(op(3)).last == Outcome(None, (NOT_VALID,))


def test_nothing_comes_before_the_machine_is_up():
    assert not list(AddPages.domain(V, EMPTY)[""])
    for op in (RemovePages, OnlineSection, OfflineSection):
        assert not list(op.domain(V, EMPTY)[""])
    full = replace(V, arena=(Addr(0x40), Addr(0x48)))
    s = booted(V, (Bank(0, 0, 5),))
    assert not list(AddPages.domain(full, s)["part"])


def test_memory_that_is_listed_and_not_valid_has_a_hole():
    s = booted(V, (Bank(0, 0, 8),))
    dead = replace(s, sections=(Section(0, Addr(1)),))
    assert 0 in OnlineSection.domain(V, s)["nr"]
    assert 0 not in OnlineSection.domain(V, dead)["nr"]


# ------------------------------------------------------------------ complaints


def complaints(cfg, s):
    return {
        rule.id: why for rule in always.INVARIANTS for why in list(rule.check(cfg, s))
    }


def changed(cfg, **fields):
    """Return a booted state with something wrong in it."""
    return replace(booted(cfg, (Bank(0, 0, 8), Bank(0, 8, 16))), **fields)


def sections(cfg, nr, **fields):
    found = booted(cfg, (Bank(0, 0, 8), Bank(0, 8, 16))).sections
    return tuple(replace(x, **fields) if x.nr == nr else x for x in found)


WRONG = {
    "no-descriptors": (V, {"memmap": ()}, "MM-VALID"),
    "half-a-descriptor": (
        V,
        {"memmap": (Run(Addr(0xFE00), Addr(0xFE7C), 0),)},
        "MM-VALID",
    ),
    "a-buffer": (V, {"buffer": Span(Addr(64), Addr(80))}, "BOOT-HANDOFF"),
    "no-marks": (V, {"sections": sections(V, 1, word=Addr(0xFE0E))}, "MM-ENCODE"),
    "another-base": (V, {"sections": sections(V, 1, word=Addr(0xFD0F))}, "MM-ENCODE"),
    "nothing-there": (S, {"sections": sections(S, 1, word=Addr(0x800F))}, "MM-ENCODE"),
    "record-of-the-slab": (V, {"sections": sections(V, 1, bootmem=False)}, "MM-ENCODE"),
    "no-map": (V, {"sections": sections(V, 1, word=Addr(5))}, "MM-PRESENT"),
    "a-map-too-early": (V, {"phase": Phase.MAPS, "at": 0}, "MM-PRESENT"),
    "not-of-boot": (
        V,
        {"phase": Phase.MAPPED, "sections": sections(V, 1, word=Addr(0xFE07))},
        "MM-PRESENT",
    ),
    "no-table": (V, {"roots": ()}, "MM-PRESENT"),
    "beyond-the-highest": (V, {"highest": 0}, "MM-PRESENT"),
    "missing": (V, {"phase": Phase.MEMORY, "sections": ()}, "MM-PRESENT"),
    "one-record": (V, {"sections": sections(V, 1, usage=Addr(0x40))}, "MM-USAGE"),
    "no-record": (V, {"sections": sections(V, 1, usage=Addr(0))}, "MM-USAGE"),
    "parts": (V, {"sections": sections(V, 1, subsection_map=(Addr(1),))}, "MM-PARTS"),
    "no-section": (V, {"sections": sections(V, 1)[:1]}, "MM-MEMORY"),
    "unset": (V, {"memmap": (Run(Addr(0xFE00), Addr(0xFE80)),)}, "MM-INIT"),
    "wrong-links": (
        V,
        {"memmap": (Run(Addr(0xFE00), Addr(0xFE80), 0x4000),)},
        "MM-INIT",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_state_is_said(name):
    cfg, fields, rule = WRONG[name]
    assert complaints(cfg, changed(cfg)) == {}
    assert rule in complaints(cfg, changed(cfg, **fields))


def test_two_sections_with_one_map_are_found():
    """Their descriptors overlap, and lead to one of them."""
    s = booted(S, (Bank(0, 0, 16),))
    first, second = s.sections
    bad = replace(second, word=Addr((first.word & ~15) - 64 | 15))
    found = complaints(S, replace(s, sections=(first, bad)))
    assert {"MM-INIT", "MM-BIJECTION", "MM-AGREE"} <= found.keys()
    assert "overlap" in found["MM-BIJECTION"]


def test_a_gap_within_a_block_is_found():
    cfg = tiny(DISCONTIG, frames=(0, 32))
    s = booted(cfg, (Bank(0, 0, 8),))
    assert complaints(cfg, s) == {}
    two = (s.nodes[0], Node(0, 0, 8, Addr(0x300)))
    assert complaints(cfg, replace(s, nodes=two[1:]))["MM-NODE"]
    cfg = replace(tiny(SPARSE, frames=(0, 32)), section_bits=5, subsection_bits=5)
    s = booted(cfg, (Bank(0, 0, 4),))
    odd = replace(s.sections[1], word=Addr(s.sections[1].word + 16))
    assert "MM-CONTIG" in complaints(cfg, replace(s, sections=(s.sections[0], odd)))


def test_a_flat_map_that_is_not_moved_is_found():
    cfg = tiny(FLAT, frames=(0, 32), pfn_offset=4)
    s = booted(cfg, (Bank(0, 5, 8),))
    assert complaints(cfg, s) == {}
    assert "MM-NODE" in complaints(cfg, replace(s, mem_map=s.nodes[0].node_mem_map))
    mapped = replace(s, memmap=(), phase=Phase.MAPPED)
    assert "MM-NODE" in complaints(cfg, mapped)


def test_models_are_compared_only_on_what_all_can_hold():
    s = booted(V, (Bank(0, 0, 8),))
    far = replace(s, banks=(*s.banks, Bank(0, 8, 40)))
    assert complaints(V, far).keys() == {"MM-MEMORY"}
    assert list(always.models_agree(V, replace(s, banks=()))) == []


# ------------------------------------------------------------------ laws


def whys(law, cfg, before, op, result, after):
    return list(law(cfg, Step(before, op, result, after)))


def test_bytes_of_the_buffer_are_counted():
    """Taken twice, passed over, or neither taken nor given back."""
    law, op = steps.every_byte_of_the_buffer_is_accounted_for, BufferAlloc(Addr(16))
    held = replace(EMPTY, buffer=Span(Addr(64), Addr(128)))
    rest = replace(EMPTY, buffer=Span(Addr(80), Addr(128)))
    took = (Took(Addr(64), Addr(16)),)
    assert whys(law, V, held, op, Outcome(Addr(64), took), rest) == []
    assert whys(law, V, held, op, Outcome(Addr(64), took * 2), rest)
    assert whys(law, V, held, op, Outcome(), rest)
    assert whys(law, V, held, BufferFini(), Outcome(), EMPTY)
    assert whys(law, V, EMPTY, BufferFini(), Outcome(), EMPTY) == []
    assert whys(law, V, held, op, Outcome(), MemMap(Phase.STOPPED)) == []
    told = MemoryPresent(Bank(0, 0, 8)).run(V, EMPTY)[0]
    init = SparseInitNid(Addr(0x40), Addr(0x80), Addr(0))
    after, due = init.run(V, told)
    assert whys(law, V, told, init, due, after) == []
    assert whys(law, V, told, init, replace(due, events=due.events[:2]), after)
    none = replace(init, usage=Addr(0))
    after, due = none.run(V, told)
    assert whys(law, V, told, none, due, after) == []


def test_words_of_present_sections_do_not_change():
    law, op = steps.the_first_node_wins, MemoryPresent(Bank(1, 5, 8))
    before = MemoryPresent(Bank(0, 0, 5)).run(V, EMPTY)[0]
    after, due = op.run(V, before)
    assert whys(law, V, before, op, due, after) == []
    wrong = replace(after, sections=(Section(0, Addr(13)),))
    assert whys(law, V, before, op, due, wrong)
    assert whys(law, V, before, BufferFini(), due, wrong) == []


def test_other_sections_do_not_change():
    law = steps.only_what_is_named_changes
    before = changed(V)
    after = replace(before, sections=before.sections[:1])
    for op in (RemovePages((0, 8)), OnlineSection(0), OfflineSection(0)):
        assert whys(law, V, before, op, Outcome(), after)
    assert whys(law, V, before, RemovePages((0, 16)), Outcome(), after) == []
    assert whys(law, V, before, FreeAreaInit(), Outcome(), after) == []
    add = AddPages(0, (0, 8), Addr(0), Addr(0))
    assert whys(law, V, before, add, Outcome(), after)


def test_what_goes_back_was_there_and_is_gone():
    law, op = steps.what_is_freed_was_there, RemovePages((8, 8))
    before = changed(V)
    told = Outcome(None, (Freed("map", Addr(0xFE40), Addr(64)),))
    after = replace(before, memmap=(Run(Addr(0xFE00), Addr(0xFE40), 0),))
    assert whys(law, V, before, op, told, after) == []
    assert whys(law, V, before, op, told, before)
    assert whys(law, V, after, op, told, after)
    assert whys(law, V, before, PfnValid(3), True, before) == []


def test_a_mark_follows_the_request():
    law, before = steps.marks_follow_the_request, changed(V)
    off = replace(before, sections=sections(V, 1, word=Addr(0xFE0B)))
    assert whys(law, V, before, OfflineSection(1), Outcome(), off) == []
    assert whys(law, V, before, OfflineSection(1), Outcome(), before)
    assert whys(law, V, off, OnlineSection(1), Outcome(), before) == []
    assert whys(law, V, off, OnlineSection(1), Outcome(), off)
    assert whys(law, V, off, FreeAreaInit(), Outcome(), off) == []
    assert (
        whys(law, V, EMPTY, OnlineSection(3), Outcome(None, (NOT_VALID,)), EMPTY) == []
    )


# ------------------------------------------------------------------ contracts


@pytest.mark.parametrize(
    ("cfg", "op"),
    [
        (V, AddPages(0, (8, 8), Addr(0x400), Addr(0))),
        (V, RemovePages((8, 8))),
        (V, OnlineSection(0)),
        (V, OfflineSection(0)),
    ],
)
def test_a_wrong_answer_is_refused(cfg, op):
    s = booted(cfg, (Bank(0, 0, 8),))
    with pytest.raises(Disallowed) as no:
        op.after(cfg, s, Outcome(Errno.EBUSY))
    assert no.value.rule == "RET-CODE"


def test_witnesses_look_at_their_own_operations_only():
    """No witness is met by a step that does something else."""
    step = Step(EMPTY, FreeUnusedMemmap(), Outcome(), EMPTY)
    assert [w.__name__ for w in sometimes.WITNESSES if w(V, step)] == []
    s = changed(V)
    stay = Step(s, RemovePages((8, 8)), Outcome(), s)
    assert [w.__name__ for w in sometimes.WITNESSES if w(V, stay)] == []
    first = Step(EMPTY, MemoryPresent(Bank(0, 0, 8)), Outcome(), EMPTY)
    assert [w.__name__ for w in sometimes.WITNESSES if w(V, first)] == []
    assert pfn_valid(V, s, 8)
