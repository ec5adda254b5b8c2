"""Red-black trees, case by case, as lib/rbtree.c (v5.10) treats them.

A picture is the tree on one line: `(1r 2b 3r)` is a black 2 above a red 1 and a red 3,
`.` an empty link.  Every history runs on the specification and on the machine at once.
"""

from dataclasses import replace
from itertools import pairwise

import pytest

from mmoracle.checkers.bind.rbtree import CONFIGS, RBTREE
from mmoracle.checkers.session import Session
from mmoracle.impl.rbtree import RbNode
from mmoracle.spec.core import Disallowed
from mmoracle.spec.linux import Bug
from mmoracle.spec.rbtree import (
    EMPTY,
    Branch,
    Config,
    Erase,
    First,
    Insert,
    Last,
    Next,
    Postorder,
    Prev,
    Replace,
    branch_of,
    tree_of,
)
from mmoracle.spec.rbtree.always import every_path_has_as_many_black_nodes, heights
from mmoracle.spec.rbtree.ops import ABSENT, MISPLACED, NOT_FIRST, PRESENT

PLAIN = Config(keys=32, nodes=32)
MAX = replace(PLAIN, values=32, summary="max")
GAP = replace(PLAIN, summary="gap")
CACHED = replace(PLAIN, cached=True)


# ------------------------------------------------------------------ pictures


def drawn(b):
    """Return the picture of a branch."""
    if b is None:
        return "."
    own, (left, right) = f"{b.key}{'r' if b.red else 'b'}", b.kids
    return own if b.kids == (None, None) else f"({drawn(left)} {own} {drawn(right)})"


def planted(words):
    """Return the branch at the head of a picture, taken apart into words."""
    word = words.pop(0)
    left = planted(words) if word == "(" else None
    own = words.pop(0) if word == "(" else word
    right = planted(words) if word == "(" else None
    if word == "(":
        assert words.pop(0) == ")"
    return (
        None if own == "." else Branch(int(own[:-1]), own[-1] == "r", 0, (left, right))
    )


def both(picture, *ops, cfg=PLAIN):
    """Do operations on the specification and the machine, starting from a picture.

    Answers, whole states, laws and invariants are compared after each one.
    """
    session = Session(RBTREE, cfg)
    words = picture.replace("(", "( ").replace(")", " )").split()
    session.state = tree_of(cfg, planted(words))
    session.machine = RBTREE.load(cfg, session.state)
    assert RBTREE.abstract(session.machine) == session.state
    for op in ops:
        session.do(op)
    return session


def shape(session):
    """Return the picture of the tree that a session reached."""
    return drawn(branch_of(session.state))


def inserts(keys, cfg=PLAIN):
    """Return the insertion of each key, with the flag that a cached tree is told."""
    keys = list(keys)
    first = [key == min(keys[: i + 1]) for i, key in enumerate(keys)]
    return [
        Insert(key, leftmost=cfg.cached and flag)
        for key, flag in zip(keys, first, strict=True)
    ]


def rotations(session):
    """Return how many rotate callbacks an augmented tree's owner saw."""
    answers = [entry.result for entry in session.trace]
    return sum(call[0] == "rotate" for calls in answers for call in calls)


# ------------------------------------------------------------------ vectors

ONE_TO_TEN = "((1b 2b 3b) 4b (5b 6b (7b 8r (. 9b 10r))))"
GROWN = [
    (range(1, 8), "(1b 2b (3b 4r (5r 6b 7r)))", 3),
    (range(7, 0, -1), "(((1r 2b 3r) 4r 5b) 6b 7b)", 3),
    ((10, 5, 15, 3, 7, 12, 18, 1), "(((1r 3b .) 5r 7b) 10b (12r 15b 18r))", 0),
    (range(1, 11), ONE_TO_TEN, 5),
]


