"""Memory models, case by case: boot, sections, the buffer, and lookups (v5.10).

A picture of memory is `[0 5)0 [5 8)1`: frames 0 to 5 of node 0, the next of node 1.
Every history runs on the specification and on the machine at once.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.memmodel import MEMMODEL
from mmoracle.checkers.bind.memmodel_configs import (
    ARM64,
    MIB,
    RISCV64,
    X86_64,
    linux,
    tiny,
)
from mmoracle.checkers.session import Session
from mmoracle.spec.core import Disallowed, Step
from mmoracle.spec.linux import Addr, Bug
from mmoracle.spec.memmodel import always, sometimes, words
from mmoracle.spec.memmodel.agree import booted, fits, others, seen
from mmoracle.spec.memmodel.boot import (
    AllocNodeMemMap,
    FreeAreaInit,
    MemoryPresent,
    flat_base,
    zone_parts,
)
from mmoracle.spec.memmodel.buffer import (
    BufferAlloc,
    BufferFini,
    BufferInit,
    first_piece,
    sparse_buffer_fini,
)
from mmoracle.spec.memmodel.change import places, with_run
from mmoracle.spec.memmodel.layout import (
    Layout,
    flags_nid,
    layout_of,
    page_to_section,
    page_zonenum,
    set_page_links,
    zones_shift,
)
from mmoracle.spec.memmodel.lookup import (
    PageLinks,
    PageToPfn,
    PfnToPage,
    PfnValid,
    edges,
    page_to_pfn,
    pfn_to_page,
    pfn_valid,
)
from mmoracle.spec.memmodel.ops import EMPTY
from mmoracle.spec.memmodel.sparse import SparseInitNid, next_run
from mmoracle.spec.memmodel.state import (
    DISCONTIG,
    FLAT,
    KEEPS_BUFFER,
    MAPNR_ABSOLUTE,
    ROUNDS_TO_MAX_ORDER,
    SPARSE,
    VMEMMAP,
    Asked,
    Bank,
    Freed,
    Outcome,
    Phase,
    Run,
    Span,
    Took,
    Warned,
    layout,
)
from mmoracle.spec.memmodel.unused import FreeUnusedMemmap

T_SPARSE = tiny(SPARSE, frames=(0, 32), nids=(0, 1, 3))
T_VMEMMAP = tiny(VMEMMAP, frames=(0, 32), nids=(0, 1, 3))
T_FLAT = tiny(FLAT, frames=(0, 32), pfn_offset=4)
T_NODES = tiny(DISCONTIG, frames=(0, 32), nids=(0, 1))
ARM = tiny(SPARSE, frames=(0, 32), pageblock_order=2, valid="memory", frees_unused=True)


def banks(picture):
    """Return the banks of a picture."""
    found = []
    for word in picture.replace(" [", "|[").split("|"):
        span, nid = word.strip("[").split(")")
        start, end = map(int, span.split())
        found.append(Bank(int(nid), start, end))
    return found


class History:
    """A machine that does operations on both sides, and both halves of the machine."""

    def __init__(self, cfg):
        self.session = Session(MEMMODEL, cfg)

    def do(self, *ops):
        for op in ops:
            before = self.session.state
            answer = self.session.do(op)
            other = MEMMODEL.load(self.session.cfg, before)
            MEMMODEL.accept(other, op, answer)
            assert MEMMODEL.abstract(other) == self.s
        return self

    def present(self, picture):
        return self.do(*map(MemoryPresent, banks(picture)))

    def init(self, **given):
        """Initialise the next run with the first answers of its domain."""
        domain = SparseInitNid.domain(self.session.cfg, self.s)
        first = {name: each[0] for name, each in domain.items()}
        return self.do(SparseInitNid(**{**first, **given}))

    def up(self, picture):
        """Boot with this memory."""
        self.present(picture)
        while self.s.phase in (Phase.MEMORY, Phase.MAPS):
            if self.session.cfg.is_sparse:
                self.init()
            else:
                domain = AllocNodeMemMap.domain(self.session.cfg, self.s)
                self.do(AllocNodeMemMap(domain["nid"][0], domain["at"][0]))
        return self.do(FreeAreaInit())

    @property
    def s(self):
        return self.session.state

    @property
    def last(self):
        return self.session.trace[-1].result

    @property
    def words(self):
        return {each.nr: each.word for each in self.s.sections}

    @property
    def valid(self):
        """Return the valid frames as text, like 0-8 12."""
        cfg = self.session.cfg
        return [pfn for pfn in range(40) if pfn_valid(cfg, self.s, pfn)]

    def links(self, pfn):
        return self.do(PageLinks(pfn)).last


@pytest.fixture
def machine():
    """Return a function that switches a machine on."""
    return History


# ------------------------------------------------------------------ constants


@pytest.mark.parametrize(
    ("cfg", "pages", "sections", "map_bytes", "usage"),
    [
        (linux(**X86_64), 32768, 1 << 19, 2 * MIB, 56),
        (linux(**{**X86_64, "physmem_bits": 52}), 32768, 1 << 25, 2 * MIB, 56),
        (linux(**ARM64), 262144, 1 << 18, 16 * MIB, 16 + 64 + 256),
        (linux(**RISCV64), 32768, 1 << 29, 2 * MIB, 56),
    ],
)
def test_sections_have_the_sizes_of_their_architecture(
    cfg, pages, sections, map_bytes, usage
):
    """SECTION_SIZE_BITS is 27, on arm64 30; map.md 4.2.

    The kernel log of x86_64 says "112 bytes" for the records of two sections, and
    "4194304 bytes align=0x200000" for their maps.
    """
    assert cfg.section_pages == pages
    assert 1 << cfg.sections_shift == sections
    assert cfg.limit == sections * pages
    assert cfg.map_bytes == map_bytes
    assert cfg.usage_bytes == usage
    assert cfg.per_root == 256
    assert cfg.max_order - 1 + cfg.page_shift <= cfg.section_bits


def test_a_section_has_64_parts_of_2_mib():
    cfg = linux(**X86_64)
    assert cfg.unit == 512
    assert words.subsection_index(32767, cfg.shift, cfg.sub_shift) == 63
    assert words.subsection_index(32768 + 512, cfg.shift, cfg.sub_shift) == 1
    assert replace(cfg, model=SPARSE).unit == 32768


# ------------------------------------------------------------------ page flags


@pytest.mark.parametrize(
    ("zones", "shift"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3)]
)
def test_a_zone_takes_up_to_three_bits(zones, shift):
    assert zones_shift(zones) == shift


def test_links_of_x86_64_lie_where_a_real_kernel_has_them():
    """| NODE 10 | ZONE 3 | LAST_CPUPID 21 | ... flags |, so 0x7ffffc0000000 is no link.

    An image of Debian's 5.10.223 has DMA pages 0x7ffffc0001000, DMA32 0xfffffc0001000.
    """
    lay = layout(linux(**X86_64))
    assert lay == Layout(64, 0, 10, 3, 21, 0, True)
    assert (lay.nodes_at, lay.zones_at, lay.last_cpupid_at) == (54, 51, 30)
    assert page_zonenum(lay, 0x7FFFFC0001000) == 0
    assert page_zonenum(lay, 0xFFFFFC0001000) == 1
    assert flags_nid(lay, 0xFFFFFC0001000) == page_to_section(lay, 0) == 0


def test_without_room_the_last_cpu_goes_first_and_the_node_next():
    """SECTIONS 25 + ZONES 3 + NODES 10 of 41 bits fit, 21 more for the cpu do not."""
    five = layout_of(64, 23, 25, 10, 5, 21)
    assert (five.nodes, five.last_cpupid, five.node_in_flags) == (10, 0, True)
    assert five.last_cpupid_at == 0
    none = layout_of(32, 23, 6, 3, 4)
    assert (none.nodes, none.node_in_flags, none.nodes_at) == (0, False, 0)
    assert layout_of(32, 23, 0, 0, 1).node_in_flags
    assert layout_of(32, 23, 0, 0, 1).zones_at == 0
    with pytest.raises(ValueError, match="not enough bits in page flags"):
        layout_of(32, 23, 8, 0, 4)


def test_links_leave_page_flags_alone():
    lay = layout_of(64, 23, 19, 10, 5)
    word = set_page_links(lay, 0xABCDE | 7 << 50, 2, 5, 77)
    assert (page_zonenum(lay, word), flags_nid(lay, word)) == (2, 5)
    assert page_to_section(lay, word) == 77
    assert word & 0xFFFFF == 0xABCDE


# ------------------------------------------------------------------ memory_present


def test_a_present_section_waits_with_its_node_in_the_word(machine):
    """Nid << 3 | ONLINE | PRESENT: node 3 is 0x1d, and looks EARLY.

    | section 0 | section 1 |        [0 5)3: word 3 << 3 | 5
    """
    m = machine(T_SPARSE).present("[0 5)3")
    assert m.words == {0: 0x1D}
    assert words.is_set(0x1D, words.EARLY)
    assert words.early_nid(0x1D) == 3


def test_the_first_node_of_a_section_wins(machine):
    """| 0 0 0 0 0 1 1 1 | 1 1 |: section 0 is node 0's, section 1 node 1's."""
    m = machine(T_SPARSE).present("[0 5)0 [5 10)1")
    assert m.words == {0: 5, 1: 8 | 5}
    assert m.s.highest == 1


def test_memory_behind_the_last_section_is_cut_off(machine):
    """mminit_validate_memmodel_limits(): 32 frames can have sections here."""
    m = machine(T_SPARSE).present("[19 40)0")
    assert sorted(m.words) == [2, 3]
    assert machine(T_SPARSE).present("[33 40)0").words == {}


def test_tables_are_allocated_when_they_are_needed(machine):
    """Two sections to a table: the array first, then a table for each half."""
    m = machine(T_SPARSE).present("[0 8)0")
    assert m.last.events == (Asked("roots", 4, 8, -1), Asked("root", 16, 8, 0))
    assert m.present("[9 10)0").last.events == ()
    assert m.present("[16 17)1").last.events == (Asked("root", 16, 8, 1),)
    assert m.s.roots == (0, 1)
    static = replace(T_SPARSE, extreme=False)
    assert machine(static).present("[0 8)0").last.events == ()


def test_without_room_for_tables_the_kernel_panics(machine):
    m = machine(T_SPARSE).do(MemoryPresent(Bank(0, 0, 8), granted=False))
    assert m.last.value == Bug("panic: no memory")
    assert m.s.phase is Phase.STOPPED
    assert not list(MemoryPresent.domain(T_SPARSE, m.s)[""])
    late = machine(T_SPARSE).present("[0 8)0")
    late.do(MemoryPresent(Bank(0, 16, 17), granted=False))
    assert late.last.events == (Asked("root", 16, 8, 0),)
    assert late.s.phase is Phase.STOPPED


def test_a_table_by_section_says_the_node_where_flags_have_no_room(machine):
    cfg = replace(T_SPARSE, nr_pageflags=13)
    m = machine(cfg).up("[0 8)3 [8 16)1")
    assert dict(m.s.nids) == {0: 3, 1: 1}
    assert [m.links(pfn) for pfn in (0, 15)] == [(0, 3, 0), (1, 1, 1)]


# ------------------------------------------------------------------ the buffer


@pytest.mark.parametrize(
    ("start", "end", "size", "at"),
    [(64, 128, 64, 64), (65, 192, 64, 128), (65, 191, 64, 0), (0, 63, 64, 0)],
)
def test_a_piece_is_aligned_to_its_size_and_fits_or_is_none(start, end, size, at):
    assert first_piece(start, end, size) == at


def test_what_an_aligned_piece_passes_over_goes_back(machine):
    """| 0x50 gap | 0x80 piece of 64 | rest |: the gap is freed."""
    m = machine(T_SPARSE).do(BufferInit(Addr(0x50), Addr(0x80)), BufferAlloc(Addr(64)))
    assert m.last == Outcome(0x80, (Freed("buffer", 0x50, 0x30), Took(0x80, 64)))
    assert m.s.buffer == Span(0xC0, 0xD0)
    assert m.do(BufferAlloc(Addr(64))).last == Outcome()
    assert m.do(BufferAlloc(Addr(16))).last == Outcome(0xC0, (Took(0xC0, 16),))
    assert m.do(BufferFini()).last == Outcome()
    assert m.do(BufferAlloc(Addr(16))).last == Outcome()


def test_what_is_left_goes_back(machine):
    m = machine(T_SPARSE).do(BufferInit(Addr(0x40), Addr(0x40)), BufferFini())
    assert m.last.events == (Freed("buffer", 0x40, 0x40),)
    assert sparse_buffer_fini(None) == ()


# ------------------------------------------------------------------ sections


def test_a_run_of_one_node_gets_its_maps_from_one_buffer(machine):
    """Two sections of 8 descriptors of 8 bytes: 128 bytes at once, 64 for each."""
    m = machine(T_SPARSE).present("[0 16)0 [16 17)1").init()
    usage, wanted, *took = m.last.events
    assert usage == Asked("usage", 2 * 6, 8, 0)  # two longs and 16 bits each
    assert wanted == Asked("buffer", 128, 64, 0)
    assert [each.size for each in took] == [64, 64]
    assert m.s.phase is Phase.MAPS
    assert m.init().last.events[1] == Asked("buffer", 64, 64, 1)
    assert m.s.phase is Phase.MAPPED


def test_a_word_with_a_map_keeps_its_marks_and_loses_its_node(machine):
    """The map at 0x80, 0x40 before it for section 1, marks 1 | 2 | 4 | 8.

    section 0: 0x080 | 0xf;  section 1: 0xc0 - 8 * 8 = 0x80 | 0xf
    """
    m = machine(T_SPARSE).present("[0 16)3").init(buffer=Addr(0x80))
    assert m.words == {0: 0x8F, 1: 0x8F}
    m = machine(T_SPARSE).present("[24 32)3").init(buffer=Addr(0x80))
    assert m.words == {3: (0x80 - 3 * 64) % (1 << 16) | 15}  # it wraps


def test_without_a_buffer_maps_are_asked_for_one_by_one(machine):
    m = machine(T_SPARSE).present("[0 16)0").init(buffer=Addr(0), spare=Addr(0x100))
    assert m.last.events[2:] == (Asked("map", 64, 64, 0),) * 2
    assert m.words == {0: 0x10F, 1: 0x140 - 64 | 15}


def test_without_any_map_a_plain_sparse_kernel_panics(machine):
    m = machine(T_SPARSE).present("[0 16)0").init(buffer=Addr(0), spare=Addr(0))
    assert m.last.value == Bug("panic: no memory")
    assert not list(PfnValid.domain(T_SPARSE, m.s)[""])


def test_without_usage_records_a_whole_run_is_dropped(machine):
    m = machine(T_SPARSE).present("[0 16)0 [16 24)1").init(usage=Addr(0))
    assert m.last.value is None
    assert m.words == {2: 8 | 5}
    assert m.init().s.phase is Phase.MAPPED


def test_where_one_section_fails_later_ones_of_the_run_are_dropped(machine):
    """| map | map fails | dropped |, and what is left of the buffer goes back."""
    m = (
        machine(T_VMEMMAP)
        .present("[0 24)0 [24 32)1")
        .init(buffer=Addr(0x80), failing=2)
    )
    assert m.last.events[-1] == Freed("buffer", 0x80 + 64, 128)
    assert m.words == {0: 0xFE0F, 3: 8 | 5}
    assert m.s.buffer is None


def test_5_10_keeps_the_buffer_of_a_run_that_failed(machine):
    """P61, until 5.10.38: the next run warns, and the old buffer is lost."""
    cfg = replace(T_VMEMMAP, quirks=(KEEPS_BUFFER,))
    m = machine(replace(cfg))
    s = EMPTY
    for bank in banks("[0 8)0 [8 16)1"):
        s = MemoryPresent(bank).run(cfg, s)[0]
    op = SparseInitNid(Addr(0x40), Addr(0x80), Addr(0), 0)
    s, _ = op.run(cfg, s)
    assert s.buffer == Span(0x80, 0xC0)
    assert list(SparseInitNid.domain(cfg, s)["buffer"])
    assert not list(SparseInitNid.domain(replace(cfg, quirks=()), s)[""])
    s, told = SparseInitNid(Addr(0x200), Addr(0x240), Addr(0)).run(cfg, s)
    assert Warned("forgot to call sparse_buffer_fini()?") in told.events
    assert m.s.buffer is None


def test_a_virtual_map_is_mapped_page_by_page(machine):
    """x86_64 maps 2 MiB at once, riscv64 base pages: here 32 or 16 bytes."""
    m = machine(T_VMEMMAP).present("[0 8)0").init(buffer=Addr(0))
    assert m.last.events[2:] == (Asked("piece", 32, 32, 0),) * 2
    m = machine(replace(T_VMEMMAP, huge=False)).present("[0 8)0").init()
    assert [each.size for each in m.last.events[2:]] == [16] * 4
    assert m.s.memmap == (Run(0xFE00, 0xFE40),)


def test_memory_whose_section_was_dropped_stops_the_kernel(machine):
    """subsection_map_init() follows a null usage record."""
    m = machine(T_VMEMMAP).present("[0 8)0").init(usage=Addr(0)).do(FreeAreaInit())
    assert m.last.value == Bug("a frame of memory has no descriptor")
    far = machine(T_VMEMMAP).present("[24 40)0").init().do(FreeAreaInit())
    assert far.s.phase is Phase.STOPPED


# ------------------------------------------------------------------ nodes


def test_a_nodes_map_ends_at_largest_blocks(machine):
    """| 4 [5 . . . 10) 11 |: frames 4 to 12 have descriptors, 64 bytes."""
    m = machine(T_FLAT).present("[5 10)0").do(AllocNodeMemMap(0, Addr(0x40)))
    assert m.last.events == (Asked("node map", 64, 8, 0),)
    assert m.s.nodes[0].node_mem_map == 0x48
    assert m.s.mem_map == 0x40
    assert m.do(FreeAreaInit()).valid == [4, 5, 6, 7, 8, 9]


def test_mem_map_moves_back_only_where_memory_begins_elsewhere():
    """page_to_pfn(mem_map) is ARCH_PFN_OFFSET whatever the map."""
    assert flat_base(T_FLAT, 4, 0x40) == 0x40
    assert flat_base(T_FLAT, 6, 0x50) == 0x40
    assert flat_base(replace(T_FLAT, pfn_offset=0), 1, 8) == 0


def test_a_machine_without_a_map_panics(machine):
    m = machine(T_FLAT).present("[4 8)0").do(AllocNodeMemMap(0, Addr(0)))
    assert m.last.value == Bug("panic: no memory")


def test_each_node_has_its_own_map(machine):
    """| 0 0 0 | 1 1 1 1 1 |: frame 3 is node 1's, in its own array."""
    m = machine(T_NODES).up("[0 3)0 [3 8)1")
    zero, one = m.s.nodes
    assert pfn_to_page(T_NODES, m.s, 2) == zero.node_mem_map + 16
    assert pfn_to_page(T_NODES, m.s, 3) == one.node_mem_map
    assert page_to_pfn(T_NODES, m.s, one.node_mem_map + 8) == 4
    assert pfn_to_page(T_NODES, m.s, 30) == 0
    assert not pfn_valid(T_NODES, m.s, 8)


