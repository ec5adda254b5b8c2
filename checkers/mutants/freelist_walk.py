"""Mistakes in the walk: which zones, in what order, and what is taken and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmoracle.impl.freelist import alloc, walk
from mmoracle.impl.freelist.alloc import Asked, FreeLists, Settled
from mmoracle.impl.freelist.walk import (
    AGAIN,
    CPUSET,
    HARDWALL,
    NOFRAGMENT,
    Context,
    Page,
    Task,
    Walker,
    cpuset_node_allowed,
)
from mmoracle.impl.freelist.zone import Zone

# ------------------------------------------------------------------ which zones


def any_node(zonelist: Sequence[Zone], highest: int, mask: int) -> Iterator[Zone]:
    """Look at the zones of every node, whatever the mask says."""
    return (zone for zone in zonelist if zone.index <= highest)


def any_height(zonelist: Sequence[Zone], highest: int, mask: int) -> Iterator[Zone]:
    """Look at zones above the highest that was asked for."""
    return (zone for zone in zonelist if mask >> zone.nid & 1)


def below_only(zonelist: Sequence[Zone], highest: int, mask: int) -> Iterator[Zone]:
    """Look only at zones below the highest that may be used."""
    return (z for z in zonelist if z.index < highest and mask >> z.nid & 1)


def from_the_end(zonelist: Sequence[Zone], highest: int, mask: int) -> Iterator[Zone]:
    """Walk a zonelist from its end."""
    return _candidates(zonelist[::-1], highest, mask)


def first_only(zonelist: Sequence[Zone], highest: int, mask: int) -> Iterator[Zone]:
    """Stop behind the first zone of a zonelist."""
    return _candidates(zonelist[:1], highest, mask)


def after_the_first(
    zonelist: Sequence[Zone], highest: int, mask: int
) -> Iterator[Zone]:
    """Begin a walk behind the preferred zone."""
    zones = list(_candidates(zonelist, highest, mask))
    return iter(zones[1:] or zones)


def every_node(self: FreeLists, nid: int, gfp: int) -> Sequence[Zone]:
    """Fall back to other nodes although one alone was asked for."""
    return self.fallback[nid]


def own_node(self: FreeLists, nid: int, gfp: int) -> Sequence[Zone]:
    """Fall back to no other node."""
    return (self.own if self.numa else self.fallback)[nid]


_candidates = walk.candidates

# ------------------------------------------------------------------ fragments


def never_again(self: Walker, ac: Context, flags: int) -> Page | None:
    """Give up after a walk that might not mix types."""
    return None if ac.preferred is None else self.walk(ac, flags)


def always_again(self: Walker, ac: Context, flags: int) -> Page | None:
    """Walk twice whatever the first walk was allowed."""
    if ac.preferred is None:
        return None
    page = self.walk(ac, flags)
    if page is not None:
        return page
    self.events.append(AGAIN)
    return self.walk(ac, flags & ~NOFRAGMENT)


def keep_the_flag(self: Walker, ac: Context, flags: int) -> Page | None:
    """Walk again and still mix no types."""
    if ac.preferred is None:
        return None
    page = self.walk(ac, flags)
    if page is None and flags & NOFRAGMENT:
        self.events.append(AGAIN)
        page = self.walk(ac, flags)
    return page


def no_node_is_away(self: Walker, ac: Context, zone: Zone) -> bool:
    """Go to another node rather than mix types."""
    return False


def every_zone_is_away(self: Walker, ac: Context, zone: Zone) -> bool:
    """Mix types rather than go to another zone of the node."""
    return self.online > 1 and zone is not ac.preferred


def away_alone(self: Walker, ac: Context, zone: Zone) -> bool:
    """Mix types rather than go to another zone, with one node as well."""
    return zone is not ac.preferred


# ------------------------------------------------------------------ cpusets


def nothing_is_forbidden(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Forget the cpuset in the walk."""
    return False


