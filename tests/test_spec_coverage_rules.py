"""Each rule of the specification complains of what breaks it, and names it.

States that no history reaches are built by hand here; what histories reach is tested
in linux_cases and by the engines.
"""

from dataclasses import replace
from itertools import islice

import pytest

from mmoracle.checkers.bind.memblock import MEMBLOCK
from mmoracle.checkers.bind.rbtree import RBTREE
from mmoracle.checkers.draw import enabled
from mmoracle.checkers.subsystem import moves
from mmoracle.spec.core import Disallowed, Ints, OneOf, Step, nothing, sentence
from mmoracle.spec.linux import MAX_NUMNODES, Addr, Bug, Errno
from mmoracle.spec.memblock import ops
from mmoracle.spec.memblock.regions import (
    DOUBLE_INTO_RANGE,
    HOTPLUG,
    NO_MIRROR,
    NOMAP,
    NONE,
    NOT_ZERO,
    STOPPED,
    Config,
    Doubled,
    Memblock,
    Outcome,
    Region,
    Regions,
    initial,
)
from mmoracle.spec.rbtree import Config as TreeConfig
from mmoracle.spec.rbtree import (
    Erase,
    First,
    Insert,
    Node,
    Replace,
    Tree,
)
from mmoracle.spec.rbtree.always import calls_of

# ------------------------------------------------------------------ the waist


def test_domains_are_sequences_of_their_values():
    for domain, values in (
        (Ints(2, 9, 3), [2, 5, 8]),
        (Ints(5, 5), []),
        (OneOf(("a", None)), ["a", None]),
    ):
        assert list(domain) == values
        assert [domain[i] for i in range(len(domain))] == values
    assert not enabled(nothing())


def test_a_sentence_is_the_first_line_of_a_docstring():
    assert sentence(sentence) == (
        "Return the first line of a docstring: the claim that the function states."
    )
    assert sentence(lambda: None) == ""


def test_a_refusal_says_its_rule_and_why():
    no = Disallowed("MB-SET", "a byte is lost")
    assert (no.rule, no.why, str(no)) == (
        "MB-SET",
        "a byte is lost",
        "MB-SET: a byte is lost",
    )


# ------------------------------------------------------------------ every move

CONFIGS = [
    (sub, name)
    for sub in (RBTREE, MEMBLOCK)
    for name in sub.configs
    if name.startswith("tiny")
]


@pytest.mark.parametrize(("sub", "name"), CONFIGS, ids=lambda x: getattr(x, "name", x))
def test_what_linux_answers_is_permitted_at_the_start(sub, name):
    cfg = sub.configs[name]
    state = sub.initial(cfg)
    for op in sub.ops:
        one = replace(cfg, ops=(op.__name__,))
        for move in islice(moves(sub, one, state), 0, 300, 7):
            move.after(cfg, state, move.choose(cfg, state))


def test_other_allocators_are_compared_by_what_they_cover():
    two = state([(8, 16), (16, 24)])
    assert MEMBLOCK.view(two) == MEMBLOCK.view(state([(8, 24)]))
    assert MEMBLOCK.view(two) != MEMBLOCK.view(state([(8, 20)]))


def test_a_stopped_kernel_offers_nothing():
    cfg = Config(bases=(0,), sizes=(1,), release="6.6")
    for op in MEMBLOCK.ops:
        assert not enabled(op.domain(cfg, STOPPED))


def test_a_slab_that_is_up_may_say_no():
    cfg = Config(bases=(0,), sizes=(1,), nids=(-1, 0), slab_is_up=True, can_resize=True)
    asked = ops.Reserve.domain(cfg, initial(cfg))["kmalloc"]
    assert list(asked) == [False, True]
    assert list(ops.AllocTryNid.domain(cfg, initial(cfg))["exact"]) == [False, True]


# ------------------------------------------------------------------ red-black trees

TREE = TreeConfig(keys=9, nodes=9)


def complaints(sub, cfg, state):
    """Return the ids of the invariants that a state breaks."""
    return [each.id for each in sub.invariants for _ in each.check(cfg, state)]


def leaf(key, parent=None, *, red=False, left=None, right=None, **more):
    """Return a row of a tree."""
    return Node(key, parent, red, left, right, **more)


