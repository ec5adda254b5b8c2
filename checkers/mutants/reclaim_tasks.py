"""Mistakes in what a task does that reclaims: its rounds and its walk."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import direct, vmscan
from mmoracle.impl.reclaim.direct import Asked, Task
from mmoracle.impl.reclaim.pgdat import ScanControl, Zone
from mmoracle.impl.reclaim.vmscan import Nodes

_try, _leave = Task.try_to_free_pages, Task.leave
_retry = Task.retry
_end_round = Task.end_round
_shrink_zones = Task.shrink_zones


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


# ------------------------------------------------------------------ the zoo

TINY, WALK, COSTLY, TROUBLE = "tiny-direct", "tiny-walk", "tiny-costly", "tiny-trouble"
THROTTLE = "tiny-throttle"
STATE, ORDER, RESULT = "EXACT-STATE", "RCL-ORDER", "RCL-RESULT"
ZONES, ROUND, RETRY = "shrink_zones", "end_round", "retry"
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
    ("on-half-gap", RESULT, TROUBLE, vmscan, "compact_gap", half_a_gap),
)