def test_a_node_that_is_not_known_has_frame_0(machine):
    m = machine(T_NODES).up("[0 3)1")
    assert page_to_pfn(T_NODES, m.s, 0x3000) == 0


def test_riscv_takes_a_frame_for_a_count():
    """set_max_mapnr(max_low_pfn), though frames are counted from ARCH_PFN_OFFSET."""
    cfg = replace(T_FLAT, quirks=(MAPNR_ABSOLUTE,))
    s = booted(cfg, (Bank(0, 4, 8),))
    assert pfn_valid(cfg, s, 11)
    assert list(always.valid_frames_have_descriptors(cfg, s))
    assert not pfn_valid(T_FLAT, booted(T_FLAT, (Bank(0, 4, 8),)), 8)


# ------------------------------------------------------------------ descriptors


def test_descriptors_name_their_zone_and_node(machine):
    """Zone 1 begins at frame 11."""
    m = machine(T_SPARSE).up("[0 5)0 [5 20)1")
    assert m.links(4) == (0, 0, 0)
    assert m.links(10) == (0, 1, 1)
    assert m.links(11) == (1, 1, 1)
    assert m.links(19) == (1, 1, 2)


def test_frames_between_banks_are_linked_like_the_memory_behind_them(machine):
    """| . 1 1 . . 3 | . . |: holes belong to what follows, the last one to the last."""
    m = machine(T_VMEMMAP).up("[1 3)1 [5 6)3")
    assert [m.links(pfn)[1] for pfn in range(8)] == [1, 1, 1, 3, 3, 3, 3, 3]
    assert m.valid == list(range(8))


