"""Pairs of rights and retries, and of what mends red-black trees."""

from __future__ import annotations

from mmoracle.checkers.bind.rbtree import abstract, load
from mmoracle.checkers.crosshair import Pair
from mmoracle.impl.compaction import defer as compaction_machine
from mmoracle.impl.freelist import request as request_machine
from mmoracle.impl.rbtree import Augment, RbNode, RbRoot
from mmoracle.impl.slowpath import decisions
from mmoracle.spec.compaction import defer
from mmoracle.spec.freelist import request
from mmoracle.spec.linux import Gfp
from mmoracle.spec.rbtree import tree
from mmoracle.spec.rbtree.tree import Branch
from mmoracle.spec.slowpath import flags, retry
from mmoracle.spec.slowpath.request import Context

# ------------------------------------------------------------------ rights, retries


def asked(atomic: bool, nomemalloc: bool, memalloc: bool) -> int:
    """Return gfp flags with these bits, and HIGH."""
    return (
        (Gfp.ATOMIC if atomic else 0)
        + (Gfp.NOMEMALLOC if nomemalloc else 0)
        + (Gfp.MEMALLOC if memalloc else 0)
        + Gfp.HIGH
    )


def asker(first: bool, softirq: bool, hardirq: bool, kind: Context) -> int:
    """Return who asks: a task of some kind, in an interrupt or not."""
    return (
        (kind if first else 0)
        + (Context.SOFTIRQ if softirq else 0)
        + (Context.HARDIRQ if hardirq else 0)
    )


def alloc_flags(
    atomic: bool, nomemalloc: bool, realtime: bool, soft: bool, hard: bool
) -> int:
    """Return the alloc flags of a request, as specified."""
    who = asker(realtime, soft, hard, Context.REALTIME)
    return int(flags.alloc_flags(asked(atomic, nomemalloc, False), who))


def alloc_flags_by_machine(
    atomic: bool, nomemalloc: bool, realtime: bool, soft: bool, hard: bool
) -> int:
    """Return them as the machine does."""
    who = asker(realtime, soft, hard, Context.REALTIME)
    gfp = asked(atomic, nomemalloc, False)
    return int(decisions.gfp_to_alloc_flags(gfp, who))


def reserves(
    nomemalloc: bool, memalloc: bool, frees: bool, victim: bool, soft: bool, hard: bool
) -> int:
    """Return which reserves a request may use, as specified."""
    who = asker(frees, soft, hard, Context.MEMALLOC)
    who += Context.VICTIM if victim else 0
    return flags.reserve_flags(asked(False, nomemalloc, memalloc), who)


def reserves_by_machine(
    nomemalloc: bool, memalloc: bool, frees: bool, victim: bool, soft: bool, hard: bool
) -> int:
    """Return them as the machine does."""
    who = asker(frees, soft, hard, Context.MEMALLOC)
    who += Context.VICTIM if victim else 0
    return decisions.gfp_pfmemalloc_flags(asked(False, nomemalloc, memalloc), who)


def compaction_again(
    result: int, priority: int, retries: int, costly: bool, most: int, fit: bool
) -> tuple[bool, int, int]:
    """Decide on another round for compaction, as specified."""
    got = retry.compaction_again(result, priority, retries, costly, most, fit)
    return got.again, got.priority, got.retries


def compaction_again_by_machine(
    result: int, priority: int, retries: int, costly: bool, most: int, fit: bool
) -> tuple[bool, int, int]:
    """Decide as the machine does."""
    return decisions.should_compact_retry(result, priority, retries, costly, most, fit)


def rounds(loops: int, gained: bool, costly: bool) -> int:
    """Return the rounds in a row without progress, as specified."""
    return int(retry.no_progress(loops, gained, costly))


def rounds_by_machine(loops: int, gained: bool, costly: bool) -> int:
    """Return them as the machine does."""
    return int(decisions.count_no_progress(loops, gained, costly))


def reclaimable(pages: int, free: int, counts_free: bool) -> int:
    """Return what may be reclaimed, as specified."""
    return int(retry.reclaimable_pages(pages, free, counts_free))


def reclaimable_by_machine(pages: int, free: int, counts_free: bool) -> int:
    """Return it as the machine does."""
    return int(decisions.zone_reclaimable_pages(pages, free, counts_free))


def fragmentation(pages: int, blocks: int) -> int:
    """Return why a block of order 3 is missing, as specified."""
    return defer.index_of(pages, blocks, 1 << 3)


def fragmentation_by_machine(pages: int, blocks: int) -> int:
    """Return it as the machine does."""
    return compaction_machine.missing_block(pages, blocks, 3)


def room(order: int) -> int:
    """Return the pages that compaction needs for an order, as specified."""
    return defer.compact_gap(order % 11)


def room_by_machine(order: int) -> int:
    """Return them as the machine does."""
    return compaction_machine.compact_gap(order % 11)


def left_by_scope(io: bool, fs: bool, noio: bool, nofs: bool) -> int:
    """Return what a task's scope leaves of a request, as specified."""
    gfp = (Gfp.IO if io else 0) + (Gfp.FS if fs else 0) + Gfp.ATOMIC
    return int(request.gfp_of_context(gfp, noio, nofs))