def forbidden_unasked(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Keep to the cpuset although the flag is not set."""
    return _is_forbidden(self, ac, zone, flags | CPUSET)


def victims_wait(nid: int, gfp: int, task: Task) -> bool:
    """Keep a victim of the OOM killer in its cpuset."""
    return cpuset_node_allowed(nid, gfp, task._replace(victim=False))


def interrupts_wait(nid: int, gfp: int, task: Task) -> bool:
    """Keep an interrupt in the cpuset of the task that it interrupts."""
    return cpuset_node_allowed(nid, gfp, task._replace(interrupt=False))


def dying_tasks_wait(nid: int, gfp: int, task: Task) -> bool:
    """Keep a dying task in its cpuset."""
    return cpuset_node_allowed(nid, gfp, task._replace(exiting=False))


def soft_walls(nid: int, gfp: int, task: Task) -> bool:
    """Let a request out of its cpuset that has a hard wall."""
    return cpuset_node_allowed(nid, gfp & ~HARDWALL, task)


def hard_walls(nid: int, gfp: int, task: Task) -> bool:
    """Let no request out of its cpuset."""
    return cpuset_node_allowed(nid, gfp | HARDWALL, task)


def wall_of_the_request(self: FreeLists, asked: Asked, ac: Context) -> int:
    """Build no hard wall for the first attempt."""
    gfp = ac.gfp
    flags = _prepare(self, asked, ac)
    ac.gfp = gfp
    return flags


def any_own_node(self: FreeLists, asked: Asked, ac: Context) -> int:
    """Forget the task's nodes where no nodemask was given."""
    mask, first = ac.mask, ac.preferred
    flags = _prepare(self, asked, ac)
    ac.mask, ac.preferred = mask, first
    return flags


def own_nodes_of_interrupts(self: FreeLists, asked: Asked, ac: Context) -> int:
    """Keep an interrupt to the nodes of the task that it interrupts."""
    if asked.masked:
        return _prepare(self, asked, ac)
    task = asked.task._replace(interrupt=False)
    return _prepare(self, asked._replace(task=task), ac)


def mask_for_the_cpuset(self: FreeLists, asked: Asked, ac: Context) -> int:
    """Look at the nodemask that was given, not at the cpuset."""
    return _prepare(self, asked, ac) & ~CPUSET


_prepare, _is_forbidden = FreeLists.prepare_alloc_pages, Walker.is_forbidden

# ------------------------------------------------------------------ dirty pages


def dirty_is_clean(self: Walker, ac: Context, nid: int) -> bool:
    """Ask for a node's dirty limit and go there all the same."""
    _node_dirty_ok(self, ac, nid)
    return True


def dirty_for_all(self: FreeLists, asked: Asked, ac: Context) -> int:
    """Spread dirty pages for requests that are not for writing."""
    flags = _prepare(self, asked, ac)
    ac.spread = True
    return flags


def dirty_for_none(self: FreeLists, asked: Asked, ac: Context) -> int:
    """Spread no dirty pages."""
    flags = _prepare(self, asked, ac)
    ac.spread = False
    return flags


def dirty_asked_again(self: Walker, ac: Context, nid: int) -> bool:
    """Ask a node for its dirty limit at each of its zones."""
    ok = _node_dirty_ok(self, ac, nid)
    if not ok:
        self.events.append(("dirty", nid, ok))
    return ok


def dirty_forgotten(self: Walker, ac: Context, flags: int) -> Page | None:
    """Ask a node anew for its dirty limit when the walk begins anew."""
    self.over = -1
    return _walk_once(self, ac, flags)


def dirty_in_the_slow_path(self: FreeLists, asked: Asked, flags: int) -> Settled:
    """Spread dirty pages in the slow path too."""
    settled = _settle_walk(self, asked, flags)
    if isinstance(settled, tuple):
        settled[0].spread = True
    return settled


_walk_once = Walker.walk
_node_dirty_ok, _settle_walk = Walker.node_dirty_ok, FreeLists.settle_walk


GO, STATE = "ZL-ORDER", "EXACT-STATE"
COUNT, PAGESET = "zone_statistics", "uses_pageset"
RESERVE = "reserve_highatomic_pageblock"
LISTS = "candidates"
AGAINST = "get_page_from_freelist"
ALLOWED = "cpuset_node_allowed"
PREPARE = "prepare_alloc_pages"

TABLE = (
    ("mask-ignored", "II-N2", "tiny-numa", walk, LISTS, any_node),
    ("highest-ignored", "ZL-RANGE", "tiny", walk, LISTS, any_height),
    ("highest-excluded", GO, "tiny", walk, LISTS, below_only),
    ("order-from-the-end", GO, "tiny", walk, LISTS, from_the_end),
    ("order-first-only", GO, "tiny", walk, LISTS, first_only),
    ("start-behind", GO, "tiny", walk, LISTS, after_the_first),
    ("preferred-of-any-node", GO, "tiny-numa", alloc, LISTS, any_node),
    ("preferred-of-any-height", GO, "tiny-boot", alloc, LISTS, any_height),
    ("thisnode-ignored", "II-N1", "tiny-numa", FreeLists, "node_zonelist", every_node),
    ("thisnode-always", GO, "tiny-numa", FreeLists, "node_zonelist", own_node),
    ("fragments-never-again", GO, "tiny-fragments", Walker, AGAINST, never_again),
    ("fragments-always-again", GO, "tiny-scope", Walker, AGAINST, always_again),
    ("fragments-still", GO, "tiny-fragments", Walker, AGAINST, keep_the_flag),
    ("fragments-away", GO, "tiny-numa", Walker, "is_remote", no_node_is_away),
    ("fragments-zone", GO, "tiny-numa", Walker, "is_remote", every_zone_is_away),
    ("fragments-alone", GO, "tiny-fragments", Walker, "is_remote", away_alone),
    (
        "cpuset-none",
        "CPUSET-IN",
        "tiny-cpuset",
        Walker,
        "is_forbidden",
        nothing_is_forbidden,
    ),
    ("cpuset-unasked", GO, "tiny-cpuset", Walker, "is_forbidden", forbidden_unasked),
    ("cpuset-victims", GO, "tiny-cpuset", walk, ALLOWED, victims_wait),
    ("cpuset-interrupts", GO, "tiny-cpuset", walk, ALLOWED, interrupts_wait),
    ("cpuset-dying", GO, "tiny-cpuset", walk, ALLOWED, dying_tasks_wait),
    ("cpuset-soft", "CPUSET-IN", "tiny-cpuset", walk, ALLOWED, soft_walls),
    ("cpuset-hard", GO, "tiny-cpuset", walk, ALLOWED, hard_walls),
    (
        "cpuset-wall",
        "CPUSET-IN",
        "tiny-cpuset",
        FreeLists,
        PREPARE,
        wall_of_the_request,
    ),
    ("cpuset-any-node", "II-N2", "tiny-cpuset", FreeLists, PREPARE, any_own_node),
    (
        "cpuset-irq-nodes",
        GO,
        "tiny-cpuset",
        FreeLists,
        PREPARE,
        own_nodes_of_interrupts,
    ),
    (
        "cpuset-mask",
        "CPUSET-IN",
        "tiny-cpuset",
        FreeLists,
        PREPARE,
        mask_for_the_cpuset,
    ),
    ("dirty-all", GO, "tiny-numa", FreeLists, PREPARE, dirty_for_all),
    ("dirty-none", GO, "tiny-dirty", FreeLists, PREPARE, dirty_for_none),
    ("dirty-ignored", GO, "tiny-dirty", Walker, "node_dirty_ok", dirty_is_clean),
    ("dirty-forgotten", GO, "tiny-dirty", Walker, "walk", dirty_forgotten),
    ("dirty-again", GO, "tiny-dirty", Walker, "node_dirty_ok", dirty_asked_again),
    (
        "dirty-slow",
        GO,
        "tiny-reclaim",
        FreeLists,
        "settle_walk",
        dirty_in_the_slow_path,
    ),
)