def test_without_sections_frames_between_banks_stay_as_they_are(machine):
    m = machine(T_FLAT).up("[4 5)0 [9 10)0")
    assert pfn_valid(T_FLAT, m.s, 6)
    assert 6 not in PageLinks.domain(T_FLAT, m.s)["pfn"]
    assert m.links(9) == (0, 0, 0)


def test_a_zone_may_be_none():
    cfg = replace(T_FLAT, zone_ends=())
    assert list(zone_parts(cfg, 3, 9)) == [(0, 3, 9)]
    assert list(zone_parts(T_FLAT, 3, 11)) == [(0, 3, 11)]
    assert list(zone_parts(T_FLAT, 10, 12)) == [(0, 10, 11), (1, 11, 12)]


def test_parts_of_a_section_are_marked_where_memory_is(machine):
    """Parts have two frames: [1 3) touches parts 0 and 1, [5 6) part 2."""
    m = machine(T_VMEMMAP).up("[1 3)0 [5 6)0")
    assert m.s.sections[0].subsections == 0b0111
    assert machine(T_SPARSE).up("[1 3)0").s.sections[0].subsections == 0


# ------------------------------------------------------------------ lookups


def test_a_pointer_before_another_is_a_negative_distance():
    assert words.index_of(0x40, 0x50, 8, 16) == (1 << 16) - 2
    assert words.index_of(0x50, 0x40, 8, 16) == 2


