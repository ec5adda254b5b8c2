"""Mistakes in what a task does that reclaims."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import direct, vmscan
from mmoracle.impl.reclaim.direct import Asked, Cached, Task
from mmoracle.impl.reclaim.pgdat import WOKEN, Pgdat, ScanControl, ShrinkNode, Zone
from mmoracle.impl.reclaim.vmscan import Nodes
from mmoracle.spec.linux import RECLAIM_UNMAP, RECLAIM_WRITE

_try, _leave, _node_done = Task.try_to_free_pages, Task.leave, Task.node_done
_resume, _start_local = Task.resume, Task.start_local
_shrink_lists, _shrunk, _retry = Nodes.shrink_lists, Nodes.shrunk, Task.retry
_onwards = Nodes.should_continue_reclaim
_throttle, _allow = Task.throttle_direct_reclaim, Nodes.allow_direct_reclaim

# ------------------------------------------------------------------ rounds


def force_for_ever(task: Task, sc: ScanControl) -> bool:
    """Begin anew with active pages forced out as often as some were skipped once."""
    skipped = sc.skipped_deactivate
    again = _retry(task, sc)
    sc.skipped_deactivate = skipped
    return again


def spare_low_for_ever(task: Task, sc: ScanControl) -> bool:
    """Begin anew for what memory.low protects, and protect it still."""
    spared = sc.memcg_low_skipped and not sc.skipped_deactivate
    again = _retry(task, sc)
    sc.memcg_low_reclaim = sc.memcg_low_reclaim and not spared
    return again


def low_at_once(task: Task, sc: ScanControl) -> bool:
    """Give protected pages up before active ones are forced out."""
    if sc.memcg_low_skipped:
        sc.memcg_low_skipped, sc.memcg_low_reclaim = False, True
        return True
    return _retry(task, sc)


def keep_forcing(task: Task, sc: ScanControl) -> bool:
    """Go on forcing active pages out when protected ones are tried."""
    forced = sc.force_deactivate
    again = _retry(task, sc)
    sc.force_deactivate |= forced
    return again


def give_up(task: Task, sc: ScanControl) -> bool:
    """Never begin anew."""
    return False


def anew_from_there(task: Task, asked: Asked) -> None:
    """Begin anew at the lowest priority."""
    sc = task.sc
    if sc.nr_reclaimed or sc.compaction_ready or not task.retry(sc):
        task.leave(asked, sc.nr_reclaimed or int(sc.compaction_ready))
    else:
        task.start_round(asked)


def one_round_too_many(task: Task, asked: Asked) -> None:
    """Scan a last time at a priority below 0."""
    sc = task.sc
    done = sc.nr_reclaimed >= sc.nr_to_reclaim or sc.compaction_ready
    if done or sc.priority < 0:
        task.stop(asked)
        return
    sc.priority -= 1
    task.start_round(asked)


def one_round_too_few(task: Task, asked: Asked) -> None:
    """Stop before the whole lists are scanned."""
    sc = task.sc
    if sc.nr_reclaimed >= sc.nr_to_reclaim or sc.compaction_ready or sc.priority <= 1:
        task.stop(asked)
        return
    sc.priority -= 1
    task.start_round(asked)


def never_write(task: Task, asked: Asked) -> None:
    """Leave dirty pages alone, however hard it is."""
    sc = task.sc
    done = sc.nr_reclaimed >= sc.nr_to_reclaim or sc.compaction_ready
    if done or not sc.priority:
        task.stop(asked)
        return
    sc.priority -= 1
    task.start_round(asked)


def want_more(task: Task, asked: Asked) -> None:
    """Go on although there are just enough pages."""
    task.sc.nr_to_reclaim += 1
    _end_round(task, asked)
    task.sc.nr_to_reclaim -= 1


_end_round = Task.end_round


def forget_compaction(task: Task, asked: Asked) -> None:
    """Scan on although compaction can take over."""
    ready, task.sc.compaction_ready = task.sc.compaction_ready, False
    _end_round(task, asked)
    task.sc.compaction_ready = ready


def return_nothing(task: Task, asked: Asked, number: int) -> None:
    """Return 0 where compaction or a fatal signal claims progress."""
    claimed = number == 1 and not task.sc.nr_reclaimed and task.local < 0
    _leave(task, asked, 0 if claimed else number)


def return_the_goal(task: Task, asked: Asked, number: int) -> None:
    """Return what was wanted, not what was freed."""
    enough = number > task.nodes.cluster or number == 1
    _leave(task, asked, task.nodes.cluster if enough else number)


def keep_memalloc(task: Task, asked: Asked, number: int) -> None:
    """Leave the task with PF_MEMALLOC."""
    _leave(task, asked, number)
    task.memalloc = True


def lose_memalloc(task: Task, asked: Asked, number: int) -> None:
    """Clear PF_MEMALLOC, whoever had it before."""
    _leave(task, asked, number)
    task.memalloc = False


def without_memalloc(task: Task, asked: Asked) -> None:
    """Reclaim without PF_MEMALLOC."""
    _try(task, asked)
    task.memalloc = asked.memalloc


# ------------------------------------------------------------------ the walk


def twice_in_a_row(task: Task, zone: Zone) -> bool:
    """Have a node scanned for each of its zones."""
    task.last = zone.nid
    task.shrink = task.nodes.shrink_node(zone.nid, task.sc)
    return True


def remember_last(task: Task, asked: Asked) -> None:
    """Take the last node of a round for the last one of the next."""
    task.sc.nr_scanned = 0
    task.shrink_zones(asked, 0)


def keep_the_count(task: Task, asked: Asked) -> None:
    """Count the pages scanned in all rounds together."""
    task.last = -1
    task.shrink_zones(asked, 0)


def use_all_nodes(task: Task, asked: Asked, zone: Zone) -> bool:
    """Look at zones on nodes that the request forbids."""
    return zone.index <= asked.highest


def use_all_zones(task: Task, asked: Asked, zone: Zone) -> bool:
    """Look at zones above those that may serve the request."""
    return asked.nodes >> zone.nid & 1 == 1


def beyond_the_cpuset(task: Task, asked: Asked, pos: int) -> None:
    """Scan nodes that the cpuset forbids."""
    _shrink_zones(task, asked._replace(allowed=-1), pos)


def one_place_on(task: Task, asked: Asked, pos: int) -> None:
    """Begin with the second zone."""
    _shrink_zones(task, asked, pos or 1)


def ask_too_early(task: Task, asked: Asked, pos: int) -> None:
    """Ask about compaction for an order of 3 as well."""
    order, task.sc.order = task.sc.order, task.sc.order + (task.sc.order == 3)
    _shrink_zones(task, asked, pos)
    task.sc.order = order


_shrink_zones = Task.shrink_zones


def always_compact(nodes: Nodes, gfp: int) -> bool:
    """Count on compaction for requests without IO."""
    return True


def never_compact(nodes: Nodes, gfp: int) -> bool:
    """Never count on compaction."""
    return False


def ready_when_skipped(suits: int, above: bool) -> bool:
    """Leave a zone to compaction that has too few pages for it."""
    return suits == direct.SUCCESS or above


def ready_at_once(suits: int, above: bool) -> bool:
    """Leave a zone to compaction without a look at the gap."""
    return suits != direct.SKIPPED


def ready_above_only(suits: int, above: bool) -> bool:
    """Scan a zone in which the request could be served."""
    return above and suits != direct.SKIPPED


def half_a_gap(order: int) -> int:
    """Give compaction half the pages that it needs."""
    return 1 << order


def above_the_low_mark(task: Task, zone: Zone, suits: int) -> bool:
    """Compare with the low mark and the gap."""
    mark = zone.marks[1] + zone.boost + vmscan.compact_gap(task.sc.order)
    above = zone.watermark_ok(0, mark, task.sc.reclaim_idx)
    return direct.is_ready(suits, above)


# ------------------------------------------------------------------ one scan


def free_twice(nodes: Nodes, at: ShrinkNode, sc: ScanControl, *told: Any) -> None:
    """Free each page of the first zone twice."""
    _shrink_lists(nodes, at, sc, *told)
    zone = nodes.nodes[at.nid].zones[0]
    zone.free += sum(told[0][:1])


def free_elsewhere(nodes: Nodes, at: ShrinkNode, sc: ScanControl, *told: Any) -> None:
    """Take all pages from the node's first zone."""
    file = (sum(told[0]),) if told[0] else ()
    _shrink_lists(nodes, at, sc, file, *told[1:])