@pytest.mark.parametrize("cfg", [PLAIN, MAX, CACHED], ids=["plain", "max", "cached"])
@pytest.mark.parametrize(("keys", "picture", "turns"), GROWN)
def test_a_tree_grown_key_by_key_has_the_shape_of_linux(cfg, keys, picture, turns):
    r"""Seven rising keys lean to the right and cost three rotations.

    |     2b               |
    |    /  \              |
    |   1b   4r            |   1 2 3 4 5 6 7, in this order
    |       /  \           |
    |      3b   6b         |
    |          /  \        |
    |         5r   7r      |
    """
    session = both(".", *inserts(keys, cfg), cfg=cfg)
    assert shape(session) == picture
    if cfg is MAX:
        assert rotations(session) == turns


@pytest.mark.parametrize(
    ("key", "picture"),
    [
        (4, "((1b 2b 3b) 5b ((. 6b 7r) 8b (. 9b 10r)))"),
        (2, "(((1r 3b .) 4b 5b) 6b (7b 8b (. 9b 10r)))"),
        (6, "((1b 2b 3b) 4b (5b 7b (8b 9r 10b)))"),
        (1, "(((. 2b 3r) 4b 5b) 6b (7b 8b (. 9b 10r)))"),
    ],
)
def test_one_erasure_from_the_tree_of_ten(key, picture):
    """The successor takes the victim's place, and the short side is mended.

    |  ((1b 2b 3b) 4b (5b 6b (7b 8r (. 9b 10r))))  -4 -> 5 in place of 4  |
    """
    assert shape(both(ONE_TO_TEN, Erase(key))) == picture


def test_five_erasures_in_a_row_from_the_tree_of_ten():
    """Erasing the smallest node again and again pulls the tree to the left.

    |  -1 -2: ((3b 4b 5b) 6b ...)  -3: ((. 4b 5r) 6b ...)  -4: (5b 6b ...)  |
    """
    session = both(ONE_TO_TEN, Erase(1))
    for key, picture in (
        (2, "((3b 4b 5b) 6b (7b 8b (. 9b 10r)))"),
        (3, "((. 4b 5r) 6b (7b 8r (. 9b 10r)))"),
        (4, "(5b 6b (7b 8r (. 9b 10r)))"),
        (5, "((. 6b 7r) 8b (. 9b 10r))"),
    ):
        session.do(Erase(key))
        assert shape(session) == picture


# ------------------------------------------------------------------ insertion

CASES = [
    # what happens, before, key, after, rotations
    ("the first node is the black root", ".", 1, "1b", 0),
    ("a black parent needs nothing", "2b", 1, "(1r 2b .)", 0),
    ("case 1, left", "(3r 5b 7r)", 1, "((1r 3b .) 5b 7b)", 0),
    ("case 1, right", "(3r 5b 7r)", 9, "(3b 5b (. 7b 9r))", 0),
    ("case 1, inner", "(3r 5b 7r)", 4, "((. 3b 4r) 5b 7b)", 0),
    ("case 2 and 3, left", "(1r 5b .)", 3, "(1r 3b 5r)", 2),
    ("case 2 and 3, right", "(. 1b 5r)", 3, "(1r 3b 5r)", 2),
    ("case 3, left", "(3r 5b .)", 1, "(1r 3b 5r)", 1),
    ("case 3, right", "(. 1b 3r)", 5, "(1r 3b 5r)", 1),
    (
        "case 1 twice, up to the root",
        "((1b 3r 5b) 7b (9b 11r (13r 15b 17r)))",
        19,
        "((1b 3b 5b) 7b (9b 11b (13b 15r (. 17b 19r))))",
        0,
    ),
    (
        "case 1, then case 3 with black inner subtrees",
        "(1b 3b (5b 7r (9r 11b 13r)))",
        15,
        "((1b 3r 5b) 7b (9b 11r (. 13b 15r)))",
        1,
    ),
]