def test_a_virtual_map_is_one_array(machine):
    m = machine(T_VMEMMAP).up("[0 8)0 [24 32)0")
    assert m.do(PfnToPage(25)).last == 0xFE00 + 25 * 8
    assert m.do(PageToPfn(25)).last == 25
    assert m.do(PfnValid(8)).last is False


def test_a_section_of_boot_is_valid_as_a_whole(machine):
    for cfg in (T_SPARSE, T_VMEMMAP):
        m = machine(cfg).up("[3 4)0")
        assert m.valid == list(range(8))
        assert not pfn_valid(cfg, m.s, 40)


def test_arm64_asks_memblock_too(machine):
    m = machine(replace(ARM, frees_unused=False)).up("[3 5)0")
    assert m.valid == [3, 4]


def test_arm_asks_for_memory_in_the_page_block():
    cfg = replace(ARM, valid="block")
    s = booted(cfg, (Bank(0, 3, 5),))
    assert [pfn for pfn in range(16) if pfn_valid(cfg, s, pfn)] == list(range(8))


def test_frames_without_a_section_lead_nowhere(machine):
    """The word of a section that is not there is 0, so that its map begins at 0."""
    m = machine(T_SPARSE).up("[8 16)0")
    assert pfn_to_page(T_SPARSE, m.s, 17) == 17 * 8
    assert page_to_pfn(T_SPARSE, m.s, 0x3000) == 0x3000 // 8  # links of nothing are 0


