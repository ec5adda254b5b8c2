"""Each rule of nodes and zones complains of what breaks it, and says what it is.

States and steps that no history reaches are built by hand from a machine that booted.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.zones import ZONES
from mmoracle.checkers.bind.zones_configs import (
    CONFIGS,
    DEFERRED,
    FILL,
    FLAT,
    HIGHMEM,
    NUMA,
    SMALL,
    SMALL_BOOT,
    TINY,
    UMA,
    mem,
)
from mmoracle.checkers.draw import enabled
from mmoracle.checkers.explore import explore
from mmoracle.spec.core import Disallowed, Step
from mmoracle.spec.linux import Errno
from mmoracle.spec.zones.always import INVARIANTS, LAWS
from mmoracle.spec.zones.boot import (
    BuildZonelists,
    FillMemblks,
    FinishInit,
    FreeAreaInit,
    FreeReserved,
    GrowZone,
    MemblockFreeAll,
    SetupPagesets,
)
from mmoracle.spec.zones.fill import Block
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.ops import OPS, initial
from mmoracle.spec.zones.state import DIVIDES_BY_32, Phase
from mmoracle.spec.zones.tune import (
    Boost,
    InitWmarks,
    StartHugepages,
    Unboost,
    WriteFraction,
    WriteMinFreeKbytes,
    WriteReserveRatio,
)

PAIR = ((10, 20), (20, 10))
BOOT = (
    FreeAreaInit(mem((0, 0, 20000), (1, 20000, 40000)), (4096, 40000, 0), Movable()),
    BuildZonelists((0,), PAIR),
    MemblockFreeAll(((4000, 15900, 0), (0, 20000, 0))),
    SetupPagesets(),
    FinishInit(0),
    InitWmarks(),
)
TWO = replace(TINY, online=(0, 1), distances=(PAIR,), dma_reserve=0)


def steps(cfg, *ops):
    """Return the steps of a history of the specification."""
    s, found = initial(cfg), []
    for op in ops:
        answer = op.choose(cfg, s)
        found.append(Step(s, op, answer, op.after(cfg, s, answer)))
        s = found[-1].after
    return found


def state(count=6):
    """Return the state after so many steps of boot."""
    return steps(TWO, *BOOT[:count])[-1].after


def with_zone(s, at=0, **fields):
    """Return a state with a zone of the first node changed."""
    first = s.nodes[0]
    zone = replace(first.zones[at], **fields)
    zones = (*first.zones[:at], zone, *first.zones[at + 1 :])
    return replace(s, nodes=(replace(first, zones=zones), *s.nodes[1:]))


def with_node(s, **fields):
    """Return a state with the first node changed."""
    return replace(s, nodes=(replace(s.nodes[0], **fields), *s.nodes[1:]))


def complaints(cfg, s):
    """Return (rule, what) of all that invariants say."""
    return [(each.id, what) for each in INVARIANTS for what in each.check(cfg, s)]


def protests(cfg, step):
    """Return (rule, what) of all that laws say."""
    return [(each.id, what) for each in LAWS for what in each.check(cfg, step)]


# ------------------------------------------------------------------ states


BROKEN = [
    ("ZONE-SPAN", "has 4097 pages and spans 4096", {"present": 4097}),
    ("ZONE-SPAN", "leaves the node's", {"start": 16000}),
    ("ZONE-SPAN", "spans nothing, and starts at 9", {"at": 2, "start": 9}),
    ("ZONE-ORDER", "ends at 4097, Normal starts at 4096", {"spanned": 4097}),
    ("ZONE-EXACT", "has 4095 pages, its span has 4096", {"present": 4095}),
    ("ZONE-MANAGED", "manages -1 pages", {"managed": -1}),
    ("ZONE-MANAGED", "manages 1 pages too many", {"managed": 4097}),
    ("PCP-LIMIT", "high 6, batch 7", {"limits": (6, 7)}),
    ("PCP-LIMIT", "high 6, batch 0", {"limits": (6, 0)}),
    ("RES-LOWMEM", "from requests for itself", {"reserve": (1, 2, 3)}),
    ("RES-LOWMEM", "less from a higher request", {"reserve": (0, 3, 2)}),
    ("WM-SANE", "has marks (3, 2, 1)", {"marks": (3, 2, 1)}),
    ("WM-SANE", "has marks (3, 5, 6)", {"marks": (3, 5, 6)}),
    ("WM-SANE", "is boosted by -1", {"boost": -1}),
    ("WM-SANE", "is boosted by 512", {"managed": 2047, "boost": 512}),
    ("BOOT-ORDER", "has pagesets of its own", {"at": 2, "limits": (6, 1)}),
]


@pytest.mark.parametrize(("rule", "what", "fields"), BROKEN)
def test_an_invariant_says_what_is_wrong_with_which_zone(rule, what, fields):
    found = complaints(TWO, with_zone(state(), **fields))
    assert rule in [each for each, _ in found]
    assert any(what in said and "node 0 zone " in said for _, said in found)


@pytest.mark.parametrize(
    ("rule", "what", "fields"),
    [
        ("ZONE-SPAN", "ZONE_MOVABLE begins at 20000", {"movable_pfn": 20000}),
        ("ZONE-MANAGED", "-1 pages are deferred", {"deferred": -1}),
        ("ZONE-MANAGED", "3 pages are deferred", {"deferred": 3}),
        ("RES-TOTAL", "those of nodes are", {"totalreserve": 7}),
        ("RES-TOTAL", "reserves 99999 of 19900 pages", {"totalreserve": 99999}),
        ("ZL-COMPLETE", "zones with pages are", {"fallback": ((0, 1), (0, 0))}),
        (
            "ZL-COMPLETE",
            "not together and falling",
            {"fallback": ((0, 0), (0, 1), (1, 1))},
        ),
        (
            "ZL-COMPLETE",
            "does not begin with its own",
            {"fallback": ((1, 1), (0, 1), (0, 0))},
        ),
        ("ZL-COMPLETE", "for itself alone", {"thisnode": ((0, 0),)}),
    ],
)
def test_an_invariant_says_what_is_wrong_with_which_node(rule, what, fields):
    found = complaints(TWO, with_node(state(), **fields))
    assert rule in [each for each, _ in found]
    assert any(what in said for _, said in found)


def test_frames_without_a_zone_are_missed():
    less = replace(state(), memory=mem((0, 0, 20001), (1, 20001, 40000)))
    found = complaints(TWO, less)
    assert ("ZONE-EXACT", "node 0: zones have 20000 pages of 20001") in found


def test_lists_go_to_far_nodes_last():
    cfg, make = NUMA, FreeAreaInit(NUMA.maps[0], NUMA.ends[0], Movable())
    s = steps(cfg, make, BuildZonelists((0,), FLAT))[-1].after
    assert complaints(cfg, s) == []
    far = replace(s, distance=tuple(row[::-1] for row in FLAT))
    assert any("goes to nodes" in what for _, what in complaints(cfg, far))
    mixed = with_node(s, fallback=(*s.nodes[0].fallback[:2], (3, 1), (2, 1), (1, 1)))
    assert complaints(UMA, mixed)[0] == (
        "ZL-COMPLETE",
        "the list of node 0 goes to nodes [3, 2, 1]",
    )


def test_nothing_is_there_too_early():
    early = with_node(state(1), thisnode=((0, 0),))
    assert complaints(TWO, early) == [
        ("BOOT-ORDER", "there are zonelists in phase MAPPED")
    ]
    for fields, what in (
        ({"marks": (1, 2, 3)}, "marks or reserves"),
        ({"reserve": (0, 1, 1)}, "marks or reserves"),
        ({"limits": (6, 1)}, "pagesets of its own"),
    ):
        found = complaints(TWO, with_zone(state(3), **fields))
        assert [rule for rule, _ in found] == ["BOOT-ORDER"]
        assert what in found[0][1]


# ------------------------------------------------------------------ steps


LATE = state()
INIT = steps(TWO, *BOOT)[-1]
WRITE = WriteMinFreeKbytes(4096)


def moved(op, after, result=None, before=LATE):
    """Return a step that leads somewhere else."""
    return Step(before, op, result, after)


def other_marks(marks, **fields):
    """Return the state after a write, with other marks of the first zone."""
    s = WRITE.after(TWO, LATE, None)
    return with_zone(s, marks=marks, **fields)


def touched(op, result=None, **fields):
    """Return a step after which the first zone differs."""
    return moved(op, with_zone(LATE, **fields), result)


SERVED, BOOSTED, NONE_KEPT = Unboost(0, 0, 1), Boost(0, 0), (0, 0, 0)
MORE = replace(LATE, blocks=(Block(0, 1),))
RELEASE = MemblockFreeAll(((3, 15900, 0), (0, 20000, 0)))
WRONG_STEPS = [
    ("ZONE-KEPT", "a refused write", moved(WriteFraction(7), state(5), Errno.EINVAL)),
    ("ZONE-KEPT", "the memory map changed", moved(SERVED, replace(LATE, memory=()))),
    ("ZONE-KEPT", "blocks of firmware's", moved(SERVED, MORE)),
    ("ZONE-KEPT", "changed its span", touched(InitWmarks(), present=4000)),
    ("ZONE-KEPT", "managed 4000 pages, now 4", touched(WRITE, managed=4)),
    ("ZONE-MANAGED", "4000 pages, not 4005", moved(FreeReserved(0, 0, 5), LATE, 5)),
    ("ZONE-MANAGED", "4000 pages, not 3", moved(RELEASE, LATE)),
    ("PCP-LIMIT", "ask for (0, 1)", touched(SetupPagesets(), limits=(6, 1))),
    ("PCP-LIMIT", "limits changed", touched(WRITE, limits=(6, 1))),
    ("RES-LOWMEM", "kept (0, ", touched(WRITE, reserve=NONE_KEPT)),
    ("RES-LOWMEM", "keeps 0 of 15900", touched(InitWmarks(), reserve=NONE_KEPT)),
    ("RES-LOWMEM", "should keep none", touched(InitWmarks(), managed=0)),
    ("WM-KEPT", "had marks", touched(SERVED, marks=(1, 2, 3))),
    ("WM-SHARE", "are no share by size", moved(WRITE, other_marks((1, 2, 3)))),
    ("WM-SHARE", "apart at scale 10", moved(WRITE, other_marks((102, 500, 900)))),
    ("WM-SHARE", "is boosted by 3", touched(WRITE, boost=3)),
    ("RES-TOTAL", "reserves 5 pages", moved(WRITE, with_node(LATE, totalreserve=5))),
    ("WM-SANE", "boosted from 0 to 9", touched(BOOSTED, True, boost=9)),
    ("WM-SANE", "goes from boost 0 to 9", touched(SERVED, boost=9)),
    ("WM-SANE", "by itself", touched(Boost(0, 1), True, boost=9)),
]


@pytest.mark.parametrize(("rule", "what", "step"), WRONG_STEPS)
def test_a_law_says_what_is_wrong_with_a_step(rule, what, step):
    found = protests(TWO, step)
    assert rule in [each for each, _ in found], found
    assert any(what in said for _, said in found), found


def test_the_steps_of_a_boot_break_no_law():
    for step in steps(TWO, *BOOT, WRITE, StartHugepages()):
        assert protests(TWO, step) == []


@pytest.mark.parametrize(
    ("pages", "user", "kbytes", "what"),
    [
        (35900, -1, 1514, "1514 kB are not the root of"),
        (35900, 1515, 1515, "1515 kB are picked over 1515 of a user"),
        (10, -1, 127, "127 kB are picked for the root of 640"),
        (1 << 31, -1, 262145, "262145 kB are picked for the root of"),
    ],
)
def test_min_free_kbytes_is_what_the_kernel_picks(pages, user, kbytes, what):
    before = state(5)
    t = replace(before.tunables, user_kbytes=user)
    before = replace(before, tunables=t, nodes=before.nodes[:1])
    before = with_zone(before, managed=pages)
    before = with_zone(before, at=1, managed=0)
    after = replace(before, tunables=replace(t, min_free_kbytes=kbytes))
    found = [
        what
        for rule, what in protests(TWO, moved(InitWmarks(), after, 0, before))
        if rule == "WM-ROOT"
    ]
    assert len(found) == 1
    assert what in found[0]


def test_huge_pages_never_lower_min_free_kbytes():
    less = replace(LATE, tunables=replace(LATE.tunables, min_free_kbytes=3))
    found = protests(TWO, moved(StartHugepages(), less, 3))
    assert ("WM-ROOT", "huge pages lower min_free_kbytes to 3") in found


def test_a_highmem_zone_outside_its_bounds_is_told():
    cfg = HIGHMEM
    boot = (
        FreeAreaInit(cfg.maps[0], cfg.ends[0], Movable()),
        BuildZonelists((0,), ((10,),)),
        MemblockFreeAll(((4096, 16384, 16384, 0),)),
        SetupPagesets(),
        FinishInit(0),
        InitWmarks(),
    )
    step = steps(cfg, *boot)[-1]
    assert protests(cfg, step) == []
    wrong = replace(step, after=with_zone(step.after, at=2, marks=(31, 47, 63)))
    assert any("is highmem" in what for _, what in protests(cfg, wrong))


@pytest.mark.parametrize(
    ("blocks", "what"),
    [
        ((Block(8, 12, 1),), "there were 2 blocks, now 1"),
        ((Block(8, 12, 1), Block(0, 4)), "is not covered"),
        ((Block(9, 16, 1), Block(0, 9)), "became"),
        ((Block(4, 17, 1), Block(0, 4)), "outside of the window"),
        ((Block(4, 16, 1), Block(0, 12)), "overlap now"),
    ],
)
def test_blocks_fill_a_window_as_they_should(blocks, what):
    s = replace(initial(FILL), blocks=(Block(8, 12, 1), Block(0, 4)))
    step = moved(FillMemblks((0, 16)), replace(s, blocks=blocks), True, s)
    assert any(what in said for _, said in protests(FILL, step))
    right = replace(s, blocks=(Block(4, 16, 1), Block(0, 4)))
    assert protests(FILL, replace(step, after=right)) == []


def test_5_10_divides_by_the_low_half_of_a_word():
    """Of 16 TiB and 64 MiB, marks are shares as of 64 MiB."""
    pages = (1 << 32) + 16384
    ends, ranges = (4096, pages, 0), mem((0, 0, pages))
    boot = (
        FreeAreaInit(ranges, ends, Movable()),
        BuildZonelists((0,), ((10,),)),
        MemblockFreeAll(((4096, pages - 4096, 0),)),
        SetupPagesets(),
        FinishInit(0),
        InitWmarks(),
    )
    low = replace(TINY, dma_reserve=0, quirks=(DIVIDES_BY_32,))
    right, wrong = (steps(cfg, *boot)[-1] for cfg in (replace(low, quirks=()), low))
    assert right.after.nodes[0].zones[0].marks[0] == 0
    assert wrong.after.nodes[0].zones[0].marks[0] == 65536 * 4096 // 16384
    assert "WM-SHARE" in dict(protests(low, wrong))


# ------------------------------------------------------------------ domains


def offered(cfg, s):
    """Return the operations that have an argument here."""
    return [op.__name__ for op in OPS if enabled(op.domain(cfg, s))]


def test_boot_has_one_order():
    """Only growing, boosts and what boot gives up may come at several times."""
    cfg = replace(SMALL_BOOT, ops=(), fills=((0, 4),), distances=(PAIR,), online=(0, 1))
    found = [offered(cfg, initial(cfg))]
    found += [offered(cfg, step.after) for step in steps(cfg, *BOOT, StartHugepages())]
    first, mapped, listed, freed, paged, late, running, huge = found
    assert first == ["FillMemblks", "FreeAreaInit"]
    assert (mapped, listed) == (["BuildZonelists"], ["MemblockFreeAll"])
    often = ["FreeReserved", "Boost", "Unboost"]
    assert sorted(freed) == sorted([*often, "SetupPagesets", "GrowZone"])
    assert sorted(paged) == sorted([*often, "GrowZone", "FinishInit"])
    assert sorted(late) == sorted([*often, "InitWmarks"])
    files = [each for each in running if each.startswith("Write")]
    assert len(files) == 5
    assert sorted(running) == sorted([*often, *files, "InitWmarks", "StartHugepages"])
    assert set(running) - set(huge) == {"StartHugepages"}
    assert offered(replace(TINY, grows=()), LATE) == [
        "InitWmarks",
        "StartHugepages",
        "Boost",
        "Unboost",
    ]


def test_a_machine_may_begin_where_it_has_booted():
    """It is the one that the first of each choice makes."""
    s = initial(SMALL)
    assert s.phase is Phase.RUNNING
    assert complaints(SMALL, s) == []
    assert [len(n.fallback) for n in s.nodes] == [len(s.nodes[0].fallback)] * 4


def test_boot_releases_some_lowmem():
    """No mark could be computed without any."""
    s = steps(HIGHMEM, FreeAreaInit(HIGHMEM.maps[1], HIGHMEM.ends[0], Movable()))[
        0
    ].after
    s = replace(s, phase=Phase.LISTED)
    cfg = replace(HIGHMEM, releases=((0, 0, 100), (100, 0, 50), (100, 0, 50)))
    parts = list(MemblockFreeAll.domain(cfg, s)["released"])
    assert parts == [((4096, 0, 137712, 0),)]


def test_deferred_memory_grows_only_where_there_is_some():
    assert not enabled(GrowZone.domain(replace(DEFERRED, deferred=False), state(4)))
    assert list(FinishInit.domain(DEFERRED, state(4))["kept"]) == [0, 1]
    assert list(FinishInit.domain(TWO, state(4))["kept"]) == [0]


def test_answers_of_boot_are_judged():
    for at, wrong, rule in (
        (0, (40000,), "RET-PAGES"),
        (1, None, "RET-PAGES"),
        (2, 39899, "RET-PAGES"),
        (3, 0, "RET-CODE"),
        (4, True, "RET-CODE"),
    ):
        before = steps(TWO, *BOOT)[at].before
        with pytest.raises(Disallowed) as no:
            BOOT[at].after(TWO, before, wrong)
        assert no.value.rule == rule
    with pytest.raises(Disallowed, match="RET-BOOL"):
        GrowZone(0, 0).after(DEFERRED, state(4), True)
    with pytest.raises(Disallowed, match="RET-BOOL"):
        FillMemblks((0, 4)).after(FILL, initial(FILL), False)
    with pytest.raises(Disallowed, match="RET-PAGES"):
        StartHugepages().after(TWO, LATE, 0)
    with pytest.raises(Disallowed, match="RET-CODE"):
        WriteReserveRatio((1, 1, 1)).after(TWO, LATE, Errno.EINVAL)


# ------------------------------------------------------------------ sometimes


def test_every_interesting_moment_is_reached_at_tiny_size():
    """Together the tiny machines meet all of them within some hundred steps."""
    missed = {each.__name__ for each in ZONES.witnesses}
    for name, cfg in CONFIGS.items():
        if missed and name.startswith("tiny"):
            limit = 1500 if name in ("tiny", "tiny-boost") else 450
            run = explore(ZONES, cfg, config=name, limit=limit)
            missed -= set(run.witnesses)
    assert missed == set()