@pytest.mark.parametrize(
    ("picture", "key", "after", "turns"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_each_case_of_rb_insert(picture, key, after, turns):
    r"""A red pair is recoloured under a red uncle, and turned under a black one.

    |    5b                5b         |      5b              3b        |
    |   /  \    case 1    /  \        |     /     case 2    /  \       |
    |  3r   7r    ->     3b   7b      |    1r     and 3    1r   5r     |
    |  +1                /            |     +3      ->                 |
    |                   1r            |                                |
    """
    assert shape(both(picture, Insert(key))) == after
    session = both(picture, Insert(key), cfg=MAX)
    assert shape(session) == after
    assert rotations(session) == turns


# ------------------------------------------------------------------ erasure

HOLES = [
    # what happens, before, key, after, rotations
    ("the last node leaves an empty tree", "1b", 1, ".", 0),
    ("a red leaf needs nothing", "(1r 2b 3r)", 1, "(. 2b 3r)", 0),
    ("an only left child turns black", "(1r 2b .)", 2, "1b", 0),
    ("an only right child turns black", "(. 1b 2r)", 1, "2b", 0),
    ("case 2 under a black root", "(1b 2b 3b)", 1, "(. 2b 3r)", 0),
    ("case 2 under a red parent", "(1b 2b (3b 4r 5b))", 3, "(1b 2b (. 4b 5r))", 0),
    ("case 4, left", "(1b 2b (. 3b 4r))", 1, "(2b 3b 4b)", 1),
    ("case 4, right", "((1r 2b .) 3b 4b)", 4, "(1b 2b 3b)", 1),
    ("case 4 wins over case 3", "(1b 2b (3r 4b 5r))", 1, "((. 2b 3r) 4b 5b)", 1),
    ("case 3 and 4, left", "(1b 2b (3r 4b .))", 1, "(2b 3b 4b)", 2),
    ("case 3 and 4, right", "((. 1b 2r) 3b 4b)", 4, "(1b 2b 3b)", 2),
    ("case 1 and 2, left", "(1b 2b (3b 4r 5b))", 1, "((. 2b 3r) 4b 5b)", 1),
    ("case 1 and 2, right", "((1b 2r 3b) 4b 5b)", 5, "(1b 2b (3r 4b .))", 1),
    (
        "case 1, 3 and 4: three rotations",
        "(1b 2b ((3r 4b .) 5r 6b))",
        1,
        "((2b 3r 4b) 5b 6b)",
        3,
    ),
    (
        "case 2 goes up to the root",
        "((1b 2b 3b) 4b (5b 6b 7b))",
        1,
        "((. 2b 3r) 4b (5b 6r 7b))",
        0,
    ),
]


@pytest.mark.parametrize(
    ("picture", "key", "after", "turns"),
    [case[1:] for case in HOLES],
    ids=[case[0] for case in HOLES],
)
def test_each_case_of_rb_erase_color(picture, key, after, turns):
    r"""A side that lost a black node gets one by a turn, or makes the other lose one.

    |   2b                  4b       |     2b                 3b       |
    |  /  \      case 4    /  \      |    /  \      case 3   /  \      |
    | 1b   4b      ->     2b   5b    |   1b   4b    and 4   2b   4b    |
    | -1  /  \              \        |   -1  /        ->               |
    |    3r   5r             3r      |      3r                         |
    """
    assert shape(both(picture, Erase(key))) == after
    session = both(picture, Erase(key), cfg=MAX)
    assert shape(session) == after
    assert rotations(session) == turns


def test_a_direct_successor_is_itself_the_short_parent():
    r"""When the successor is the right child, the repair begins at the successor.

    |    2b             3b       |
    |   /  \    -2     /         |   3 leaves a hole below itself,
    |  1b   3b   ->   1r         |   not below the old parent of 2
    """
    session = both("(1b 2b 3b)", Erase(2), cfg=MAX)
    assert shape(session) == "(1r 3b .)"
    assert session.trace[-1].result == (("copy", 2, 3), ("propagate", 3, None))


def test_a_deeper_successor_leaves_its_hole_to_its_parent():
    r"""The successor's old parent is refreshed up to it, then it up to the root.

    |      2b                 3b                                      |
    |     /  \       -2      /  \       copy(2 to 3), propagate(5..3),  |
    |    1b   5b      ->    1b   5b     propagate(3..root)              |
    |        /                                                        |
    |       3r                                                        |
    """
    session = both("(1b 2b (3r 5b .))", Erase(2), cfg=MAX)
    assert shape(session) == "(1b 3b 5b)"
    calls = (("copy", 2, 3), ("propagate", 5, 3), ("propagate", 3, None))
    assert session.trace[-1].result == calls


def test_the_successor_takes_the_victims_colour_and_not_its_key():
    """Nodes are relinked: the struct that was 3 is still the struct of 3.

    |  (1b 2b (3r 5b .))  -2 ->  (1b 3b 5b)    3 was red, and is black in 2's place  |
    """
    session = both("(1b 2b (3r 5b .))")
    three = session.machine.find(3)
    session.do(Erase(2))
    assert session.machine.rb_node is three
    assert not three.red


# ------------------------------------------------------------------ traps


def test_the_library_never_compares_keys():
    r"""Another order of the same names gives the same tree: only places count.

    |   2b            20b       |
    |  /  \     and   / \       |  insert 1 2 3 4, or 10 20 21 31
    | 1b   3b       10b  21b    |
    |       \             \     |
    |        4r           31r   |
    """
    low, high = (1, 2, 3, 4), (10, 20, 21, 31)
    one, other = both(".", *inserts(low)), both(".", *inserts(high))
    names = dict(zip(map(str, high), map(str, low), strict=True))
    renamed = shape(other)
    for new, old in names.items():
        renamed = renamed.replace(new, old)
    assert renamed == shape(one)


def test_equal_keys_are_the_owners_affair():
    """The library links a second 5 where it is told to; this owner asks for no twins.

    |   5b   +5  ->  "already in the tree", and the tree stays as it was  |
    """
    session = both("5b", Insert(5))
    assert session.trace[-1].result == PRESENT
    assert shape(session) == "5b"
    root, twin = session.machine, RbNode(5)
    root.rb_link_node(twin, root.rb_node)
    root.rb_insert_color(twin)
    assert root.rb_node.right is twin
    assert twin.red


def test_the_height_is_not_the_logarithm():
    """Ten nodes may be five deep: more than log2(10), less than 2 log2(11).

    |  ((1b 2b 3b) 4b (5b 6b (7b 8r (. 9b 10r))))    4 - 6 - 8 - 9 - 10  |
    """
    ends = heights(both(ONE_TO_TEN).state)
    depth = max(depth for _, _, depth in ends)
    assert depth == 5
    assert 2**4 > 10
    assert 2**depth <= 11**2


def test_an_only_child_of_a_black_node_is_red():
    """So erasing its parent needs a new colour and no repair.

    |   2b                    |
    |  /     -2  ->   1b      |   a black 1 would make the left side taller
    | 1r                      |
    """
    assert shape(both("(1r 2b .)", Erase(2))) == "1b"
    wrong = tree_of(PLAIN, Branch(2, False, 0, (Branch(1, False, 0), None)))
    complaints = every_path_has_as_many_black_nodes(PLAIN, wrong)
    assert list(complaints) == ["1 black nodes down to 2 but 2 down to 1"]


def test_a_wrong_leftmost_flag_is_diagnosed():
    """Linux believes the caller's descent; here a lie is named instead of cached.

    |   5b      +3, "not the first"  ->  refused    |
    |   5b      +7, "the first"      ->  refused    |
    """
    session = both("5b", Insert(3), Insert(7, leftmost=True), cfg=CACHED)
    assert [entry.result for entry in session.trace] == [NOT_FIRST, NOT_FIRST]
    session.do(Insert(3, leftmost=True))
    assert session.state.leftmost == 3


def test_erasing_the_cached_node_moves_the_cache_on():
    """rb_erase_cached() asks for the next node before it unlinks.

    |  leftmost 1: (1r 2b 3r)  -1 ->  leftmost 2  -2 ->  3  -3 ->  none  |
    """
    session, first = both("(1r 2b 3r)", cfg=CACHED), []
    for key in (1, 2, 3):
        session.do(Erase(key))
        first.append(session.state.leftmost)
    assert first == [2, 3, None]


def test_replacing_the_cached_node_replaces_the_cache():
    """rb_replace_node_cached() keeps the first node first, under its new name.

    |  leftmost 2: (2r 5b 8r)   2 becomes 3 ->  leftmost 3: (3r 5b 8r)  |
    """
    session = both("(2r 5b 8r)", Replace(2, 3), cfg=CACHED)
    assert (session.state.leftmost, shape(session)) == (3, "(3r 5b 8r)")


def test_a_vma_is_linked_after_its_gaps_are_refreshed():
    r"""mm/mmap.c first refreshes the next node, then the new one, then rotates.

    |   9b                 5b              |
    |  /         +5       /  \             |   propagate 9, propagate 5,
    | 2r          ->     2r   9r           |   rotate 2 5, rotate 9 5
    """
    session = both("(2r 9b .)", Insert(5), cfg=GAP)
    calls = (
        ("propagate", 9, None),
        ("propagate", 5, None),
        ("rotate", 2, 5),
        ("rotate", 9, 5),
    )
    assert session.trace[-1].result == calls
    assert {node.key: node.summary for node in session.state.nodes} == {
        2: 2,
        5: 4,
        9: 4,
    }


def test_a_vma_that_is_unlinked_widens_the_gap_behind_it():
    r"""After the erasure the next node is refreshed once more.

    |   5b                             |
    |  /  \     -5    gap of 9: 4 -> 7 |   copy 5 9, propagate 9, propagate 9
    | 2r   9r    ->                    |
    """
    session = both("(2r 5b 9r)", Erase(5), cfg=GAP)
    calls = (("copy", 5, 9), ("propagate", 9, None), ("propagate", 9, None))
    assert session.trace[-1].result == calls
    assert session.state.nodes[-1].summary == 7


def test_a_new_maximum_is_carried_up_and_away_again():
    r"""A summary is the greatest value below: it follows insertions and erasures.

    |      2: 9              2: 4         |
    |     /    \     -3     /             |   the value of 3 is 9, of 1 is 4
    |  1: 4   3: 9   ->  1: 4             |
    """
    ops = (Insert(2, 1), Insert(1, 4), Insert(3, 9))
    session = both(".", *ops, cfg=MAX)
    assert [node.summary for node in session.state.nodes] == [4, 9, 9]
    session.do(Erase(3))
    assert [node.summary for node in session.state.nodes] == [4, 4]


def test_erasing_leaves_the_victims_own_links_alone():
    r"""Whoever wants an empty node must clear it: rb_erase() does not.

    |   2b                                           |
    |  /  \     -1     1 still names 2 as its parent |
    | 1r   3r                                        |
    """
    session = both("(1r 2b 3r)")
    victim, root = session.machine.find(1), session.machine.rb_node
    session.do(Erase(1))
    assert victim.parent is root
    assert root.left is None


def test_what_is_not_linked_is_diagnosed_and_has_no_neighbours():
    """An empty node has no next; erasing or replacing one is a caller's mistake.

    |  (1r 3b 5r)   next(2) none, prev(4) none, -2 and 2 to 4 refused  |
    """
    ops = (Next(2), Prev(4), Erase(2), Replace(2, 4))
    session = both("(1r 3b 5r)", *ops)
    assert [entry.result for entry in session.trace] == [None, None, ABSENT, ABSENT]


def test_a_replacement_keeps_the_owners_order():
    """A new node may stand anywhere between the victim's neighbours, and not beyond.

    |  (2r 5b 8r)   5 to 6: (2r 6b 8r)    6 to 8 and 6 to 1: refused  |
    """
    session = both("(2r 5b 8r)", Replace(5, 6), Replace(6, 8), Replace(6, 1))
    assert [entry.result for entry in session.trace] == [(), MISPLACED, MISPLACED]
    assert shape(session) == "(2r 6b 8r)"


def test_a_node_may_be_replaced_by_one_of_the_same_place():
    """Nothing but the identity changes when the new node has the old key.

    |  (2r 5b 8r)   5 to 5: (2r 5b 8r)  |
    """
    assert shape(both("(2r 5b 8r)", Replace(5, 5))) == "(2r 5b 8r)"


# ------------------------------------------------------------------ walks


def test_next_and_prev_are_each_others_inverse():
    """The walk from first to last is the walk from last to first, turned round.

    |  1 - 2 - 3 - 4 - 5 - 6 - 7 - 8 - 9 - 10  |
    """
    session = both(ONE_TO_TEN, First(), Last())
    assert [entry.result for entry in session.trace] == [1, 10]
    for one, other in pairwise(range(1, 11)):
        assert session.do(Next(one)) == other
        assert session.do(Prev(other)) == one
    assert session.do(Next(10)) is None
    assert session.do(Prev(1)) is None


def test_an_empty_tree_has_no_first_and_no_last():
    """Every walk of RB_ROOT is over before it begins.

    |  .  |
    """
    session = both(".", First(), Last(), Postorder())
    assert [entry.result for entry in session.trace] == [None, None, ()]
    assert session.state == EMPTY


def test_children_come_before_their_parent_in_post_order():
    r"""So an owner may free each node as the walk passes it.

    |      4b          |
    |     /  \         |
    |    2b   5b       |   1 3 2 6 5 4
    |   /  \    \      |
    |  1r   3r   6r    |
    """
    session = both("((1r 2b 3r) 4b (. 5b 6r))", Postorder())
    assert session.trace[-1].result == (1, 3, 2, 6, 5, 4)


# ------------------------------------------------------------------ other answers


@pytest.mark.parametrize(
    ("op", "wrong", "rule"),
    [
        (Insert(4), Bug("full"), "CONTRACT-INSERT"),
        (Insert(3), (), "CONTRACT-INSERT"),
        (Erase(3), ABSENT, "CONTRACT-ERASE"),
        (Erase(4), (), "CONTRACT-ERASE"),
        (Replace(3, 2), MISPLACED, "CONTRACT-INSERT"),
        (Replace(3, 9), (), "CONTRACT-INSERT"),
        (First(), 3, "ITER-EXACT"),
        (Last(), None, "ITER-EXACT"),
        (Next(3), 1, "ITER-EXACT"),
        (Prev(3), 5, "ITER-EXACT"),
        (Postorder(), (1, 3), "ITER-EXACT"),
        (Postorder(), (1, 3, 5, 5), "ITER-EXACT"),
    ],
    ids=repr,
)
def test_a_wrong_answer_is_refused_under_its_rule(op, wrong, rule):
    r"""Of the tree 1 - 3 - 5, nobody may say anything else than this.

    |   3b       |
    |  /  \      |
    | 1r   5r    |
    """
    session = both("(1r 3b 5r)")
    with pytest.raises(Disallowed) as no:
        op.after(PLAIN, session.state, wrong)
    assert no.value.rule.startswith(rule)
    with pytest.raises(Disallowed) as no:
        RBTREE.accept(session.machine, op, wrong)
    assert no.value.rule.startswith(rule)


def test_another_tree_may_walk_in_another_post_order():
    """A correct tree of another shape visits each node once, in its own order.

    |  (1r 3b 5r)   1 5 3 here, 1 3 5 in a tree whose root is 5  |
    """
    session = both("(1r 3b 5r)")
    for order in ((1, 5, 3), (1, 3, 5)):
        assert Postorder().after(PLAIN, session.state, order) == session.state
        RBTREE.accept(session.machine, Postorder(), order)


def test_a_full_configuration_offers_no_insertion():
    """Exploration stops growing at the bound, and a gap tree replaces nothing.

    |  nodes=1:  5b  and no further Insert    |
    """
    one = replace(PLAIN, nodes=1)
    assert [len(each) for each in Insert.domain(one, both("5b").state).values()] == [0]
    assert [len(each) for each in Replace.domain(GAP, EMPTY).values()] == [0]
    assert len(Insert.domain(CONFIGS["tiny-cached"], EMPTY)["leftmost"]) == 2