def test_large_machines_are_looked_at_where_something_changes():
    cfg = linux(**X86_64)
    s = booted(cfg, (Bank(0, 1, 159), Bank(0, 256, 65495)))
    found = edges(cfg, s)
    assert {0, 1, 158, 159, 256, 65494, 65495, 65536, 65535} <= set(found)
    assert len(found) < 100


# ------------------------------------------------------------------ unused


def test_descriptors_between_banks_go_back_in_whole_pages(machine):
    """| 0 1 | . . | . . | 6 7 |: frames 2 to 6 could go, page blocks have 4.

    Blocks of 4 frames keep what they have: nothing goes before frame 8.
    """
    m = machine(ARM).up("[0 2)0 [14 16)0").do(FreeUnusedMemmap())
    base = m.words[0] & ~15
    assert m.last.events == (Freed("map", base + 4 * 8, 4 * 8),)
    assert not list(FreeUnusedMemmap.domain(ARM, m.s)[""])


def test_the_rest_of_the_last_section_goes_back(machine):
    m = machine(ARM).up("[8 11)0").do(FreeUnusedMemmap())
    base = m.words[1] & ~15
    assert m.last.events == (Freed("map", base + 12 * 8, 4 * 8),)


def test_5_10_frees_up_to_a_bank_that_begins_within_a_page_block():
    """P63: | 0 1 | . . | 4 5 6 [7 ... |: descriptors 4 and 5 go, their block has 7."""
    cfg = replace(ARM, quirks=(ROUNDS_TO_MAX_ORDER,))
    s = booted(cfg, (Bank(0, 0, 2), Bank(0, 7, 16)))
    told = FreeUnusedMemmap().choose(cfg, s)
    after = FreeUnusedMemmap().after(cfg, s, told)
    assert [each.size for each in told.events] == [16]
    whys = list(always.page_blocks_have_all_descriptors(cfg, after))
    assert whys == ["the page block of frame 7 lacks 2 descriptors"]
    fixed = FreeUnusedMemmap().choose(ARM, booted(ARM, s.banks))
    assert fixed.events == ()