def count_the_cache_only(
    nodes: Nodes, at: ShrinkNode, sc: ScanControl, *told: Any
) -> None:
    """Forget the anonymous pages that were freed."""
    _shrink_lists(nodes, at, sc, *told)
    sc.nr_reclaimed -= sum(told[1])


def forget_the_scanned(
    nodes: Nodes, at: ShrinkNode, sc: ScanControl, *told: Any
) -> None:
    """Do not count what was scanned."""
    _shrink_lists(nodes, at, sc, told[0], told[1], 0, *told[3:])


def go_on_in_vain(nodes: Nodes, at: ShrinkNode, sc: ScanControl, inactive: int) -> bool:
    """Scan again for compaction although nothing was freed."""
    at.inactive = inactive
    at.reclaimable |= sc.nr_reclaimed > at.nr_reclaimed
    if nodes.in_reclaim_compaction(sc):
        return nodes.should_continue_reclaim(at, sc)
    return nodes.leave_node(at)


def go_on_when_equal(nodes: Nodes, at: ShrinkNode, sc: ScanControl) -> bool:
    """Scan again although the inactive lists hold no more than the gap."""
    at.inactive += 1
    again = _onwards(nodes, at, sc)
    at.inactive -= 1
    return again


def ask_one_zone(nodes: Nodes, at: ShrinkNode, sc: ScanControl) -> bool:
    """Ask compaction about the first zone only."""
    if at.zone >= 0:
        at.zone = len(nodes.zones)
    return _onwards(nodes, at, sc)


