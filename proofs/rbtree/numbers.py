"""Red-black trees: what else both sides do alike on symbolic keys and values.

Summaries with any values, gaps between any keys, refusals, replacements and walks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Symbolic
from mmoracle.checkers.mutants.rbtree import (
    drop_the_left_child,
    go_right_only,
    insert_twice,
    keep_victim,
    leave_link,
    propagate_nothing,
    refresh_too_early,
    stop_before_the_root,
    trust_flag,
    walk_from_nothing,
)
from mmoracle.checkers.word import Bounded, Whole
from mmoracle.impl.rbtree import (
    Augment,
    GapAugment,
    RbRoot,
    RbTree,
    RbWalks,
)
from mmoracle.spec import rbtree as spec
from mmoracle.spec.rbtree import ops
from mmoracle.spec.rbtree import tree as rbtree

from .machine import without_fault
from .pairs import CACHED, GAP, MAX, PLAIN, Pair, grown
from .words import History, apart, orders


def apart_but_the_last(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that no two keys are the same, but maybe the last."""
    return apart(top, *words[:-1])


@without_fault
def any_values_are_summed_up_alike(top: Any, *words: Any) -> bool:
    """With any values, after three insertions and any erasure: the same maxima."""
    keys, values, key = words[:3], words[3:6], words[6]
    pair = grown(MAX, keys, values)
    return pair is not None and pair.do(spec.Erase(key))


@without_fault
def any_gaps_are_kept_alike(top: Any, *words: Any) -> bool:
    """With any keys, after three insertions and any erasure: the same widest gaps."""
    *keys, key = words
    pair = grown(GAP, keys)
    return pair is not None and pair.do(spec.Erase(key))


@without_fault
def both_refuse_the_same_insertions(top: Any, a: Any, b: Any, key: Any, f: Any) -> bool:
    """A key that is there, and a wrong word about the first node, are refused alike."""
    pair = grown(CACHED, (a, b))
    return pair is not None and pair.do(spec.Insert(key, 0, bool(f == 1)))


def two_keys(top: Any, a: Any, b: Any, *rest: Any) -> Iterable[Any]:
    """Assume that the first two keys differ."""
    return (a != b,)


@without_fault
def both_know_which_keys_are_linked(top: Any, a: Any, b: Any, key: Any, f: Any) -> bool:
    """Asked beforehand, the machine refuses what the specification refuses."""
    pair = grown(CACHED, (a, b))
    if pair is None:
        return False
    there, flag = spec.has(pair.t, key), bool(f == 1)
    no = spec.Insert(key, 0, flag).refusal(pair.cfg, pair.t)
    root = pair.root
    return (
        (key in root) is there
        and root.why_not_erase(key) == (None if there else ops.ABSENT)
        and root.why_not_insert(key, flag) == no
        and len(root) == 2
        and bool(root)
    )


@without_fault
def replacing_leaves_the_same_tree(top: Any, *words: Any) -> bool:
    """Any key by any other: refused alike, or the new node takes place and number."""
    *keys, victim, new = words
    pair = grown(CACHED, keys)
    return pair is not None and pair.do(spec.Replace(victim, new))


def three_keys(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that no two of the first three words are the same."""
    return apart(top, *words[:3])


@without_fault
def walks_meet_the_same_nodes(top: Any, *words: Any) -> bool:
    """The first, the last, the neighbours of any key, and all, children first."""
    *keys, key = words
    pair = Pair(PLAIN)
    if not all(pair.do(op) for op in walks(key)):
        return False
    whole = grown(PLAIN, keys)
    return whole is not None and all(whole.do(op) for op in walks(key))


def walks(key: Any) -> tuple[Any, ...]:
    """Return every walk; those from a key start there."""
    ends = (spec.First(), spec.Last(), spec.Postorder())
    return (*ends, spec.Next(key), spec.Prev(key))


# ------------------------------------------------------------------ histories


def valued_history(top: int, *words: int) -> History:
    """Return the insertions with their values, and the erasure."""
    return MAX, [*map(spec.Insert, words[:3], words[3:6]), spec.Erase(words[6])]


def gap_history(top: int, *words: int) -> History:
    """Return the insertions and the erasure."""
    *keys, key = words
    return GAP, [*map(spec.Insert, keys), spec.Erase(key)]


def walk_history(top: int, *words: int) -> History:
    """Return the insertions and the walks."""
    *keys, key = words
    return PLAIN, [spec.Postorder(), *map(spec.Insert, keys), *walks(key)]


# ------------------------------------------------------------------ mistakes


def refuse_nothing(t: Any, key: Any) -> bool:
    """Take every key for one that is not linked."""
    return False


def refuse_what_is_there(root: RbRoot, key: Any) -> Any:
    """Take a key that is linked for one that is not."""
    return None if root.find(key) is None else ops.ABSENT


def the_first_after(t: Any, key: Any) -> Any:
    """Take the first key for the one that follows."""
    return t.nodes[0].key if t.nodes else None


KEYS = tuple(f"k{at}" for at in range(4))

NUMBERS = (
    Lemma(
        claim=any_values_are_summed_up_alike,
        names=(*KEYS[:3], "v0", "v1", "v2", "key"),
        given=three_keys,
        history=valued_history,
        provers=(Symbolic(Whole), Symbolic(Bounded)),
        mistakes=(
            Mistake(Augment, "compute", drop_the_left_child, bug="P24"),
            Mistake(Augment, "propagate", propagate_nothing, bug="P24"),
        ),
        size="3 nodes",
    ),
    Lemma(
        claim=any_gaps_are_kept_alike,
        names=(*KEYS[:3], "key"),
        given=apart_but_the_last,
        history=gap_history,
        slow=True,
        provers=(Symbolic(Bounded), Sweep(4, orders(3, 1))),
        mistakes=(
            Mistake(GapAugment, "announce", refresh_too_early, bug="P17"),
            Mistake(rbtree, "following", the_first_after),
        ),
        size="3 nodes",
    ),
    Lemma(
        claim=both_refuse_the_same_insertions,
        given=two_keys,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbRoot, "_refusal", trust_flag),
            Mistake(RbRoot, "insert", insert_twice),
        ),
        size="2 nodes",
    ),
    Lemma(
        claim=both_know_which_keys_are_linked,
        given=two_keys,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbRoot, "_refusal", trust_flag),
            Mistake(RbRoot, "why_not_erase", refuse_what_is_there),
            Mistake(spec, "has", refuse_nothing),
        ),
        size="2 nodes",
    ),
    Lemma(
        claim=replacing_leaves_the_same_tree,
        names=(*KEYS[:3], "victim", "new"),
        given=three_keys,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbTree, "rb_replace_node", leave_link),
            Mistake(RbRoot, "replace", keep_victim),
        ),
        size="3 nodes",
    ),
    Lemma(
        claim=walks_meet_the_same_nodes,
        names=(*KEYS[:4], "key"),
        given=apart_but_the_last,
        history=walk_history,
        provers=(Symbolic(Whole), Symbolic(Bounded)),
        mistakes=(
            Mistake(RbWalks, "postorder", walk_from_nothing, bug="P25"),
            Mistake(RbWalks, "postorder", stop_before_the_root, bug="P25"),
            Mistake(RbWalks, "rb_next", go_right_only),
            Mistake(ops, "has", refuse_nothing),
        ),
        size="4 nodes",
    ),
)