def test_flat_maps_are_freed_by_page_blocks_or_largest_blocks():
    """Page block 4, largest block 8, banks 0..6 and 12..16: [8, 12) goes or stays."""
    cfg = replace(
        T_FLAT,
        pfn_offset=0,
        pageblock_order=2,
        max_order=4,
        valid="block",
        frees_unused=True,
    )
    s = booted(cfg, (Bank(0, 0, 6), Bank(0, 12, 16)))
    assert [x.size for x in FreeUnusedMemmap().choose(cfg, s).events] == [4 * 8]
    coarse = replace(cfg, quirks=(ROUNDS_TO_MAX_ORDER,))
    assert FreeUnusedMemmap().choose(coarse, s).events == ()


# ------------------------------------------------------------------ all four models


@pytest.mark.parametrize("cfg", [T_FLAT, T_NODES, T_SPARSE, T_VMEMMAP])
def test_all_models_say_the_same_of_every_frame(cfg):
    memory = (Bank(0, 4, 7), Bank(0, 9, 20))
    s = booted(replace(cfg, pfn_offset=4), memory)
    told = others(replace(cfg, pfn_offset=4), memory, (4, 6, 9, 19))
    assert {model for model, _, _ in told} == {FLAT, DISCONTIG, SPARSE, VMEMMAP} - {
        cfg.model
    }
    for _, pfn, its in told:
        assert its == seen(replace(cfg, pfn_offset=4), s, pfn)
        assert (its.pfn, its.zone, its.nid) == (pfn, int(pfn >= 11), 0)