def ask_every_zone(nodes: Nodes, at: ShrinkNode, sc: ScanControl) -> bool:
    """Ask compaction about zones above those that may serve the request."""
    highest, sc.reclaim_idx = sc.reclaim_idx, nodes.max_zones
    again = _onwards(nodes, at, sc)
    sc.reclaim_idx = highest
    return again


def go_on_in_spite(nodes: Nodes, at: ShrinkNode, sc: ScanControl, suits: int) -> bool:
    """Scan again although compaction could begin."""
    return nodes.should_continue_reclaim(at, sc)


def go_on_always(nodes: Nodes, sc: ScanControl) -> bool:
    """Free pages for compaction from the first round on."""
    return sc.order > 0 and nodes.gfp_compaction_allowed(sc.gfp)


def stay_hopeless(nodes: Nodes, at: ShrinkNode) -> bool:
    """Leave a node given up although pages of it were freed."""
    return False


def revive_in_vain(nodes: Nodes, at: ShrinkNode) -> bool:
    """Take a node that gave nothing for one with hope."""
    nodes.nodes[at.nid].kswapd_failures = 0
    return False


# ------------------------------------------------------------------ waiting


def kthreads_wait(task: Task, asked: Asked) -> bool:
    """Let kernel threads wait as well."""
    return _throttle(task, asked._replace(kthread=False))


def the_dying_wait(task: Task, asked: Asked) -> bool:
    """Let tasks wait that are to die."""
    return _throttle(task, asked._replace(fatal=False))


def wait_for_any_zone(task: Task, asked: Asked) -> bool:
    """Look at the reserve of the first node, whichever zones of it are in the list."""
    if asked.kthread or asked.fatal:
        return False
    first = next((z for z in task.zonelist if task.may_use(asked, z)), None)
    return first is not None and task.wait(asked, first.nid)


def wait_for_ever(task: Task, asked: Asked, nid: int) -> bool:
    """Let tasks without FS wait until kswapd wakes them."""
    return _wait(task, asked._replace(gfp=asked.gfp | direct.FS), nid)


_wait = Task.wait


def go_on_when_woken(task: Task, woken: bool, fatal: bool) -> None:
    """Go on when woken, without another look at the reserve."""
    _resume(task, False, fatal)


def die_quietly(task: Task, woken: bool, fatal: bool) -> None:
    """Reclaim although a fatal signal has come."""
    _resume(task, woken, False)


def wait_with_a_sleeper(nodes: Nodes, pgdat: Pgdat) -> bool:
    """Leave the kswapd asleep for which a task waits."""
    label = pgdat.label
    pgdat.label = WOKEN
    may = _allow(nodes, pgdat)
    pgdat.label = label
    return may


def ask_kswapd_for_all(nodes: Nodes, pgdat: Pgdat) -> bool:
    """Wake kswapd for the zones that others wanted, above the normal one too."""
    highest = pgdat.kswapd_highest_zoneidx
    may = _allow(nodes, pgdat)
    pgdat.kswapd_highest_zoneidx = highest
    return may


def count_all_zones(pgdat: Pgdat, normal: int, swap: bool) -> tuple[int, int]:
    """Count the reserve of zones without pages to reclaim."""
    low = pgdat.upto(normal)
    return sum(z.min_wmark_pages() for z in low), sum(z.free for z in low)