def left_by_scope_by_machine(io: bool, fs: bool, noio: bool, nofs: bool) -> int:
    """Return it as the machine does."""
    gfp = (Gfp.IO if io else 0) + (Gfp.FS if fs else 0) + Gfp.ATOMIC
    return int(request_machine.current_gfp_context(gfp, noio, nofs))


# ------------------------------------------------------------------ trees

PLAIN = tree.Config(keys=0, nodes=0)


def leaf(key: int, red: bool, own: int = 0) -> Branch:
    """Return a node without children."""
    return Branch(key, red, own)


def with_kids(
    b: Branch, side: int, here: Branch | None, there: Branch | None
) -> Branch:
    """Return a node with one child on a side and another on the other side."""
    return tree.hang(tree.hang(b, side, here), 1 - side, there)


def red_pair(left: bool, outer: bool, uncle: bool) -> tuple[tree.Path, Branch]:
    """Return a way to a red node under a red one; the uncle is red or not there."""
    p_side = 0 if left else 1
    side = p_side if outer else 1 - p_side
    g = with_kids(
        leaf(1, False), p_side, leaf(2, True), leaf(4, True) if uncle else None
    )
    return [(g, p_side), (leaf(2, True), side)], leaf(3, True)


def linked(node: RbNode | None, key: int) -> RbNode:
    """Return the node with a key, which is in the machine's tree below this one."""
    waiting = [node]
    while (node := waiting.pop()) is None or node.key != key:
        waiting += [node.left, node.right] if node else []
    return node


def settled(left: bool, outer: bool, uncle: bool) -> tree.Tree:
    """Mend a red pair at the root of a tree, as specified."""
    path, b = red_pair(left, outer, uncle)
    return tree.tree_of(PLAIN, tree.settle(path, b, []))


def settled_by_machine(left: bool, outer: bool, uncle: bool) -> tree.Tree:
    """Mend it as the machine does."""
    path, b = red_pair(left, outer, uncle)
    root = load(PLAIN, tree.tree_of(PLAIN, tree.graft(path, b)))
    root.rb_insert_color(linked(root.rb_node, b.key))
    return abstract(root)


def lacking(left: bool, above: bool, rosy: bool, near: bool, far: bool) -> tree.Path:
    """Return a way to an empty link on a side that lacks a black node.

    The parent is red if `above`, unless the sibling is: if `rosy`.  The nephews that
    are told of are red or not there.
    """
    side = 0 if left else 1
    nephews = leaf(5, True) if near else None, leaf(6, True) if far else None
    s = with_kids(leaf(2, False), side, *nephews)
    if rosy:
        s = with_kids(leaf(3, True), side, s, leaf(4, False))
    return [(with_kids(leaf(1, above and not rosy), side, None, s), side)]


def replenished(
    left: bool, above: bool, rosy: bool, near: bool, far: bool
) -> tree.Tree:
    """Mend a side that lacks a black node, as specified."""
    path = lacking(left, above, rosy, near, far)
    return tree.tree_of(PLAIN, tree.replenish(path, None, []))


def replenished_by_machine(
    left: bool, above: bool, rosy: bool, near: bool, far: bool
) -> tree.Tree:
    """Mend it as the machine does."""
    path = lacking(left, above, rosy, near, far)
    root = load(PLAIN, tree.tree_of(PLAIN, tree.graft(path, None)))
    root._erase_color(linked(root.rb_node, 1))
    return abstract(root)


def summary(own: int, left: int, right: int) -> int:
    """Return the greatest number in a tree of three, as specified."""
    cfg = tree.Config(keys=0, nodes=0, summary="max")
    b = with_kids(
        leaf(2, False, abs(own)), 0, leaf(1, True, left), leaf(3, True, right)
    )
    return tree.tree_of(cfg, b).nodes[1].summary


def summary_by_machine(own: int, left: int, right: int) -> int:
    """Return it as the machine does, from the summaries below."""
    node = RbNode(2, abs(own))
    node.left, node.right = RbNode(1), RbNode(3)
    node.left.summary, node.right.summary = left, right
    return Augment().compute(node)


STEPS = (
    Pair(
        alloc_flags,
        alloc_flags_by_machine,
        (flags.alloc_flags, decisions.gfp_to_alloc_flags),
    ),
    Pair(
        reserves,
        reserves_by_machine,
        (flags.reserve_flags, decisions.gfp_pfmemalloc_flags),
    ),
    Pair(
        compaction_again,
        compaction_again_by_machine,
        (retry.compaction_again, decisions.should_compact_retry),
        patience=6.0,
    ),
    Pair(rounds, rounds_by_machine, (retry.no_progress, decisions.count_no_progress)),
    Pair(
        reclaimable,
        reclaimable_by_machine,
        (retry.reclaimable_pages, decisions.zone_reclaimable_pages),
    ),
    Pair(room, room_by_machine, (defer.compact_gap, compaction_machine.compact_gap)),
    Pair(
        fragmentation,
        fragmentation_by_machine,
        (defer.index_of, compaction_machine.missing_block),
    ),
    Pair(
        left_by_scope,
        left_by_scope_by_machine,
        (request.gfp_of_context, request_machine.current_gfp_context),
    ),
    Pair(settled, settled_by_machine, (tree.settle, RbRoot.rb_insert_color)),
    Pair(replenished, replenished_by_machine, (tree.replenish, RbRoot._erase_color)),
    Pair(summary, summary_by_machine, (tree.tree_of, Augment.compute)),
)