def test_what_a_model_cannot_hold_is_not_compared():
    assert not fits(T_FLAT, FLAT, (Bank(1, 4, 8),))
    assert not fits(T_FLAT, FLAT, (Bank(0, 8, 9),))
    assert not fits(T_NODES, DISCONTIG, (Bank(1, 0, 3), Bank(0, 3, 5)))
    assert fits(T_NODES, SPARSE, (Bank(1, 0, 3), Bank(0, 3, 5)))
    assert seen(T_SPARSE, EMPTY, 3) is None


# ------------------------------------------------------------------ places


def test_an_allocation_gets_the_lowest_place_or_the_highest():
    cfg = replace(T_SPARSE, arena=(Addr(0x40), Addr(0x100)), places=2)
    assert places(cfg, EMPTY, 0x20, 0x20) == (0x40, 0xE0)
    s = with_run(EMPTY, 0x40, 0x80)
    assert places(cfg, s, 0x20, 0x20) == (0x80, 0xE0)
    assert places(cfg, with_run(s, 0xC0, 0x100), 0x40, 0x40) == (0x80,)
    assert places(cfg, s, 0x200, 0x40) == ()
    held = replace(s, buffer=Span(Addr(0x80), Addr(0xC0)))
    assert places(cfg, held, 0x40, 0x40) == (0xC0,)
    assert with_run(s, 4, 4) is s


# ------------------------------------------------------------------ what may be asked


def offered(cfg, picture=""):
    """Return the pictures of the banks that boot may go on with."""
    s = EMPTY
    for bank in banks(picture) if picture else ():
        s = MemoryPresent(bank).run(cfg, s)[0]
    found = MemoryPresent.domain(cfg, s).get("bank", ())
    return [f"[{each.start} {each.end}){each.nid}" for each in found]


def test_banks_come_in_order_and_touch_only_those_of_other_nodes():
    cfg = replace(T_SPARSE, frames=(0, 5, 8), nids=(0, 1))
    assert offered(cfg) == [
        "[0 5)0", "[0 5)1", "[0 8)0", "[0 8)1", "[5 8)0", "[5 8)1",
    ]  # fmt: skip
    assert offered(cfg, "[0 5)0") == ["[5 8)1"]
    assert offered(replace(cfg, most_banks=1), "[0 5)0") == []


def test_banks_fit_the_model():
    """FLATMEM begins at ARCH_PFN_OFFSET, nodes of DISCONTIGMEM are in order."""
    flat = replace(T_FLAT, frames=(0, 4, 7, 8, 9), nids=(0,))
    assert {each[:2] for each in offered(flat)} == {"[4", "[7"}
    nodes = replace(T_NODES, frames=(0, 5, 8))
    assert offered(nodes, "[0 5)1") == []
    narrow = replace(T_SPARSE, frames=(0, 5, 6, 8, 9), nr_pageflags=13, nids=(0, 1))
    assert "[6 8)1" not in offered(narrow, "[0 5)0")
    assert "[6 8)0" in offered(narrow, "[0 5)0")
    assert "[8 9)1" in offered(narrow, "[0 5)0")


