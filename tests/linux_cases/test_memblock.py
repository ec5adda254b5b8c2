"""memblock, case by case, as mm/memblock.c (v5.10) behaves.

A picture is a region list on one line: `| 16-32 | 32-48 n1 NOMAP |`, ends not included.
Every history runs on the specification and on the machine at once.  Small cases have
8-bit addresses and pages of 4 bytes; the numbers of the large ones are a real 64 bits.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.memblock import MEMBLOCK
from mmoracle.checkers.session import Divergence, Session
from mmoracle.spec.linux import MAX_NUMNODES, Addr, Errno, MemblockFlags
from mmoracle.spec.memblock.ops import (
    BUG_ON,
    HOLDS_ARRAY,
    Add,
    AllocTryNid,
    AllowResize,
    CapMemoryRange,
    EnforceMemoryLimit,
    Extent,
    FindInRange,
    ForEach,
    Free,
    FreeAll,
    FreeLate,
    InitReservedPages,
    IsRegion,
    IsReserved,
    MemLimitRemoveMap,
    PhysAlloc,
    Remove,
    Reserve,
    ReserveDt,
    SearchPfnNid,
    SetBottomUp,
    SetCurrentLimit,
    SetFlag,
    SetNode,
    SlabIsUp,
    TrimMemory,
    blocks,
)
from mmoracle.spec.memblock.regions import (
    CAP_WRAPS,
    DOUBLE_INTO_RANGE,
    FREE_FIRST,
    HOTPLUG,
    MIRROR,
    NO_MIRROR,
    NOMAP,
    TRIM_KEEPS_TOTAL,
    TRIM_WRAPS,
    V5_10,
    Config,
    Doubled,
    Fill,
    FreePages,
    Kzalloc,
    LeakAlloc,
    LeakFree,
    Outcome,
    Region,
    ReservePages,
    Slab,
    Warn,
)

REAL = Config(quirks=V5_10)  # the kernel as it was, on a 64-bit machine
SMALL = Config(width=8, page_size=4, region_bytes=2, init_regions=8, cache_bytes=8)
SCARCE = replace(SMALL, init_regions=2, can_resize=True)
KASAN, ANY = 1, MAX_NUMNODES
TOP = (1 << 64) - 1


# ------------------------------------------------------------------ pictures


def regions(picture):
    """Return the regions of a picture."""
    found = []
    for words in (cell.split() for cell in picture.split("|") if cell.strip()):
        base, end = (int(word, 0) for word in words[0].split("-"))
        nids = [int(word[1:]) for word in words[1:] if word[0] == "n"]
        flags = MemblockFlags.NONE
        for word in words[1:]:
            flags |= MemblockFlags[word] if word[0] != "n" else flags
        nid = nids[0] if nids else ANY
        found.append(Region(Addr(base), Addr(end - base), flags, nid))
    return tuple(found)


def drawn(t, number=str):
    """Return the picture of a region list."""
    cells = []
    for r in t.regions:
        words = [f"{number(r.base)}-{number(r.end)}"]
        words += [f"n{r.nid}"] if r.nid != ANY else []
        words += [flag.name for flag in r.flags]
        cells.append(f" {' '.join(words)} ")
    return f"|{'|'.join(cells)}|"


def both(cfg, memory, *ops):
    """Do operations on the specification and the machine, beginning with a memory map.

    Answers, whole states, laws and invariants are compared after each one.
    """
    session = Session(MEMBLOCK, replace(cfg, start=regions(memory)))
    for op in ops:
        session.do(op)
    return session


def last(session):
    """Return the value of the last answer."""
    result = session.trace[-1].result
    return result.value if isinstance(result, Outcome) else result


def told(session):
    """Return the events of the last answer."""
    return session.trace[-1].result.events


def memory(session):
    """Return the picture of what there is."""
    return drawn(session.state.memory)


def reserved(session):
    """Return the picture of what is in use."""
    return drawn(session.state.reserved)


# ------------------------------------------------------------------ adding


def test_the_first_range_takes_the_slot_of_the_dummy():
    """An empty array is one dummy region; the first range replaces it.

    |  (0, 0)  |  +16-32 ->  | 16-32 |   one slot in use before and after
    """
    session = both(SMALL, "")
    assert session.state.memory.cnt == 1
    session.do(Add(16, 16))
    assert memory(session) == "| 16-32 |"
    assert session.state.memory.cnt == 1


def test_a_range_of_no_size_changes_nothing():
    """memblock_add(base, 0) and its like return success.

    |  | 16-32 |  +40-40  -20-20 ->  | 16-32 |  |
    """
    ops = (Add(40, 0), Remove(20, 0), Reserve(20, 0), Free(20, 0))
    session = both(SMALL, "| 16-32 |", *ops)
    assert [entry.result.value for entry in session.trace] == [None] * 4
    assert (memory(session), reserved(session)) == ("| 16-32 |", "||")


@pytest.mark.parametrize(
    ("before", "base", "size", "after"),
    [
        ("| 16-32 |", 40, 8, "| 16-32 | 40-48 |"),
        ("| 16-32 |", 32, 8, "| 16-40 |"),
        ("| 16-32 |", 8, 8, "| 8-32 |"),
        ("| 16-32 | 40-48 |", 32, 8, "| 16-48 |"),
        ("| 16-32 |", 20, 4, "| 16-32 |"),
        ("| 16-32 |", 8, 40, "| 8-48 |"),
        ("| 16-32 | 40-48 | 56-64 |", 24, 64, "| 16-88 |"),
    ],
)
def test_adding_is_union_and_neighbours_that_agree_are_one(before, base, size, after):
    """Whatever a range touches, the list stays as short as it can be.

    |  | 16-32 |      | 40-48 |
    |         [ +32-40 ]            ->  | 16-48 |
    """
    assert memory(both(SMALL, before, Add(base, size))) == after
    ops = [Reserve(r.base, r.size) for r in regions(before)]
    assert reserved(both(SMALL, "", *ops, Reserve(base, size))) == after


def test_what_is_covered_keeps_its_node():
    """A range fills the gaps only; each old region that differs is warned of, twice.

    |        | 16-32 n0 |                                                  |
    |  [    +8-40 on node 1    ]  ->  | 8-16 n1 | 16-32 n0 | 32-40 n1 |    |
    """
    session = both(SMALL, "| 16-32 n0 |", Add(8, 32, 1))
    assert memory(session) == "| 8-16 n1 | 16-32 n0 | 32-40 n1 |"
    assert told(session) == (Warn("nid differs"), Warn("nid differs"))


def test_adding_memory_again_does_not_map_it():
    """NOMAP survives an add of the same range; only clear_nomap takes it away.

    |  | 16-32 NOMAP |  +16-32 ->  | 16-32 NOMAP |  clear ->  | 16-32 |  |
    """
    session = both(SMALL, "| 16-32 NOMAP |", Add(16, 16))
    assert memory(session) == "| 16-32 NOMAP |"
    session.do(SetFlag(16, 16, "clear_nomap"))
    assert memory(session) == "| 16-32 |"


@pytest.mark.parametrize(
    "before", ["| 16-32 n0 | 32-48 n1 |", "| 16-32 | 32-48 HOTPLUG |"]
)
def test_a_border_of_nodes_or_flags_keeps_touching_regions_apart(before):
    """Regions merge when they touch and agree in both node and flags.

    |  | 16-32 n0 | 32-48 n1 |  set_node(32-48, 0) ->  | 16-48 n0 |  |
    """
    session = both(SMALL, before, Add(60, 4))
    assert len(session.state.memory.regions) == 3
    ops = (SetNode(32, 16, "memory", 0), SetNode(16, 16, "memory", 0))
    for op in (*ops, SetFlag(16, 32, "clear_hotplug")):
        session.do(op)
    assert memory(session) == "| 16-48 n0 | 60-64 |"


@pytest.mark.parametrize(("cfg", "top"), [(SMALL, 255), (REAL, TOP)], ids=["8", "64"])
def test_the_last_byte_of_the_address_space_is_never_covered(cfg, top):
    """memblock_cap_size() cuts a range so that its end is still an address.

    |  +250-270 with 8 bits ->  | 250-255 |   255 is PHYS_ADDR_MAX
    """
    session = both(cfg, "", Add(top - 5, 20), Reserve(top - 1, top), Add(top, 9))
    assert memory(session) == f"| {top - 5}-{top} |"
    assert reserved(session) == f"| {top - 1}-{top} |"


# ------------------------------------------------------------------ taking out


@pytest.mark.parametrize(
    ("base", "size", "after"),
    [
        (24, 8, "| 16-24 | 32-48 |"),
        (16, 8, "| 24-48 |"),
        (40, 8, "| 16-40 |"),
        (16, 32, "||"),
        (0, 255, "||"),
        (48, 8, "| 16-48 |"),
        (8, 16, "| 24-48 |"),
    ],
)
def test_taking_out_is_difference(base, size, after):
    """What is not there may be taken out too; the last region leaves a dummy.

    |  | 16-48 |  -24-32 ->  | 16-24 | 32-48 |  |
    """
    session = both(SMALL, "| 16-48 |", Remove(base, size))
    assert (memory(session), last(session)) == (after, None)
    session = both(SMALL, "", Reserve(16, 32), Free(base, size))
    assert (reserved(session), last(session)) == (after, None)


def test_any_part_of_any_reservation_may_be_freed():
    """memblock_free() asks for no tag: half of two blocks and what lies between.

    |  | 16-24 | 32-40 |  free 20-36 ->  | 16-20 | 36-40 |  |
    """
    ops = (Reserve(16, 8), Reserve(32, 8), Free(20, 16))
    session = both(SMALL, "", *ops)
    assert reserved(session) == "| 16-20 | 36-40 |"
    assert told(session) == (LeakFree(20, 16),)


def test_freeing_gives_nothing_to_the_buddy_allocator():
    """Only free_late and free_all do; and free_late leaves the reservation.

    |  | 16-32 |   free: no page    free_late(18, 13): pages 5 6, | 16-32 | stays  |
    """
    session = both(SMALL, "| 16-64 |", Reserve(16, 16), Free(16, 16))
    assert not [e for e in told(session) if isinstance(e, FreePages)]
    session = both(SMALL, "| 16-64 |", Reserve(16, 16), FreeLate(18, 13))
    assert told(session) == (LeakFree(18, 13), FreePages(5, 0), FreePages(6, 0))
    assert reserved(session) == "| 16-32 |"


# ------------------------------------------------------------------ room in the arrays


def test_room_is_made_before_it_is_known_to_be_needed():
    """To take out needs two free slots, even where nothing will be split.

    |  | 16-32 | 40-48 |  in 2 slots: remove 60-64 (nothing) doubles the array  |
    """
    session = both(SCARCE, "| 16-32 | 40-48 |", Remove(60, 4))
    assert told(session) == (Doubled("memory", 4, 40),)
    assert (session.state.memory.max, memory(session)) == (4, "| 16-32 | 40-48 |")
    session = both(
        replace(SCARCE, can_resize=False), "| 16-32 | 40-48 |", Remove(60, 4)
    )
    assert last(session) is Errno.ENOMEM


def test_an_array_that_may_not_grow_fails_and_nothing_changes():
    """Before memblock_allow_resize() a full array is -ENOMEM; the lists stay.

    |  | 16-20 | 24-28 |  +32-36, no third slot ->  -ENOMEM  |
    """
    cfg = replace(SCARCE, can_resize=False)
    ops = (Reserve(16, 4), Reserve(24, 4), Reserve(32, 4))
    session = both(cfg, "| 16-64 |", *ops)
    assert (last(session), reserved(session)) == (Errno.ENOMEM, "| 16-20 | 24-28 |")
    session.do(AllowResize())
    session.do(Reserve(32, 4))
    assert last(session) is None


def test_a_range_that_joins_needs_no_room():
    """Parts that are not covered need a slot each; merging comes too late to save one.

    |  | 16-20 | 24-28 |  +16-20: success    +20-24: -ENOMEM, though it would merge  |
    """
    cfg = replace(SCARCE, can_resize=False)
    ops = (Reserve(16, 4), Reserve(24, 4), Reserve(16, 4))
    session = both(cfg, "| 16-64 |", *ops)
    assert last(session) is None
    session.do(Reserve(20, 4))
    assert (last(session), reserved(session)) == (Errno.ENOMEM, "| 16-20 | 24-28 |")


def test_a_doubled_array_lies_above_the_range_in_hand_if_it_can():
    """The reserved array looks above the new range first, from the top.

    |  memory 16-64   reserved | 16-20 | 24-28 | +32-36 |  ->  array at 56-64  |
    """
    ops = (Reserve(16, 4), Reserve(24, 4), Reserve(32, 4))
    session = both(SCARCE, "| 16-64 |", *ops)
    assert told(session) == (Doubled("reserved", 4, 56),)
    assert reserved(session) == "| 16-20 | 24-28 | 32-36 | 56-64 |"
    assert session.state.reserved.array == 56


def test_a_doubled_array_lies_below_the_range_in_hand_otherwise():
    """When nothing fits above, the room between the first page and the range is used.

    |  memory 16-64   reserved | 16-20 | 52-56 | +60-64 |  ->  array at 44-52  |
    """
    ops = (Reserve(16, 4), Reserve(52, 4), Reserve(60, 4))
    session = both(SCARCE, "| 16-64 |", *ops)
    assert told(session) == (Doubled("reserved", 4, 44),)
    assert reserved(session) == "| 16-20 | 44-56 | 60-64 |"


def test_an_array_never_doubles_into_the_block_it_grows_for():
    """The block that is being allocated is free to a search, but not to the array.

    |  memory 16-64: the block takes 60-64, so its array takes 52-60 below it  |
    """
    ops = (Reserve(16, 4), Reserve(24, 4), PhysAlloc(4, 4))
    session = both(SCARCE, "| 16-64 |", *ops)
    assert last(session) == 60
    assert told(session) == (Doubled("reserved", 4, 52), LeakAlloc(60, 4))
    assert reserved(session) == "| 16-20 | 24-28 | 52-64 |"


def test_an_array_that_finds_no_place_is_not_doubled():
    """No free page anywhere is -ENOMEM, as if resizing were not allowed.

    |  memory 16-24   reserved | 16-20 | 40-44 | +48-52 |  ->  -ENOMEM  |
    """
    ops = (Reserve(16, 4), Reserve(40, 4), Reserve(48, 4))
    session = both(SCARCE, "| 16-24 |", *ops)
    assert (last(session), session.state.reserved.max) == (Errno.ENOMEM, 2)


def test_the_array_before_is_freed_but_not_the_first_one():
    """The first array is part of the image; each later one is given back.

    |  2 slots in the image, 4 at 120-128 (kept by none), then 8 at 104-120  |
    """
    ops = [Reserve(16 + 8 * i, 4) for i in range(5)]
    session = both(SCARCE, "| 16-128 |", *ops[:3])
    assert told(session) == (Doubled("reserved", 4, 120),)
    session.do(ops[3])
    assert told(session) == (Doubled("reserved", 8, 104), LeakFree(120, 8))
    assert reserved(session) == "| 16-20 | 24-28 | 32-36 | 40-44 | 104-120 |"
    session.do(ops[4])
    assert told(session) == ()


def test_the_slab_allocator_places_arrays_once_it_is_up():
    """kmalloc() holds the new array, and memblock reserves nothing for it.

    |  | 16-20 | 24-28 | +32-36 |  ->  doubled, place unknown, no 4th region  |
    """
    ops = (Reserve(16, 4), Reserve(24, 4), SlabIsUp(), Reserve(32, 4))
    session = both(SCARCE, "| 16-64 |", *ops)
    assert told(session) == (Doubled("reserved", 4, 0),)
    assert reserved(session) == "| 16-20 | 24-28 | 32-36 |"
    assert session.state.reserved.in_slab
    full = both(SCARCE, "| 16-64 |", *ops[:3], Reserve(32, 4, kmalloc=False))
    assert last(full) is Errno.ENOMEM


def test_an_early_array_is_freed_when_the_slab_takes_over():
    """The page that memblock took for it is memblock's to give back.

    |  array at 120-128 -> kmalloc(): | 120-128 | is freed; the next one is kfree()d  |
    """
    ops = [Reserve(16 + 8 * i, 4) for i in range(9)]
    session = both(SCARCE, "| 16-128 |", *ops[:3], SlabIsUp(), ops[3])
    assert told(session) == (Doubled("reserved", 8, 0), LeakFree(120, 8))
    for op in ops[4:]:
        session.do(op)
    assert told(session) == (Doubled("reserved", 16, 0),)


def test_the_kernel_stops_if_its_new_array_cannot_be_reserved():
    """BUG_ON(memblock_reserve(new array)): nothing after it counts.

    |  memory | 16-36 | 48-52 | +60-64, reserved | 16-20 | 24-28 |, 2 slots each       |
    |  the memory array goes to 28-36, and then `reserved` finds no room for a third  |
    """
    ops = (Reserve(16, 4), Reserve(24, 4), Add(60, 4))
    session = both(SCARCE, "| 16-36 | 48-52 |", *ops)
    assert last(session) == BUG_ON
    assert session.state.stopped
    assert MEMBLOCK.abstract(session.machine) == session.state


# ------------------------------------------------------------------ searching

REAL_MAP = "| 0x80000000-0x90000000 |"


def test_blocks_come_from_the_top_down():
    """The highest address that fits, block below block.

    |  memory 0x80000000-0x90000000                        |
    |  reserved | 0x80000000-0x80200000 | ... | 0x8fffefc0- 0x8ffff000- |
    """
    ops = (Reserve(0x80000000, 0x200000), PhysAlloc(0x1000, 0x1000))
    session = both(REAL, REAL_MAP, *ops)
    assert last(session) == 0x8FFFF000
    session.do(PhysAlloc(0x10, 0x40))
    assert last(session) == 0x8FFFEFC0
    assert drawn(session.state.reserved, hex) == (
        "| 0x80000000-0x80200000 | 0x8fffefc0-0x8fffefd0 | 0x8ffff000-0x90000000 |"
    )


def test_blocks_come_from_the_bottom_up_when_asked():
    """memblock_set_bottom_up(): the lowest address that fits, right above the kernel.

    |  reserved | 0x80000000-0x80200000 |  ->  block at 0x80200000  |
    """
    ops = (Reserve(0x80000000, 0x200000), SetBottomUp(True), PhysAlloc(0x1000, 0x1000))
    session = both(REAL, REAL_MAP, *ops)
    assert last(session) == 0x80200000
    assert drawn(session.state.reserved, hex) == "| 0x80000000-0x80201000 |"


@pytest.mark.parametrize("bottom_up", [False, True])
def test_the_first_page_is_never_given_away(bottom_up):
    """A search starts at PAGE_SIZE at the lowest, so that address 0 can mean "none".

    |  memory 0-8, page 4: the only block is 4-8, then there is none  |
    """
    ops = (SetBottomUp(bottom_up), PhysAlloc(4, 4), PhysAlloc(1, 1))
    session = both(SMALL, "| 0-8 |", *ops)
    assert [entry.result.value for entry in session.trace[1:]] == [4, 0]


def test_a_block_lies_in_one_memory_region():
    """Two regions that touch on another node do not make one room of 16 bytes.

    |  | 16-24 n0 | 24-32 n1 |  16 bytes: none    8 bytes: 24  |
    """
    session = both(SMALL, "| 16-24 n0 | 24-32 n1 |", PhysAlloc(16, 4))
    assert last(session) == 0
    session.do(PhysAlloc(8, 4))
    assert last(session) == 24


@pytest.mark.parametrize(
    ("size", "align", "start", "end", "addr"),
    [
        (8, 16, 0, 60, 48),  # 60 - 8 = 52, rounded down
        (8, 16, 0, 55, 32),  # 55 - 8 = 47
        (8, 1, 0, 55, 47),
        (8, 16, 33, 60, 48),
        (8, 16, 49, 60, 0),  # 48 lies below the window
        (70, 1, 0, 60, 0),  # 60 - 70 must not wrap
        (8, 4, 60, 20, 0),  # a window of no size
        (0, 4, 60, 20, 60),  # which holds a block of no size
    ],
)
def test_rounding_happens_inside_the_window(size, align, start, end, addr):
    """From the top, an address is rounded down from the end of the window.

    |  memory | 16-64 |   8 bytes, align 16, below 60 ->  48-56  |
    """
    session = both(SMALL, "| 16-64 |", PhysAlloc(size, align, start, end))
    assert last(session) == addr
    session = both(SMALL, "| 16-64 |", FindInRange(start, end, size, align))
    assert last(session) == addr
    assert reserved(session) == "||"


def test_a_block_of_no_size_is_found_from_the_top_only():
    """From the bottom the address must lie below the end of the range.

    |  memory | 17-20 |  align 4: from the top 20, from the bottom none  |
    """
    session = both(SMALL, "| 17-20 |", PhysAlloc(0, 4))
    assert (last(session), reserved(session)) == (20, "||")
    session.do(SetBottomUp(True))
    session.do(PhysAlloc(0, 4))
    assert last(session) == 0
    session.do(PhysAlloc(0, 1))
    assert last(session) == 17


@pytest.mark.parametrize(
    ("cfg", "top", "page", "addr"),
    [(SMALL, 255, 4, 248), (REAL, TOP, 0x1000, 0xFFFFFFFFFFFFE000)],
    ids=["8", "64"],
)
def test_the_last_page_of_the_address_space_is_never_whole(cfg, top, page, addr):
    """The window ends at PHYS_ADDR_MAX, which belongs to nobody.

    |  memory | 0-255 |  a page of 4: 248, for 252-256 ends beyond the window  |
    """
    session = both(cfg, "", Add(0, top), PhysAlloc(page, page))
    assert last(session) == addr


@pytest.mark.parametrize(("cfg", "top"), [(SMALL, 255), (REAL, TOP)], ids=["8", "64"])
def test_rounding_up_at_the_top_wraps_to_none(cfg, top):
    """From the bottom, round_up() may wrap to address 0, which means "none".

    |  memory | 250-255 |  2 bytes, align 16: round_up(250) is 256, is 0  |
    """
    ops = (Add(top - 5, 5), SetBottomUp(True), PhysAlloc(2, 16))
    session = both(cfg, "", *ops)
    assert (last(session), reserved(session)) == (0, "||")


def test_no_search_goes_above_the_current_limit():
    """MEMBLOCK_ALLOC_ACCESSIBLE is the limit; a plain end of phys_alloc is not cut.

    |  memory | 16-64 |  limit 40: accessible 36, try_nid(max 64) 32, phys(end 64) 60  |
    """
    session = both(SMALL, "| 16-64 |", SetCurrentLimit(40), PhysAlloc(4, 4))
    assert last(session) == 36
    session.do(AllocTryNid(4, 4, 0, 64))
    assert last(session) == 32
    session.do(PhysAlloc(4, 4, 0, 64))
    assert last(session) == 60


def test_the_end_of_kasan_is_no_address():
    """End 1 means the current limit too, and kmemleak is not told.

    |  memory | 16-64 |  end 0: 60, told    end 1: 56, not told  |
    """
    session = both(SMALL, "| 16-64 |", PhysAlloc(4, 4))
    assert (last(session), told(session)) == (60, (LeakAlloc(60, 4),))
    session.do(PhysAlloc(4, 4, 0, KASAN))
    assert (last(session), told(session)) == (56, ())
    session.do(AllocTryNid(4, 4, 0, KASAN))
    assert (last(session), told(session)) == (52, (Fill("zero", 52, 4),))


def test_no_alignment_means_a_cache_line():
    """An align of 0 is answered with a stack dump, and with SMP_CACHE_BYTES.

    |  memory | 16-60 |  4 bytes, cache line 8: 56  |
    """
    session = both(SMALL, "| 16-60 |", PhysAlloc(4, 0))
    assert last(session) == 56
    assert told(session) == (Warn("no alignment"), LeakAlloc(56, 4))


def test_an_old_caller_says_max_numnodes_for_any_node():
    """It is warned of, and means NUMA_NO_NODE.

    |  | 16-24 n0 | 24-32 n1 |  nid=MAX_NUMNODES: 28  |
    """
    session = both(SMALL, "| 16-24 n0 | 24-32 n1 |", PhysAlloc(4, 4, nid=ANY))
    assert last(session) == 28
    assert told(session) == (Warn("MAX_NUMNODES is not a node"), LeakAlloc(28, 4))


def test_nomap_memory_is_never_given_away():
    """It is memory, and no search without NOMAP looks at it.

    |  | 16-24 | 24-32 NOMAP |  8 bytes: 16, then none  |
    """
    ops = (PhysAlloc(8, 4), PhysAlloc(8, 4))
    session = both(SMALL, "| 16-24 | 24-32 NOMAP |", *ops)
    assert [entry.result.value for entry in session.trace] == [16, 0]


@pytest.mark.parametrize(("movable", "addr"), [(True, 20), (False, 28)])
def test_hotplug_memory_is_spared_when_nodes_shall_be_movable(movable, addr):
    """With movable_node nothing is allocated where memory may be unplugged.

    |  | 16-24 | 24-32 HOTPLUG |  movable_node: 20    else: 28  |
    """
    cfg = replace(SMALL, movable_node=movable)
    assert last(both(cfg, "| 16-24 | 24-32 HOTPLUG |", PhysAlloc(4, 4))) == addr


# ------------------------------------------------------------------ fallbacks

NODES = "| 8-16 n1 | 16-24 n0 MIRROR | 24-32 n1 MIRROR | 32-40 n0 | 40-48 n1 |"


def test_each_fallback_is_tried_in_order():
    """Mirrored on the node, mirrored anywhere, the node, anywhere, below the bound.

    | 8-16 n1 | 16-24 n0 MIRROR | 24-32 n1 MIRROR | 32-40 n0 | 40-48 n1 |
    |   5th   |       1st       |       2nd       |    3rd   |    4th   |  min 16, n0
    """
    ask = AllocTryNid(8, 4, min_addr=16, nid=0)
    session = both(SMALL, NODES, SetFlag(16, 16, "mark_mirror"), *[ask] * 6)
    answers = [entry.result for entry in session.trace[1:]]
    assert [answer.value for answer in answers] == [16, 24, 32, 40, 8, 0]
    warned = [answer.events.count(NO_MIRROR) for answer in answers]
    assert warned == [0, 0, 1, 1, 2, 2]


def test_an_exact_node_has_no_fallback():
    """memblock_alloc_exact_nid_raw() takes its node or nothing.

    |  | 16-24 n0 | 24-32 n1 |  exact n0: 16, then none    not exact: 24  |
    """
    exact = AllocTryNid(8, 4, nid=0, exact=True, raw=True)
    ops = (exact, exact, PhysAlloc(8, 4, nid=0, exact=True), PhysAlloc(8, 4, nid=0))
    session = both(SMALL, "| 16-24 n0 | 24-32 n1 |", *ops)
    assert [entry.result.value for entry in session.trace] == [16, 0, 0, 24]


def test_the_lower_bound_is_a_wish_of_alloc_and_a_must_of_phys_alloc():
    """memblock_alloc_internal() tries once more from 0; the physical kind does not.

    |  memory | 16-24 |  from 32: alloc 20, phys none  |
    """
    session = both(SMALL, "| 16-24 |", AllocTryNid(4, 4, 32), PhysAlloc(4, 4, 32))
    assert [entry.result.value for entry in session.trace] == [20, 0]


def test_a_search_for_an_array_gives_up_mirrored_memory_too():
    """memblock_find_in_range() prefers mirrored memory, and warns when it does without.

    |  | 16-24 MIRROR | 24-32 |  find 8: 16    find 8 again, 16 taken: 24  |
    """
    mark = SetFlag(16, 8, "mark_mirror")
    session = both(SMALL, "| 16-32 |", mark, FindInRange(0, 0, 8, 4))
    assert (last(session), told(session)) == (16, ())
    session.do(Reserve(16, 8))
    session.do(FindInRange(0, 0, 8, 4))
    assert (last(session), told(session)) == (24, (NO_MIRROR,))
    session.do(FindInRange(0, 0, 16, 4))
    assert (last(session), told(session)) == (0, (NO_MIRROR,))


def test_a_block_that_cannot_be_recorded_is_not_found():
    """A full array of reservations is an allocation that fails, not one that leaks.

    |  memory | 16-64 |  reserved | 16-20 | 24-28 | in 2 slots  ->  none  |
    """
    cfg = replace(SCARCE, can_resize=False)
    ops = (Reserve(16, 4), Reserve(24, 4), PhysAlloc(4, 4))
    session = both(cfg, "| 16-64 |", *ops)
    assert (last(session), reserved(session)) == (0, "| 16-20 | 24-28 |")


def test_blocks_are_zeroed_or_poisoned():
    """One kind zeroes; the raw kind poisons, and nothing where there is nothing.

    |  alloc: Fill zero    raw: Fill poison    raw of no size: no Fill  |
    """
    ops = (AllocTryNid(4, 4), AllocTryNid(4, 4, raw=True), AllocTryNid(0, 4, raw=True))
    session = both(SMALL, "| 16-64 |", *ops)
    fills = [
        [e for e in entry.result.events if isinstance(e, Fill)]
        for entry in session.trace
    ]
    assert fills == [[Fill("zero", 60, 4)], [Fill("poison", 56, 4)], []]


def test_alloc_asks_the_slab_allocator_once_it_is_up():
    """A warning, and kzalloc_node(); memblock itself stays as it is.

    |  slab up: alloc 8 on node 1 ->  WARN, kzalloc_node(8, 1)  |
    """
    ops = (SlabIsUp(), AllocTryNid(8, 4, nid=1))
    session = both(SMALL, "| 16-64 |", *ops)
    assert last(session) is Slab.OBJECT
    assert told(session) == (Warn("slab is up"), Kzalloc(8, 1))
    session.do(AllocTryNid(8, 4, kmalloc=False))
    assert (last(session), reserved(session)) == (0, "||")


# ------------------------------------------------------------------ flags and nodes


def test_marking_mirrored_memory_changes_every_later_search():
    """system_has_some_mirror is never cleared, even if no memory got the flag.

    |  mark_mirror(200-208), where no memory is: a search warns and does without  |
    """
    mark = SetFlag(200, 8, "mark_mirror")
    session = both(SMALL, "| 16-64 |", mark, PhysAlloc(4, 4))
    assert session.state.has_mirror
    assert told(session) == (NO_MIRROR, LeakAlloc(60, 4))


def test_a_flag_is_set_on_exactly_the_range():
    """The regions are cut at its borders, and grow together when it is cleared.

    |  | 16-64 |  nomap 24-32 ->  | 16-24 | 24-32 NOMAP | 32-64 |  -> back  |
    """
    session = both(SMALL, "| 16-64 |", SetFlag(24, 8, "mark_nomap"))
    assert memory(session) == "| 16-24 | 24-32 NOMAP | 32-64 |"
    session.do(SetFlag(20, 8, "mark_hotplug"))
    assert memory(session) == (
        "| 16-20 | 20-24 HOTPLUG | 24-28 HOTPLUG NOMAP | 28-32 NOMAP | 32-64 |"
    )
    session.do(SetFlag(0, 99, "clear_hotplug"))
    session.do(SetFlag(0, 99, "clear_nomap"))
    assert memory(session) == "| 16-64 |"


def test_a_flag_without_a_name_is_not_set():
    """There are five functions, and no other.

    |  SetFlag(how="clear_mirror") ->  -EINVAL  |
    """
    session = both(SMALL, "| 16-64 |", SetFlag(24, 8, "clear_mirror"))
    assert last(session) is Errno.EINVAL


def test_a_full_array_keeps_its_flags_and_nodes():
    """Isolating needs two slots, so marking may fail; then nothing is marked.

    |  | 16-32 | 40-48 | in 2 slots, no resizing: mark_nomap ->  -ENOMEM  |
    """
    cfg = replace(SCARCE, can_resize=False)
    for op in (SetFlag(16, 4, "mark_nomap"), SetNode(16, 4, "memory", 0)):
        session = both(cfg, "| 16-32 | 40-48 |", op)
        assert (last(session), memory(session)) == (Errno.ENOMEM, "| 16-32 | 40-48 |")


# ------------------------------------------------------------------ device trees


@pytest.mark.parametrize(
    ("base", "size", "answer", "after"),
    [
        (16, 8, Errno.EBUSY, "| 16-64 |"),
        (8, 12, Errno.EBUSY, "| 16-64 |"),
        (24, 8, None, "| 16-24 | 24-32 NOMAP | 32-64 |"),
        (80, 8, None, "| 16-64 |"),
        (96, 8, None, "| 16-64 |"),
    ],
)
def test_memory_in_use_is_never_unmapped(base, size, answer, after):
    """no-map is -EBUSY where both memory and a reservation are met, else it is done.

    |  memory | 16-64 |  reserved | 16-20 | 96-104 |  no-map 16-24: -EBUSY  |
    """
    ops = (Reserve(16, 4), Reserve(96, 8), ReserveDt(base, size, True))
    session = both(SMALL, "| 16-64 |", *ops)
    assert (last(session), memory(session)) == (answer, after)


def test_a_reservation_that_stays_mapped_is_a_plain_one():
    """Without no-map a device tree may reserve what is reserved already.

    |  reserved | 16-20 |  +18-24 ->  | 16-24 |  |
    """
    ops = (Reserve(16, 4), ReserveDt(18, 6, False))
    assert reserved(both(SMALL, "| 16-64 |", *ops)) == "| 16-24 |"


# ------------------------------------------------------------------ the whole memory


def test_a_limit_counts_bytes_of_memory_and_not_addresses():
    """mem=: the first bytes of memory stay, and their reservations.

    |  | 16-32 | 48-80 |  limit 24 ->  | 16-32 | 48-56 |   16 + 8 bytes  |
    """
    ops = (Reserve(52, 8), EnforceMemoryLimit(24))
    session = both(SMALL, "| 16-32 | 48-80 |", *ops)
    assert (memory(session), reserved(session)) == ("| 16-32 | 48-56 |", "| 52-56 |")
    for limit in (0, 200):
        session = both(SMALL, "| 16-32 | 48-80 |", EnforceMemoryLimit(limit))
        assert memory(session) == "| 16-32 | 48-80 |"


def test_unmapped_memory_outside_a_cap_stays():
    """Capping removes what is outside, but for NOMAP; reservations outside go.

    | 16-32 NOMAP | 32-64 | 80-96 |  cap 40-72 ->  | 16-32 NOMAP | 40-64 |
    """
    before = "| 16-32 NOMAP | 32-64 | 80-96 |"
    ops = (Reserve(20, 4), Reserve(60, 24), CapMemoryRange(40, 32))
    session = both(SMALL, before, *ops)
    assert memory(session) == "| 16-32 NOMAP | 40-64 |"
    assert reserved(session) == "| 60-72 |"
    session.do(CapMemoryRange(50, 0))
    assert memory(session) == "| 16-32 NOMAP | 40-64 |"


def test_a_limit_may_spare_unmapped_memory():
    """memblock_mem_limit_remove_map() caps from 0 to the end of the first bytes.

    |  | 16-32 | 48-64 NOMAP | 64-80 |  limit 8 ->  | 16-24 | 48-64 NOMAP |  |
    """
    before = "| 16-32 | 48-64 NOMAP | 64-80 |"
    session = both(SMALL, before, MemLimitRemoveMap(8))
    assert memory(session) == "| 16-24 | 48-64 NOMAP |"
    for limit in (0, 200):
        assert memory(both(SMALL, before, MemLimitRemoveMap(limit))) == before


def test_a_cap_that_finds_no_room_in_the_array_does_nothing():
    """Isolating fails, and the kernel goes on with the memory it has.

    |  | 16-32 | 40-48 | in 2 slots, no resizing: cap 20-24 ->  nothing  |
    """
    cfg = replace(SCARCE, can_resize=False)
    session = both(cfg, "| 16-32 | 40-48 |", CapMemoryRange(20, 4))
    assert (last(session), memory(session)) == (None, "| 16-32 | 40-48 |")


@pytest.mark.parametrize(
    "op",
    [
        Free(52, 8),
        CapMemoryRange(16, 16),
        CapMemoryRange(62, 100),
        EnforceMemoryLimit(8),
        MemLimitRemoveMap(8),
    ],
    ids=repr,
)
def test_nobody_may_free_the_place_of_a_region_array(op):
    """Linux would go on using freed memory; here the mistake is named.

    |  reserved array at 56-64: free 52-60 ->  "the range holds a region array"  |
    """
    ops = (Reserve(16, 4), Reserve(24, 4), Reserve(32, 4), op)
    session = both(SCARCE, "| 16-64 |", *ops)
    assert last(session) == HOLDS_ARRAY
    assert reserved(session) == "| 16-20 | 24-28 | 32-36 | 56-64 |"


def test_trimming_rounds_every_region_inward():
    """A region without one whole unit goes.

    |  | 6-18 | 21-23 | 30-34 |  unit 4 ->  | 8-16 |  |
    """
    session = both(SMALL, "| 6-18 | 21-23 | 30-34 |", TrimMemory(4))
    assert memory(session) == "| 8-16 |"
    assert session.state.memory.total_size == 8


def test_trimming_everything_away_leaves_an_empty_array():
    """The dummy is back, with a total of 0.

    |  | 5-7 | 9-11 |  unit 4 ->  ||  |
    """
    session = both(SMALL, "| 5-7 | 9-11 |", TrimMemory(4))
    assert (memory(session), session.state.memory.total_size) == ("||", 0)


# ------------------------------------------------------------------ rediscovered bugs


def breaks(quirk, cfg, before, *ops):
    """Return the rule that the last operation breaks with a quirk, and not without.

    The history before it must hold with the quirk, too.
    """
    both(replace(cfg, quirks=()), before, *ops)
    session = both(replace(cfg, quirks=(quirk,)), before, *ops[:-1])
    odd, op, machine = session.state, ops[-1], MEMBLOCK.load(session.cfg, session.state)
    answer = MEMBLOCK.apply(machine, op)
    assert answer == op.choose(session.cfg, odd)
    assert MEMBLOCK.abstract(machine) == op.after(session.cfg, odd, answer)
    with pytest.raises(Divergence) as found:
        session.do(ops[-1])
    return found.value.rule


def test_bug_the_memory_array_doubles_into_the_range_being_removed():
    """5.10 keeps a new array out of the range in hand only for `reserved`.

    |  memory | 16-32 | 40-64 | in 2 slots:  remove 56-64, array at 56-64 itself  |
    """
    history = (SCARCE, "| 16-32 | 40-64 |", Remove(56, 8))
    assert breaks(DOUBLE_INTO_RANGE, *history) == "MB-META"


def test_bug_the_memory_array_is_freed_before_its_double_is_reserved():
    """If `reserved` doubles for the freeing, both arrays take the same place.

    |  memory array at 192-200, 4 slots, full: its double is to go to 176-192          |
    |  free 192-200: `reserved` is full, and doubles to 184-192, which is still free  |
    """
    adds = (Add(40, 4), Add(48, 4), Add(56, 4))
    history = (SCARCE, "| 16-32 | 100-200 |", *adds)
    assert breaks(FREE_FIRST, *history) == "MB-META"


def test_bug_trimming_does_not_count_what_it_cuts():
    """total_size stays what it was, unless a whole region goes.

    |  | 6-18 |  unit 4 ->  | 8-16 |, total_size 12  |
    """
    assert breaks(TRIM_KEEPS_TOTAL, SMALL, "| 6-18 |", TrimMemory(4)) == "MB-SUM"
    session = both(replace(SMALL, quirks=(TRIM_KEEPS_TOTAL,)), "| 8-16 |")
    session.do(TrimMemory(4))
    assert session.state.memory.total_size == 8


def test_bug_trimming_the_end_of_the_address_space_wraps():
    """round_up() of the last region's base is 0, and the region covers everything.

    |  | 16-32 | 250-255 |  unit 16 ->  | 16-32 | 0-240 |  |
    """
    assert (
        breaks(TRIM_WRAPS, SMALL, "| 16-32 | 250-255 |", TrimMemory(16)) == "MB-ALIGN"
    )


def test_bug_capping_up_to_the_top_frees_reservations_inside():
    """The end wraps to a low address, and everything above the wrapped end is freed.

    |  reserved | 200-208 |  cap 100-356 (is 100):  reservations above 100 go  |
    """
    history = (Reserve(200, 8), CapMemoryRange(100, 255))
    assert breaks(CAP_WRAPS, SMALL, "| 16-250 |", *history) == "MB-CUT"
    assert reserved(both(SMALL, "| 16-250 |", *history)) == "| 200-208 |"


def test_the_real_kernel_has_all_five():
    """The v5.10 profile is exactly these quirks; the `fixed` one has none.

    |  doubling (2)  trimming (2)  capping (1)  |
    """
    assert set(V5_10) == {
        DOUBLE_INTO_RANGE,
        FREE_FIRST,
        TRIM_KEEPS_TOTAL,
        TRIM_WRAPS,
        CAP_WRAPS,
    }
    assert len(V5_10) == 5


# ------------------------------------------------------------------ the hand-over


def test_pages_are_freed_in_the_largest_aligned_blocks():
    """__free_pages_memory(): as large as the address is aligned and the range long.

    |  1-2048: order 0 at 1, 1 at 2, ... 9 at 512, 10 at 1024    0-3: 1 at 0, 0 at 2  |
    """
    rising = [FreePages(1 << order, order) for order in range(11)]
    assert blocks(1, 2048) == rising
    assert blocks(0, 3) == [FreePages(0, 1), FreePages(2, 0)]
    session = both(REAL, "| 0x1000-0x800000 |", FreeAll())
    assert (last(session), told(session)) == (2047, tuple(rising))
    session = both(REAL, "| 0-0x3000 |", FreeAll())
    assert (last(session), told(session)) == (3, (FreePages(0, 1), FreePages(2, 0)))


def test_memory_is_rounded_inward_and_reservations_outward():
    """A page that is partly in use is reserved whole, one that is partly there is not.

    |  memory 5-30 and 41-43, reserved 13-14, page 4:  pages 2 | (3) | 4 5 6  freed  |
    """
    session = both(SMALL, "| 5-30 | 41-43 |", Reserve(13, 1), FreeAll())
    assert last(session) == 4
    assert told(session) == (
        ReservePages(3, 4),
        FreePages(2, 0),
        FreePages(4, 1),
        FreePages(6, 0),
    )


def test_the_hand_over_spares_unmapped_and_high_memory_and_unmarks_hotplug():
    """NOMAP stays out, max_low_pfn is the end, HOTPLUG is forgotten first.

    |  | 16-24 HOTPLUG | 24-32 NOMAP | 32-64 |  max_low_pfn 10:  pages 4 5 8 9  |
    """
    cfg = replace(SMALL, max_low_pfn=10, movable_node=True)
    session = both(cfg, "| 16-24 HOTPLUG | 24-32 NOMAP | 32-64 |", FreeAll())
    assert told(session) == (FreePages(4, 1), FreePages(8, 1))
    assert last(session) == 4
    assert memory(session) == "| 16-24 | 24-32 NOMAP | 32-64 |"


def test_later_kernels_give_reservations_their_node_first():
    """6.6 walks memory and sets nodes in `reserved`; a stray reservation is node 0's.

    |  memory | 16-32 n1 |  reserved | 20-24 | 40-44 |  ->  pages 5 n1, 10 n0  |
    """
    later = replace(SMALL, release="6.6")
    ops = (Reserve(20, 4), Reserve(40, 4), InitReservedPages())
    session = both(later, "| 16-32 n1 |", *ops)
    assert reserved(session) == "| 20-24 n1 | 40-44 |"
    assert told(session) == (ReservePages(5, 6, 1), ReservePages(10, 11, 0))
    assert "" in InitReservedPages.domain(SMALL, session.state)
    assert "kmalloc" in InitReservedPages.domain(later, session.state)


# ------------------------------------------------------------------ iterators

WALKED = "| 16-24 n0 | 24-32 n1 HOTPLUG | 32-40 n1 NOMAP | 41-47 n1 |"


@pytest.mark.parametrize(
    ("walk", "ranges"),
    [
        (ForEach("free"), [(18, 24, 0), (24, 32, 1), (41, 44, 1)]),
        (ForEach("free", 1), [(24, 32, 1), (41, 44, 1)]),
        (ForEach("free", ANY), [(18, 24, 0), (24, 32, 1), (41, 44, 1)]),
        (ForEach("free", -1, HOTPLUG), [(18, 24, 0), (24, 32, 1), (41, 44, 1)]),
        (ForEach("free", -1, MIRROR), []),
        (
            ForEach("free", -1, NOMAP),
            [(18, 24, 0), (24, 32, 1), (32, 40, 1), (41, 44, 1)],
        ),
        (ForEach("memory"), [(16, 24, 0), (24, 32, 1), (41, 47, 1)]),
        (ForEach("reserved"), [(8, 18, ANY), (44, 60, ANY)]),
        (ForEach("pfn", ANY), [(4, 6, 0), (6, 8, 1), (8, 10, 1)]),
        (ForEach("pfn", 1), [(6, 8, 1), (8, 10, 1)]),
    ],
    ids=repr,
)
def test_iterators_show_ranges_in_both_directions(walk, ranges):
    """Free is memory without reservations; NOMAP shows only when asked for.

    |  memory   | 16-24 n0 | 24-32 n1 HOTPLUG | 32-40 n1 NOMAP | 41-47 n1 |
    |  reserved | 8-18 |                                          | 44-60 |
    """
    ops = (Reserve(8, 10), Reserve(44, 16), walk)
    assert list(last(both(SMALL, WALKED, *ops))) == ranges
    if walk.which in ("free", "memory"):
        back = replace(walk, which=f"{walk.which}_reverse")
        assert list(last(both(SMALL, WALKED, *ops[:2], back))) == ranges[::-1]


def test_hotplug_memory_is_walked_but_not_offered():
    """for_each_mem_range() shows it; the free walk does not, with movable_node.

    |  | 16-24 | 24-32 HOTPLUG |  memory: both    free: 16-24  |
    """
    cfg, before = replace(SMALL, movable_node=True), "| 16-24 | 24-32 HOTPLUG |"
    assert last(both(cfg, before, ForEach("memory"))) == ((16, 24, ANY), (24, 32, ANY))
    assert last(both(cfg, before, ForEach("free"))) == ((16, 24, ANY),)
    offered = ForEach("free", -1, HOTPLUG)
    assert last(both(cfg, before, offered)) == ((16, 24, ANY), (24, 32, ANY))


def test_touching_reservations_that_differ_leave_an_empty_free_range():
    """A walk shows a range of no size, which every search must pass.

    |  reserved | 16-24 n0 | 24-32 n1 |  free: 8-16, 24-24, 32-40  |
    """
    ops = (
        Reserve(16, 16),
        SetNode(16, 8, "reserved", 0),
        SetNode(24, 8, "reserved", 1),
        ForEach("free"),
    )
    session = both(SMALL, "| 8-40 |", *ops)
    assert last(session) == ((8, 16, ANY), (24, 24, ANY), (32, 40, ANY))
    session.do(PhysAlloc(8, 4))
    session.do(PhysAlloc(8, 4))
    assert last(session) == 8


def test_an_empty_list_walks_over_its_dummy():
    """The one slot of an empty array is a range of no size; free and pfn show none.

    |  ||  memory: 0-0    reserved: 0-0    free: -    pfn: -  |
    """
    walks = [ForEach(which) for which in ("memory", "reserved", "free")]
    session = both(SMALL, "", *walks, ForEach("pfn", ANY))
    dummy = ((0, 0, ANY),)
    assert [entry.result for entry in session.trace] == [dummy, dummy, (), ()]


# ------------------------------------------------------------------ questions


@pytest.mark.parametrize(
    ("which", "base", "size", "answer"),
    [
        ("memory", 16, 16, True),
        ("memory", 20, 4, True),
        ("memory", 24, 16, False),  # two regions, though each byte is memory
        ("memory", 12, 8, False),
        ("memory", 16, 0, True),
        ("memory", 48, 0, False),
        ("memory", 250, 20, False),
        ("reserved", 12, 8, True),
        ("reserved", 12, 4, False),
        ("reserved", 20, 4, False),
        ("overlaps_memory", 8, 9, True),
        ("overlaps_memory", 8, 8, False),
        ("overlaps_memory", 47, 250, True),
    ],
)
def test_is_region_memory_asks_for_one_region(which, base, size, answer):
    """is_region_memory: all in one region.  is_region_reserved, overlaps: any byte.

    |  memory | 16-32 | 32-48 NOMAP |  reserved | 16-20 |   24-40 is no region  |
    """
    ops = (Reserve(16, 4), IsRegion(which, base, size))
    assert last(both(SMALL, "| 16-32 | 32-48 NOMAP |", *ops)) is answer


@pytest.mark.parametrize(
    ("addr", "reserved_", "memory_", "mapped"),
    [
        (15, False, False, False),
        (16, True, True, True),
        (20, False, True, True),
        (32, False, True, False),
        (48, False, False, False),
    ],
)
def test_an_address_may_be_memory_and_not_mapped(addr, reserved_, memory_, mapped):
    """is_memory, is_map_memory and is_reserved look at the one region of an address.

    |  memory | 16-32 | 32-48 NOMAP |  reserved | 16-20 |  |
    """
    for which, truth in (
        ("reserved", reserved_),
        ("memory", memory_),
        ("map_memory", mapped),
    ):
        ops = (Reserve(16, 4), IsReserved(which, addr))
        assert last(both(SMALL, "| 16-32 | 32-48 NOMAP |", *ops)) is truth


def test_the_extent_of_memory_has_holes_and_its_size_has_none():
    """The functions are start_of_DRAM, end_of_DRAM, phys_mem_size and reserved_size.

    |  | 16-32 | 48-64 |  reserved | 20-24 |  ->  16, 64, 32, 4  |
    """
    ops = (Reserve(20, 4), Extent())
    assert last(both(SMALL, "| 16-32 | 48-64 |", *ops)) == (16, 64, 32, 4)
    assert last(both(SMALL, "", Extent())) == (0, 0, 0, 0)


def test_a_page_is_looked_up_with_its_region():
    """memblock_search_pfn_nid(): the node and the pages of the region, or none.

    |  | 16-32 n1 |  page 5 ->  node 1, pages 4-8    page 9 ->  none  |
    """
    ops = (SearchPfnNid(5), SearchPfnNid(9))
    session = both(SMALL, "| 16-32 n1 |", *ops)
    assert [entry.result for entry in session.trace] == [(1, 4, 8), None]
