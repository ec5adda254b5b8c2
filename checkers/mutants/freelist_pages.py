"""Mistakes in how a page is prepared, whose turn it is, and what others do."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.freelist import alloc, walk
from mmoracle.impl.freelist.alloc import Asked, FreeLists, Settled, Value
from mmoracle.impl.freelist.request import (
    THISNODE,
    is_zeroed,
    next_node_in,
    offset_il_node,
)
from mmoracle.impl.freelist.walk import Context, Page, Walker
from mmoracle.impl.freelist.zone import INTERLEAVE_HIT, Zone

# ------------------------------------------------------------------ the page


def zeros_forgotten(*args: Any) -> bool:
    """Leave what somebody else wrote in a page that must be zero."""
    return False


def zeros_twice(gfp: int, on_alloc: bool, on_free: bool, *poison: bool) -> bool:
    """Fill pages with zeros that were filled when they were freed."""
    return is_zeroed(gfp, on_alloc, False, *poison)


def zeros_on_request(gfp: int, on_alloc: bool, on_free: bool, *poison: bool) -> bool:
    """Fill a page only where zeros were asked for."""
    return is_zeroed(gfp, False, on_free, *poison)


def zeros_over_poison(gfp: int, on_alloc: bool, on_free: bool, *poison: bool) -> bool:
    """Fill every page where pages are poisoned as well."""
    return (on_alloc and not on_free) or is_zeroed(gfp, on_alloc, on_free, *poison)


def poison_is_no_zero(
    gfp: int, on_alloc: bool, on_free: bool, poisoned: bool, zero: bool
) -> bool:
    """Fill a page with zeros that is poisoned with zeros."""
    return is_zeroed(gfp, on_alloc, on_free, poisoned, False)


def joined_always(self: Walker, ac: Context, zone: Zone, flags: int) -> Page:
    """Make every block a compound page."""
    at, zeroed, _, pfmemalloc = _prep(self, ac, zone, flags)
    return at, zeroed, ac.order > 0, pfmemalloc


def joined_single(self: Walker, ac: Context, zone: Zone, flags: int) -> Page:
    """Make a single page a compound page."""
    at, zeroed, _, pfmemalloc = _prep(self, ac, zone, flags)
    return at, zeroed, ac.gfp & walk.COMP != 0, pfmemalloc


def never_pfmemalloc(self: Walker, ac: Context, zone: Zone, flags: int) -> Page:
    """Forget to mark a page of the last reserve."""
    return (*_prep(self, ac, zone, flags)[:3], False)


def pfmemalloc_when_eager(self: Walker, ac: Context, zone: Zone, flags: int) -> Page:
    """Mark a page as if no watermark had counted, where one was only lower."""
    eager = flags & (walk.HARDER | walk.NO_WATERMARKS) != 0
    return (*_prep(self, ac, zone, flags)[:3], eager)


_prep = Walker.prep_new_page

# ------------------------------------------------------------------ nodes, turns


def memoryless_is_here(self: FreeLists, node: int) -> int:
    """Take the node on which a task runs for the nearest with memory."""
    return node


def no_node_is_zero(self: FreeLists, asked: Asked) -> Settled:
    """Take no node for node 0."""
    return _settle_node(self, asked._replace(nid=max(asked.nid, 0)))


def no_node_is_bad(self: FreeLists, asked: Asked) -> Settled:
    """Refuse a request that leaves the node open."""
    return alloc.BAD_NODE if asked.nid < 0 else _settle_node(self, asked)


def any_node_number(self: FreeLists, asked: Asked) -> Settled:
    """Take the first node for one that is not there."""
    nid = asked.nid if asked.nid < self.nodes else 0
    return _settle_node(self, asked._replace(nid=nid))


_settle_node = FreeLists.settle_node


def turn_stays(nid: int, mask: int, nodes: int) -> int:
    """Stay on a node as long as it is in the policy."""
    inside = mask >> nid & 1
    return nid if inside else next_node_in(nid, mask, nodes)


def turn_from_the_first(nid: int, mask: int, nodes: int) -> int:
    """Begin with the first node each time."""
    return next_node_in(nodes - 1, mask, nodes)


def turn_ends(nid: int, mask: int, nodes: int) -> int:
    """Stop at the last node of a policy."""
    above = mask >> (nid + 1) << (nid + 1)
    return (above & -above).bit_length() - 1 if above else nodes


def turn_of_all(nid: int, mask: int, nodes: int) -> int:
    """Go round all nodes, in the policy or not."""
    return (nid + 1) % nodes if mask else nodes


def turn_forgotten(self: FreeLists, offset: int | None, nid: int) -> None:
    """Forget whose turn it was."""


def turn_by_offset(self: FreeLists, offset: int | None, nid: int) -> None:
    """Let a page with an offset take a turn, too."""
    if nid < self.nodes:
        self.il_prev = nid


def offset_of_all(offset: int, mask: int, here: int) -> int:
    """Count nodes that are not in the policy."""
    return offset % mask.bit_length() if mask else here


def offset_from_the_second(offset: int, mask: int, here: int) -> int:
    """Begin with the second node of a policy."""
    return offset_il_node(offset + 1, mask, here)


def offset_without_a_policy(offset: int, mask: int, here: int) -> int:
    """Take the first node where a policy has none."""
    return offset_il_node(offset, mask, 0)


def policy_of_interrupts(self: FreeLists, asked: Asked, mode: int) -> int:
    """Let an interrupt follow the policy of the task that it interrupts."""
    return 0 if asked.gfp & THISNODE else mode


def policy_of_one_node(self: FreeLists, asked: Asked, mode: int) -> int:
    """Let a request for one node alone follow a policy."""
    return 0 if asked.task.interrupt else mode


def bound_for_all_zones(self: FreeLists, asked: Asked, nodes: int) -> bool:
    """Bind requests for lower zones as well."""
    return not self.cpusets or nodes & asked.task.mems != 0


def bound_off_the_cpuset(self: FreeLists, asked: Asked, nodes: int) -> bool:
    """Bind a task to nodes that its cpuset has not."""
    task = asked.task._replace(mems=-1)
    return _is_bound(self, asked._replace(task=task), nodes)


def bound_never(self: FreeLists, asked: Asked, nodes: int) -> bool:
    """Bind no request."""
    return False


def bound_unless_movable(self: FreeLists, asked: Asked, nodes: int) -> bool:
    """Take nodes that have movable memory alone for others."""
    return _is_bound(self, asked, nodes | 1) and nodes != 0


def preferred_is_here(self: FreeLists, asked: Asked, mode: int, nodes: int) -> Settled:
    """Prefer the node on which the task runs."""
    return _settle_current(self, asked, mode if mode == alloc.BIND else 0, nodes)


def preferred_is_bound(self: FreeLists, asked: Asked, mode: int, nodes: int) -> Settled:
    """Bind a request to the nodes that it only prefers."""
    asked = asked._replace(mask=nodes, masked=True) if mode == 1 and nodes else asked
    return _settle_current(self, asked, mode, nodes)


_is_bound, _settle_current = FreeLists.is_bound, FreeLists.settle_current


def interleaved_anywhere(self: FreeLists, got: Value, nid: int) -> None:
    """Count a page as interleaved that came from another node."""
    if self.counts and isinstance(got, tuple) and len(got) == 4:
        self.zones[got[0]].stats[INTERLEAVE_HIT] += 1


def interleaved_nowhere(self: FreeLists, got: Value, nid: int) -> None:
    """Count no page as interleaved."""


def interleaved_unserved(self: FreeLists, got: Value, nid: int) -> None:
    """Count a page as interleaved that the slow path has yet to find."""
    _count(self, got, nid)
    if self.counts and isinstance(got, tuple) and len(got) != 4:
        self.zones[nid].stats[INTERLEAVE_HIT] += 1


_count = FreeLists.count_interleaved

# ------------------------------------------------------------------ others


def free_two(self: FreeLists, at: int, order: int, mt: int) -> None:
    """Free a block twice."""
    self.zones[at].add(order, mt, 2)


def free_as_movable(self: FreeLists, at: int, order: int, mt: int) -> None:
    """Free every block as a movable one."""
    self.zones[at].add(order, 1, 1)


def take_none(self: FreeLists, at: int, order: int, mt: int) -> None:
    """Leave a block on its list that somebody takes."""


def take_another(self: FreeLists, at: int, order: int, mt: int) -> None:
    """Take a block of another type."""
    self.zones[at].add(order, (mt + 1) % 3, -1)


def boost_silently(self: FreeLists, at: int, boost: int) -> None:
    """Boost a watermark and leave kswapd asleep."""
    self.zones[at].boost = boost


def boost_ends_the_alarm(self: FreeLists, at: int, boost: int) -> None:
    """Forget that kswapd is to be woken when the boost ends."""
    zone = self.zones[at]
    zone.boost, zone.boosted = boost, boost > 0


def reserve_adds(self: FreeLists, at: int, pages: int) -> None:
    """Add to the high-atomic reserve for ever."""
    self.zones[at].highatomic += pages


# ------------------------------------------------------------------ other policies


def any_zone_fails(self: FreeLists, ac: Context, flags: int) -> list[Zone]:
    """Fail a request although a zone may serve it."""
    return _usable(self, ac, flags)[1:]


def any_mark(self: FreeLists, ac: Context, flags: int) -> list[Zone]:
    """Serve a request from a zone below its mark."""
    return _usable(self, ac, flags | walk.NO_WATERMARKS)


def any_page(self: FreeLists, ac: Context, zone: Zone, flags: int) -> bool:
    """Serve a request from a zone whose pages are gone."""
    lower, ac.lower = ac.lower, ac.lower._replace(lost=0)
    found = _has_page(self, ac, zone, flags)
    ac.lower = lower
    return found


_usable, _has_page = FreeLists.usable, FreeLists.has_page


GO, STATE, RET = "ZL-ORDER", "EXACT-STATE", "RET-CODE"
CURRENT = "settle_current"
TABLE_OF, GIVES = "gfp_zone_table", "gfp_migratetype"
CMA, FRAGMENT = "current_alloc_flags", "alloc_flags_nofragment"
SCOPE, COUNTED = "current_gfp_context", "count_interleaved"
PREPARE, NEXT, BY = "prepare_alloc_pages", "next_node_in", "offset_il_node"

TABLE = (
    ("zero-never", "PREP", "tiny-init", walk, "is_zeroed", zeros_forgotten),
    ("zero-twice", "PREP", "tiny-init-on-free", walk, "is_zeroed", zeros_twice),
    ("zero-asked", "PREP", "tiny-init-on-alloc", walk, "is_zeroed", zeros_on_request),
    ("zero-over-poison", "PREP", "tiny-poison", walk, "is_zeroed", zeros_over_poison),
    ("zero-poison", "PREP", "tiny-poison-zero", walk, "is_zeroed", poison_is_no_zero),
    ("comp-always", "PREP", "tiny-init", Walker, "prep_new_page", joined_always),
    ("comp-single", "PREP", "tiny-init", Walker, "prep_new_page", joined_single),
    ("pfmemalloc", "PREP", "tiny-flags", Walker, "prep_new_page", never_pfmemalloc),
    (
        "pfmemalloc-eager",
        "PREP",
        "tiny-flags",
        Walker,
        "prep_new_page",
        pfmemalloc_when_eager,
    ),
    ("node-memoryless", GO, "tiny-nodes", FreeLists, "numa_mem_id", memoryless_is_here),
    ("node-zero", GO, "tiny-nodes", FreeLists, "settle_node", no_node_is_zero),
    ("node-open", GO, "tiny-nodes", FreeLists, "settle_node", no_node_is_bad),
    ("node-number", RET, "tiny-nodes", FreeLists, "settle_node", any_node_number),
    ("turn-stays", GO, "tiny-turns", alloc, NEXT, turn_stays),
    ("turn-first", GO, "tiny-turns", alloc, NEXT, turn_from_the_first),
    ("turn-ends", GO, "tiny-turns", alloc, NEXT, turn_ends),
    ("turn-of-all", GO, "tiny-turns", alloc, NEXT, turn_of_all),
    ("turn-forgotten", STATE, "tiny-turns", FreeLists, "turn", turn_forgotten),
    ("turn-by-offset", STATE, "tiny-turns", FreeLists, "turn", turn_by_offset),
    ("offset-of-all", GO, "tiny-turns", alloc, BY, offset_of_all),
    ("offset-second", GO, "tiny-turns", alloc, BY, offset_from_the_second),
    ("offset-nowhere", GO, "tiny-turns", alloc, BY, offset_without_a_policy),
    (
        "interleaved-anywhere",
        "NUMA-SUM",
        "tiny-counted-turns",
        FreeLists,
        COUNTED,
        interleaved_anywhere,
    ),
    (
        "interleaved-nowhere",
        STATE,
        "tiny-counted-turns",
        FreeLists,
        COUNTED,
        interleaved_nowhere,
    ),
    (
        "interleaved-unserved",
        "ALLOC-ATOMIC",
        "tiny-counted-turns",
        FreeLists,
        COUNTED,
        interleaved_unserved,
    ),
    (
        "policy-interrupt",
        GO,
        "tiny-policies",
        FreeLists,
        "heeded",
        policy_of_interrupts,
    ),
    (
        "policy-one-node",
        "II-N1",
        "tiny-policies",
        FreeLists,
        "heeded",
        policy_of_one_node,
    ),
    ("bound-all", GO, "tiny-policies", FreeLists, "is_bound", bound_for_all_zones),
    ("bound-cpuset", GO, "tiny-policies", FreeLists, "is_bound", bound_off_the_cpuset),
    ("bound-never", "II-N2", "tiny-policies", FreeLists, "is_bound", bound_never),
    ("bound-movable", GO, "tiny-policies", FreeLists, "is_bound", bound_unless_movable),
    ("preferred-here", GO, "tiny-policies", FreeLists, CURRENT, preferred_is_here),
    ("preferred-bound", GO, "tiny-policies", FreeLists, CURRENT, preferred_is_bound),
    ("free-two", "BUD-CONSERVE", "tiny", FreeLists, "free_block", free_two),
    ("free-movable", STATE, "tiny-types", FreeLists, "free_block", free_as_movable),
    ("take-none", "BUD-CONSERVE", "tiny", FreeLists, "take_block", take_none),
    ("take-another", "BUD-COUNT", "tiny-types", FreeLists, "take_block", take_another),
    ("boost-silently", STATE, "tiny-flags", FreeLists, "set_boost", boost_silently),
    ("boost-alarm", STATE, "tiny-flags", FreeLists, "set_boost", boost_ends_the_alarm),
    ("reserve-adds", STATE, "tiny-flags", FreeLists, "set_reserve", reserve_adds),
    ("any-fails", "COMPLETE", "tiny-any", FreeLists, "usable", any_zone_fails),
    ("any-mark", "WM-DECIDE", "tiny-any", FreeLists, "usable", any_mark),
    ("any-page", "ZL-PAGE", "tiny-any", FreeLists, "has_page", any_page),
)