@pytest.mark.parametrize(
    ("rules", "tree", "cfg"),
    [
        (["RB-PARENT"], Tree(1, None, (leaf(1, 3),)), TREE),
        (["RB-PARENT"], Tree(1, None, (leaf(1, right=1),)), TREE),
        (
            ["RB-PARENT"],
            Tree(1, None, (leaf(0, 1), leaf(1, left=0, right=0))),
            TREE,
        ),
        (
            ["RB-PARENT", "RB-PARENT", "RB-ORDER"],
            Tree(1, None, (leaf(1), leaf(3), leaf(5, 1))),
            TREE,
        ),
        (
            ["RB-PARENT"],
            Tree(1, None, (leaf(1, right=3), leaf(3, red=True))),
            TREE,
        ),
        (["RB-ORDER"], Tree(1, None, (leaf(0, 1, red=True), leaf(1, right=0))), TREE),
        (["RB-ROOT"], Tree(1, None, (leaf(1, red=True),)), TREE),
        (
            ["RB-RED"],
            Tree(
                1,
                None,
                (
                    leaf(1, right=3),
                    leaf(3, 1, red=True, right=5),
                    leaf(5, 3, red=True),
                ),
            ),
            TREE,
        ),
        (["RB-BLACK"], Tree(1, None, (leaf(1, right=3), leaf(3, 1))), TREE),
        (["RB-CACHED"], Tree(1, None, (leaf(1),)), replace(TREE, cached=True)),
        (
            ["RB-AUG"],
            Tree(1, None, (leaf(1, value=3, summary=2),)),
            replace(TREE, summary="max"),
        ),
        (["VMA-GAP"], Tree(1, None, (leaf(1),)), replace(TREE, summary="gap")),
    ],
    ids=lambda x: x[-1] if isinstance(x, list) else "",
)
def test_each_rule_of_trees_complains(rules, tree, cfg):
    assert set(complaints(RBTREE, cfg, tree)) == set(rules)


def test_a_tree_that_is_too_high_is_named():
    rows = [leaf(0, right=1)]
    rows += [leaf(k, k - 1, red=True, right=k + 1) for k in range(1, 5)]
    high = Tree(0, None, (*rows, leaf(5, 4, red=True)))
    assert "RB-HEIGHT" in complaints(RBTREE, TREE, high)


@pytest.mark.parametrize("op", [Insert(3), Erase(1), Replace(1, 2)], ids=repr)
def test_a_tree_that_holds_another_set_is_named(op):
    tree = Tree(1, None, (leaf(1),))
    step = Step(tree, op, (), tree)
    assert [law.id for law in RBTREE.laws for _ in law.check(TREE, step)] == ["RB-SET"]


def test_questions_go_through_no_case_of_the_library():
    tree = Tree(1, None, (leaf(1),))
    assert calls_of(TREE, Step(tree, First(), 1, tree)) == []


# ------------------------------------------------------------------ memblock: states

SMALL = Config(width=8, page_size=4, region_bytes=2, init_regions=4)


def cells(*spans, flags=NONE, nid=MAX_NUMNODES, **more):
    """Return an array of regions with a right total."""
    rows = tuple(Region(Addr(a), Addr(b - a), flags, nid) for a, b in spans)
    total = sum(b - a for a, b in spans)
    return Regions(rows, 4, Addr(total), **more)