def count_high_zones(pgdat: Pgdat, normal: int, swap: bool) -> tuple[int, int]:
    """Count the zones above the normal one."""
    low = [z for z in pgdat.upto(9) if z.reclaimable_pages(swap)]
    return sum(z.min_wmark_pages() for z in low), sum(z.free for z in low)


def count_without_boost(pgdat: Pgdat, normal: int, swap: bool) -> tuple[int, int]:
    """Take the marks without their boost."""
    low = [z for z in pgdat.upto(normal) if z.reclaimable_pages(swap)]
    return sum(z.marks[0] for z in low), sum(z.free for z in low)


def count_what_cannot_be_swapped(zone: Zone, swap: bool) -> int:
    """Count anonymous pages where there is no swap."""
    return zone.file + zone.anon or zone.free


def all_of_the_reserve(failures: int, most: int, reserve: int, free: int) -> bool:
    """Let tasks wait unless the whole reserve is free."""
    return failures >= most or not reserve or free > reserve


def just_half(failures: int, most: int, reserve: int, free: int) -> bool:
    """Let tasks go on with just half of the reserve."""
    return failures >= most or not reserve or free >= reserve >> 1


def wait_for_the_hopeless(failures: int, most: int, reserve: int, free: int) -> bool:
    """Let tasks wait for a kswapd that has given up."""
    return not reserve or free > reserve >> 1


def wait_without_reserve(failures: int, most: int, reserve: int, free: int) -> bool:
    """Let tasks wait where there is no reserve."""
    return failures >= most or free > reserve >> 1


def count_the_difference(zone: Zone, swap: bool) -> int:
    """Subtract anonymous pages from the cache."""
    return zone.file - (zone.anon if swap else 0) or zone.free


# ------------------------------------------------------------------ one's own node


def cache_with_dirty(mode: int, c: Cached) -> int:
    """Count dirty pages although none may be written."""
    return c.file if mode & RECLAIM_UNMAP else max(0, c.lru - c.mapped)


def cache_with_mapped(mode: int, c: Cached) -> int:
    """Count mapped pages although none may be unmapped."""
    dirty = 0 if mode & RECLAIM_WRITE else c.dirty
    return max(0, c.file - dirty)


def cache_below_zero(mode: int, c: Cached) -> int:
    """Let more mapped or dirty pages than there are make a huge count."""
    pages = c.file if mode & RECLAIM_UNMAP else c.lru - c.mapped
    return (pages if mode & RECLAIM_WRITE else pages - c.dirty) % (1 << 64)


def local_anyhow(task: Task, nid: int, asked: Asked, *rest: Any) -> None:
    """Reclaim for tasks that have PF_MEMALLOC already."""
    _node_reclaim(task, nid, asked._replace(memalloc=False), *rest)


def local_for_all(
    task: Task,
    nid: int,
    asked: Asked,
    mode: int,
    c: Cached,
    away: bool,
    locked: bool,
) -> None:
    """Reclaim on a node whose processors are others'."""
    _node_reclaim(task, nid, asked, mode, c, False, locked)


def local_unlocked(
    task: Task,
    nid: int,
    asked: Asked,
    mode: int,
    c: Cached,
    away: bool,
    locked: bool,
) -> None:
    """Reclaim on a node on which somebody reclaims already."""
    _node_reclaim(task, nid, asked, mode, c, away, False)


def local_without_slab(
    task: Task, nid: int, asked: Asked, mode: int, c: Cached, *rest: Any
) -> None:
    """Take a node with little cache for full, whatever slab it has."""
    _node_reclaim(task, nid, asked, mode, c._replace(slab=0), *rest)


_node_reclaim = Task.node_reclaim


def local_without_memalloc(task: Task, nid: int, asked: Asked, mode: int) -> None:
    """Reclaim on one's own node without PF_MEMALLOC."""
    _start_local(task, nid, asked, mode)
    task.memalloc = asked.memalloc


def local_writes(task: Task, nid: int, asked: Asked, mode: int) -> None:
    """Write pages in a mode that does not."""
    _start_local(task, nid, asked, mode)
    task.sc.may_writepage = True


def local_wants_a_block(task: Task, nid: int, asked: Asked, mode: int) -> None:
    """Scan for no more than the request's pages at a time."""
    _start_local(task, nid, asked, mode)
    task.sc.nr_to_reclaim = 1 << asked.order