def test_only_tables_may_be_refused_to_boot():
    granted = MemoryPresent.domain(T_SPARSE, EMPTY)["granted"]
    assert list(granted) == [True, False]
    for cfg in (T_FLAT, replace(T_SPARSE, extreme=False)):
        assert list(MemoryPresent.domain(cfg, EMPTY)["granted"]) == [True]


def test_the_buffer_is_tried_by_itself_before_boot_goes_on(machine):
    held = replace(EMPTY, buffer=Span(Addr(64), Addr(80)))
    assert BufferInit.domain(T_SPARSE, EMPTY).keys() == {"at", "size"}
    assert not list(BufferInit.domain(T_SPARSE, held)[""])
    assert list(BufferAlloc.domain(T_SPARSE, held)["size"]) == [16, 32, 48, 64]
    assert BufferFini.domain(T_SPARSE, held) == {}
    up = machine(T_SPARSE).up("[0 8)0").s
    for op in (BufferInit, BufferAlloc, BufferFini):
        assert not list(op.domain(T_SPARSE, up)[""])
        assert not list(op.domain(T_FLAT, EMPTY)[""])
    assert BufferInit(Addr(64), Addr(16)).choose(T_SPARSE, EMPTY) == Outcome()


def test_questions_are_about_valid_frames(machine):
    m = machine(T_VMEMMAP).up("[0 5)0")
    assert list(PfnToPage.domain(T_VMEMMAP, m.s)["pfn"]) == list(range(8))
    assert list(PageToPfn.domain(T_VMEMMAP, m.s)["pfn"]) == list(range(8))
    assert len(PfnValid.domain(T_VMEMMAP, m.s)["pfn"]) == 34  # two behind the last
    step = Step(m.s, PfnValid(6), True, m.s)
    assert sometimes.a_hole_is_valid(T_VMEMMAP, step)
    assert not sometimes.a_hole_is_valid(T_VMEMMAP, replace(step, op=PfnValid(3)))


def test_maps_are_not_made_twice(machine):
    up = machine(T_NODES).up("[0 3)0").s
    assert not list(AllocNodeMemMap.domain(T_NODES, up)[""])
    sure = replace(T_NODES, failing=False, places=1)
    s = MemoryPresent(Bank(0, 0, 3)).run(sure, EMPTY)[0]
    assert list(AllocNodeMemMap.domain(sure, s)["at"]) == [0x40]
    assert FreeAreaInit.domain(T_NODES, up) != {}


# ------------------------------------------------------------------ wrong answers


def refused(cfg, s, op, answer):
    with pytest.raises(Disallowed) as no:
        op.after(cfg, s, answer)
    return no.value.rule


def test_wrong_answers_are_refused_by_their_contract():
    s = booted(T_SPARSE, (Bank(0, 0, 8),))
    for op, answer in (
        (PfnValid(3), False),
        (PfnToPage(3), Addr(0)),
        (PageToPfn(3), 4),
        (PageLinks(3), (1, 0, 0)),
    ):
        assert refused(T_SPARSE, s, op, answer) == "MM-LOOKUP"
    op = MemoryPresent(Bank(0, 0, 8))
    assert refused(T_SPARSE, EMPTY, op, Outcome()) == "RET-CODE"
    op = SparseInitNid(Addr(0x40), Addr(0x80), Addr(0))
    told = MemoryPresent(Bank(0, 0, 8)).run(T_SPARSE, EMPTY)[0]
    due = op.choose(T_SPARSE, told)
    assert refused(T_SPARSE, told, op, replace(due, events=())) == "BOOT-HANDOFF"
    assert refused(T_SPARSE, told, op, replace(due, value=Bug(""))) == "RET-CODE"
    held = replace(EMPTY, buffer=Span(Addr(0x40), Addr(0x80)))
    assert refused(T_SPARSE, held, BufferFini(), Outcome()) == "BOOT-HANDOFF"


def test_there_is_no_run_without_sections():
    assert next_run(T_SPARSE, EMPTY) == (0, ())