def state(memory=(), reserved=(), **more):
    """Return a state from two lists of ranges, or arrays as they are."""
    arrays = [t if isinstance(t, Regions) else cells(*t) for t in (memory, reserved)]
    return Memblock(*arrays, current_limit=Addr(255), **more)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("MB-SORTED", state([(8, 8)])),
        ("MB-SORTED", state([(16, 20), (8, 12)])),
        ("MB-SORTED", state([], [(250, 260)])),
        ("MB-DISJOINT", state([(8, 16), (12, 20)])),
        ("MB-SUM", state(replace(cells((8, 16)), total_size=Addr(9)))),
        ("MB-CAP", state([(4 * i, 4 * i + 1) for i in range(5)])),
        ("MB-META", state(cells((8, 64), array=Addr(32)))),
        (
            "MB-META",
            state(cells((8, 64), array=Addr(32)), cells((32, 40), array=Addr(32))),
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_each_rule_of_memblock_states_complains(rule, wrong):
    assert rule in complaints(MEMBLOCK, SMALL, wrong)


# ------------------------------------------------------------------ memblock: steps


def broken(before, op, after, result=None):
    """Return the ids of the laws that a step breaks."""
    step = Step(before, op, result or Outcome(), after)
    return [law.id for law in MEMBLOCK.laws for _ in law.check(SMALL, step)]


TWO = state([(8, 16), (16, 24)])


@pytest.mark.parametrize(
    ("rule", "before", "op", "after"),
    [
        ("MB-SET", state(), ops.Add(8, 8), state()),
        ("MB-SET", state([(8, 16)]), ops.Extent(), state()),
        (
            "MB-CUT",
            state([(8, 16)]),
            ops.CapMemoryRange(8, 4),
            state([(8, 14)]),
        ),
        ("MB-NID", state(), ops.Add(8, 8), state(cells((8, 16), nid=0))),
        ("MB-NID", state([(8, 16)]), ops.Free(8, 8), state(cells((8, 16), nid=0))),
        (
            "MB-NID",
            state(cells((8, 16), flags=HOTPLUG)),
            ops.FreeAll(),
            state(cells((8, 16), flags=HOTPLUG)),
        ),
        (
            "MB-NID",
            state(cells((8, 16), nid=1), [(8, 16)]),
            ops.InitReservedPages(),
            state(cells((8, 16), nid=1), [(8, 16)]),
        ),
        ("MB-MINIMAL", state([(8, 24)]), ops.Add(8, 16), TWO),
        (
            "MB-RESV",
            state([(8, 16)], [(8, 12)]),
            ops.ReserveDt(8, 8, True),
            state(cells((8, 16), flags=NOMAP), [(8, 12)]),
        ),
        ("MB-ALIGN", state([(9, 16)]), ops.TrimMemory(4), state([(9, 16)])),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_each_rule_of_memblock_steps_complains(rule, before, op, after):
    assert rule in broken(before, op, after)


def test_a_new_array_in_the_range_in_hand_is_named():
    doubled = Outcome(None, (Doubled("memory", 8, Addr(32)),))
    before, after = state([(8, 64)]), state([(8, 32)])
    assert "MB-META" in broken(before, ops.Remove(32, 32), after, doubled)


def test_marks_stay_where_there_is_no_room_to_take_them_off():
    full = state(cells((0, 4), (8, 12), (16, 20), flags=HOTPLUG))
    assert broken(full, ops.FreeAll(), full) == []
    homeless = state([(0, 20)], [(0, 4), (8, 12), (16, 20)])
    assert broken(homeless, ops.InitReservedPages(), homeless) == []


# ------------------------------------------------------------------ memblock: answers


@pytest.mark.parametrize(
    ("rule", "op", "wrong"),
    [
        ("RET-CODE", ops.Add(8, 8), None),
        ("RET-CODE", ops.Add(8, 8), Outcome(Errno.ENOMEM)),
        ("RET-CODE", ops.Add(8, 8), Outcome(Bug("no"))),
        ("RET-CODE", ops.SetBottomUp(True), Outcome(Errno.EINVAL)),
        ("RET-CODE", ops.SetCurrentLimit(8), Outcome(Errno.EINVAL)),
        ("RET-CODE", ops.AllowResize(), Outcome(Errno.EINVAL)),
        ("RET-CODE", ops.SlabIsUp(), Outcome(Errno.EINVAL)),
        ("MB-ALLOC", ops.PhysAlloc(8, 4), Outcome(Addr(50))),
        ("MB-ALLOC", ops.PhysAlloc(8, 4), Outcome(Addr(100))),
        ("MB-COMPLETE", ops.PhysAlloc(8, 4), Outcome(Addr(0))),
        ("RET-CODE", ops.PhysAlloc(80, 4), Outcome(Addr(16))),
        ("MB-META", ops.Add(80, 8), Outcome(None, (Doubled("memory", 8, Addr(32)),))),
        ("BOOT-HANDOFF", ops.FreeAll(), Outcome(Addr(12), ())),
        ("BOOT-HANDOFF", ops.FreeLate(16, 8), Outcome()),
        ("MB-OVERLAP", ops.IsReserved("memory", 16), False),
        ("MB-OVERLAP", ops.IsRegion("memory", 16, 4), False),
        ("MB-OVERLAP", ops.IsRegion("memory", 16, 0), False),
        ("MB-SUM", ops.Extent(), (16, 64, 48, 1)),
        ("MB-NID", ops.SearchPfnNid(4), None),
        ("MB-ITER", ops.ForEach("free"), ((16, 60, MAX_NUMNODES),)),
        ("MB-ITER", ops.ForEach("free_reverse"), ()),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_wrong_answer_of_memblock_is_refused_under_its_rule(rule, op, wrong):
    here = state([(16, 64)])
    with pytest.raises(Disallowed) as no:
        op.after(SMALL, here, wrong)
    assert no.value.rule == rule
    machine = MEMBLOCK.load(SMALL, here)
    with pytest.raises(Disallowed):
        MEMBLOCK.accept(machine, op, wrong)
    assert MEMBLOCK.abstract(machine) == here


def test_another_memblock_may_choose_another_place():
    """Any free, aligned block is permitted, and an array may lie anywhere free."""
    here = state([(16, 64)])
    after = ops.PhysAlloc(8, 4).after(SMALL, here, Outcome(Addr(16)))
    assert after.reserved.regions[0].base == 16
    full = replace(
        state([(16, 200)], [(16 * i, 16 * i + 4) for i in range(1, 5)]),
        can_resize=True,
    )
    told = Outcome(None, (Doubled("reserved", 8, Addr(160)),))
    after = ops.Reserve(100, 4).after(SMALL, full, told)
    assert after.reserved.array == 160
    for addr, why in ((164, "not free"), (62, "not aligned"), (96, "in hand")):
        wrong = Outcome(None, (Doubled("reserved", 8, Addr(addr)),))
        op = ops.Reserve(164, 4) if addr == 164 else ops.Reserve(100, 4)
        with pytest.raises(Disallowed, match="MB-META"):
            op.after(SMALL, full, wrong)
        assert why
    with pytest.raises(Disallowed, match="was not doubled although"):
        ops.Reserve(100, 4).after(SMALL, full, Outcome(Errno.ENOMEM))
    up = replace(full, slab_is_up=True)
    with pytest.raises(Disallowed, match="MB-META"):
        ops.Reserve(100, 4).after(SMALL, up, told)


def test_whether_nothing_overlaps_anything_is_left_open():
    here = state([(16, 64)])
    for answer in (True, False):
        assert ops.IsRegion("reserved", 20, 0).after(SMALL, here, answer) == here


def test_a_reservation_without_a_node_is_refused():
    later = replace(SMALL, release="6.6")
    here = state(cells((16, 64), nid=1), [(16, 20)])
    op = ops.InitReservedPages()
    right = op.choose(later, here)
    wrong = replace(right, events=tuple(replace(e, nid=-1) for e in right.events))
    with pytest.raises(Disallowed, match="MB-NID"):
        op.after(later, here, wrong)


# ------------------------------------------------------------------ memblock: corners


def test_an_array_that_empties_with_a_total_left_is_warned_of():
    """Only a trim that did not count can leave one (a quirk)."""
    odd = state(replace(cells((16, 20)), total_size=Addr(6)))
    assert ops.Remove(16, 4).choose(SMALL, odd).events == (NOT_ZERO,)
    empty = replace(odd, memory=Regions((), 4, Addr(2)))
    assert ops.Add(16, 4).choose(SMALL, empty).events == (NOT_ZERO,)


def test_a_search_for_an_array_warns_of_mirrored_memory_too():
    here = replace(
        state([(16, 200)], [(16 * i, 16 * i + 4) for i in range(1, 5)]),
        can_resize=True,
        has_mirror=True,
    )
    events = ops.Reserve(100, 4).choose(SMALL, here).events
    assert events[0] == NO_MIRROR


def test_a_cap_on_memory_that_is_gone_warns_of_its_total():
    odd = replace(state(), memory=Regions((), 4, Addr(2)))
    assert ops.CapMemoryRange(8, 8).choose(SMALL, odd).events == (NOT_ZERO,)


def test_nobody_may_go_on_where_the_kernel_stops():
    scarce = replace(SMALL, init_regions=2)
    arrays = [
        replace(cells(*spans), max=2)
        for spans in (((16, 36), (48, 52)), ((16, 20), (24, 28)))
    ]
    full = state(*arrays, can_resize=True)
    op = ops.Add(60, 4)
    assert op.choose(scarce, full).value == ops.BUG_ON
    doubled = Outcome(None, (Doubled("memory", 4, Addr(28)),))
    with pytest.raises(Disallowed, match="RET-CODE"):
        op.after(scarce, full, doubled)


def test_a_range_at_address_zero_has_nothing_below():
    """To 5.10, below address 0 means anywhere: the array splits the range, and stops.

    |  memory | 8-24 |  reserve 0-40 in 2 full slots: the array takes 16-24  |
    """
    memory, reserved = cells((8, 24)), replace(cells((50, 54), (60, 64)), max=2)
    here = state(memory, reserved, can_resize=True)
    op, real = ops.Reserve(0, 40), replace(SMALL, quirks=(DOUBLE_INTO_RANGE,))
    assert op.choose(SMALL, here).value is Errno.ENOMEM
    assert op.choose(real, here).value == ops.BUG_ON