def local_goes_on(task: Task, asked: Asked) -> None:
    """Go on until a whole cluster is free, though the request has its pages."""
    sc = task.sc
    if task.local >= 0 and sc.nr_reclaimed < sc.nr_to_reclaim and sc.priority > 0:
        sc.priority -= 1
        task.shrink = task.nodes.shrink_node(task.local, sc)
        return
    _node_done(task, asked)


# ------------------------------------------------------------------ the zoo


TINY, WALK, COSTLY, TROUBLE = "tiny-direct", "tiny-walk", "tiny-costly", "tiny-trouble"
THROTTLE, RESERVE, LOCAL = "tiny-throttle", "tiny-reserve", "tiny-local"
STATE, ORDER, RESULT, WAITS = "EXACT-STATE", "RCL-ORDER", "RCL-RESULT", "RCL-THROTTLE"
ZONES, ROUND, RETRY, DONE = "shrink_zones", "end_round", "retry", "node_done"
ON, PAGES = "should_continue_reclaim", "shrink_lists"
THR, ALLOW = "throttle_direct_reclaim", "allow_direct_reclaim"
CACHE = "node_pagecache_reclaimable"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("retry-forces-on", STATE, TINY, Task, RETRY, force_for_ever),
    ("retry-spares-on", "LIVE", TINY, Task, RETRY, spare_low_for_ever),
    ("retry-low-first", STATE, TINY, Task, RETRY, low_at_once),
    ("retry-keeps-forcing", STATE, TINY, Task, RETRY, keep_forcing),
    ("retry-never", ORDER, TINY, Task, RETRY, give_up),
    ("retry-low-priority", STATE, TINY, Task, "stop", anew_from_there),
    ("round-too-many", "RCL-PRIORITY", TINY, Task, ROUND, one_round_too_many),
    ("round-too-few", ORDER, TINY, Task, ROUND, one_round_too_few),
    ("round-never-writes", STATE, TINY, Task, ROUND, never_write),
    ("round-wants-more", RESULT, TINY, Task, ROUND, want_more),
    ("round-no-compaction", RESULT, COSTLY, Task, ROUND, forget_compaction),
    ("leave-claims-nothing", RESULT, COSTLY, Task, "leave", return_nothing),
    ("leave-killed", RESULT, THROTTLE, Task, "leave", return_nothing),
    ("leave-goal", "RCL-PAGES", TINY, Task, "leave", return_the_goal),
    ("leave-memalloc", "RCL-MEMALLOC", TINY, Task, "leave", keep_memalloc),
    ("leave-no-memalloc", "RCL-MEMALLOC", TINY, Task, "leave", lose_memalloc),
    (
        "begin-no-memalloc",
        "RCL-MEMALLOC",
        TINY,
        Task,
        "try_to_free_pages",
        without_memalloc,
    ),
    ("walk-twice", "RCL-ONCE", WALK, Task, "scan", twice_in_a_row),
    ("walk-remembers", ORDER, TINY, Task, "start_round", remember_last),
    ("walk-counts-on", STATE, TINY, Task, "start_round", keep_the_count),
    ("walk-all-nodes", "RCL-ALLOWED", WALK, Task, "may_use", use_all_nodes),
    ("walk-all-zones", "RCL-ALLOWED", WALK, Task, "may_use", use_all_zones),
    ("walk-no-cpuset", "RCL-ALLOWED", WALK, Task, ZONES, beyond_the_cpuset),
    ("walk-from-second", ORDER, WALK, Task, ZONES, one_place_on),
    ("ask-order-3", ORDER, COSTLY, Task, ZONES, ask_too_early),
    (
        "ask-noio",
        "RCL-NOIO",
        COSTLY,
        Nodes,
        "gfp_compaction_allowed",
        always_compact,
    ),
    ("ask-never", ORDER, COSTLY, Nodes, "gfp_compaction_allowed", never_compact),
    ("ready-skipped", ORDER, COSTLY, direct, "is_ready", ready_when_skipped),
    ("ready-at-once", ORDER, COSTLY, direct, "is_ready", ready_at_once),
    ("ready-above-only", ORDER, COSTLY, direct, "is_ready", ready_above_only),
    ("ready-half-gap", ORDER, COSTLY, direct, "compact_gap", half_a_gap),
    ("ready-low-mark", ORDER, COSTLY, Task, "compaction_ready", above_the_low_mark),
    ("free-twice", "RCL-CONSERVE", TINY, Nodes, PAGES, free_twice),
    ("free-elsewhere", STATE, COSTLY, Nodes, PAGES, free_elsewhere),
    ("count-cache-only", STATE, TINY, Nodes, PAGES, count_the_cache_only),
    ("count-no-scan", ORDER, THROTTLE, Nodes, PAGES, forget_the_scanned),
    ("on-in-vain", "LIVE", COSTLY, Nodes, "shrunk", go_on_in_vain),
    ("on-when-equal", RESULT, TROUBLE, Nodes, ON, go_on_when_equal),
    ("on-one-zone", ORDER, COSTLY, Nodes, ON, ask_one_zone),
    ("on-every-zone", ORDER, COSTLY, Nodes, ON, ask_every_zone),
    ("on-in-spite", RESULT, TROUBLE, Nodes, "suited", go_on_in_spite),
    ("on-always", ORDER, TROUBLE, Nodes, "in_reclaim_compaction", go_on_always),
    ("on-half-gap", RESULT, TROUBLE, vmscan, "compact_gap", half_a_gap),
    ("hope-none", STATE, THROTTLE, Nodes, "leave_node", stay_hopeless),
    ("hope-all", STATE, THROTTLE, Nodes, "leave_node", revive_in_vain),
    ("wait-kthread", ORDER, RESERVE, Task, THR, kthreads_wait),
    ("wait-dying", ORDER, RESERVE, Task, THR, the_dying_wait),
    ("wait-any-zone", "KSW-WAKE", RESERVE, Task, THR, wait_for_any_zone),
    ("wait-untimed", WAITS, THROTTLE, Task, "wait", wait_for_ever),
    ("wait-no-look", WAITS, THROTTLE, Task, "resume", go_on_when_woken),
    ("wait-killed", RESULT, THROTTLE, Task, "resume", die_quietly),
    ("wait-sleeper", "RCL-STRANDED", RESERVE, Nodes, ALLOW, wait_with_a_sleeper),
    ("wait-highest", STATE, THROTTLE, Nodes, ALLOW, ask_kswapd_for_all),
    ("reserve-all-zones", ORDER, RESERVE, Pgdat, "reserve", count_all_zones),
    ("reserve-high-zones", "KSW-WAKE", RESERVE, Pgdat, "reserve", count_high_zones),
    ("reserve-unboosted", "KSW-WAKE", RESERVE, Pgdat, "reserve", count_without_boost),
    (
        "reserve-unswappable",
        ORDER,
        RESERVE,
        Zone,
        "reclaimable_pages",
        count_what_cannot_be_swapped,
    ),
    (
        "reserve-difference",
        "KSW-WAKE",
        "tiny-swap",
        Zone,
        "reclaimable_pages",
        count_the_difference,
    ),
    ("reserve-whole", ORDER, RESERVE, vmscan, "may_reclaim", all_of_the_reserve),
    ("reserve-half", "KSW-WAKE", RESERVE, vmscan, "may_reclaim", just_half),
    (
        "reserve-hopeless",
        ORDER,
        THROTTLE,
        vmscan,
        "may_reclaim",
        wait_for_the_hopeless,
    ),
    ("reserve-none", ORDER, TINY, vmscan, "may_reclaim", wait_without_reserve),
    ("local-dirty", RESULT, LOCAL, direct, CACHE, cache_with_dirty),
    ("local-mapped", RESULT, LOCAL, direct, CACHE, cache_with_mapped),
    ("local-wraps", RESULT, LOCAL, direct, CACHE, cache_below_zero),
    ("local-nested", "RCL-MEMALLOC", LOCAL, Task, "node_reclaim", local_anyhow),
    ("local-away", RESULT, LOCAL, Task, "node_reclaim", local_for_all),
    ("local-locked", RESULT, LOCAL, Task, "node_reclaim", local_unlocked),
    ("local-no-slab", RESULT, LOCAL, Task, "node_reclaim", local_without_slab),
    (
        "local-no-memalloc",
        "RCL-MEMALLOC",
        LOCAL,
        Task,
        "start_local",
        local_without_memalloc,
    ),
    ("local-writes", STATE, LOCAL, Task, "start_local", local_writes),
    ("local-a-block", STATE, LOCAL, Task, "start_local", local_wants_a_block),
    ("local-goes-on", RESULT, LOCAL, Task, DONE, local_goes_on),
)
