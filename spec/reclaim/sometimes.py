"""What must be seen at least once in reclaim, or a model is vacuous."""

from __future__ import annotations

from ..core import Step
from .events import (
    Events,
    Naps,
    Returns,
    Shrink,
    Sleeps,
    Suits,
    Waits,
    WakesKcompactd,
    WakesKswapd,
    WakesThrottled,
)
from .levels import ScanCount
from .ops import (
    TASK,
    Cause,
    NodeReclaim,
    Resume,
    RunKswapd,
    Shrunk,
    Suitable,
    TryToFree,
    WakeKswapd,
)
from .state import Balance, Config, Direct, Label, Local, Node, State

Moment = Step[Config, State]


def events(step: Moment) -> Events:
    """Return a step's events, if it has any."""
    return step.result if isinstance(step.result, tuple) else ()


def returned(step: Moment) -> int | None:
    """Return what a task is told, if it is told anything."""
    numbers = [e.number for e in events(step) if isinstance(e, Returns)]
    return numbers[0] if numbers else None


def direct_end(step: Moment) -> int | None:
    """Return what a task in direct reclaim is told."""
    is_direct = isinstance(step.before.task, Direct)
    return returned(step) if is_direct else None


def has(step: Moment, kind: type) -> bool:
    """Say whether a step has an event of a kind."""
    return any(isinstance(event, kind) for event in events(step))


# ------------------------------------------------------------------ the ends


def enough_pages_end_a_reclaim(cfg: Config, step: Moment) -> bool:
    """A task has reclaimed what it wanted."""
    number = direct_end(step)
    return number is not None and number >= cfg.cluster


def a_few_pages_end_a_reclaim(cfg: Config, step: Moment) -> bool:
    """All rounds are over, and a task has fewer pages than it wanted."""
    task = step.before.task
    few = isinstance(step.op, Shrunk) and isinstance(task, Direct)
    number = direct_end(step)
    return few and number is not None and 0 < number < cfg.cluster


def nothing_ends_a_reclaim(cfg: Config, step: Moment) -> bool:
    """A task has reclaimed nothing."""
    return direct_end(step) == 0


def compaction_ends_a_reclaim(cfg: Config, step: Moment) -> bool:
    """A task frees nothing, as compaction can take over."""
    task = step.before.task
    leaves = isinstance(step.op, Suitable) and isinstance(task, Direct)
    return leaves and returned(step) == 1


def no_zone_may_be_scanned(cfg: Config, step: Moment) -> bool:
    """The cpuset leaves a task nothing to scan."""
    return isinstance(step.op, TryToFree) and returned(step) == 0


def a_fatal_signal_ends_a_wait(cfg: Config, step: Moment) -> bool:
    """A task that waits is killed, and claims progress."""
    return isinstance(step.op, Resume) and returned(step) == 1


def begins_anew(step: Moment) -> tuple[Direct, Direct] | None:
    """Return a task before and after it began anew."""
    old, new = step.before.task, step.after.task
    if isinstance(old, Direct) and isinstance(new, Direct):
        return old, new
    return None


def active_pages_are_forced_out(cfg: Config, step: Moment) -> bool:
    """A reclaim begins anew with active pages deactivated by force."""
    both = begins_anew(step)
    return both is not None and both[1].sc.force_deactivate > (
        both[0].sc.force_deactivate
    )


def protected_pages_are_tried(cfg: Config, step: Moment) -> bool:
    """A reclaim begins anew with what memory.low protects."""
    both = begins_anew(step)
    return both is not None and both[1].sc.low_reclaim > both[0].sc.low_reclaim


def a_reclaim_begins_a_third_time_anew(cfg: Config, step: Moment) -> bool:
    """Protected pages need to be forced out as well."""
    task = step.after.task
    return (
        active_pages_are_forced_out(cfg, step)
        and isinstance(task, Direct)
        and task.sc.low_reclaim
    )


def dirty_pages_are_written_at_last(cfg: Config, step: Moment) -> bool:
    """In laptop mode a reclaim in trouble begins to write."""
    both = begins_anew(step)
    return both is not None and both[1].sc.may_writepage > both[0].sc.may_writepage


# ------------------------------------------------------------------ the walk


def a_node_is_scanned_twice_in_a_round(cfg: Config, step: Moment) -> bool:
    """A node is scanned again in a round, as another came between."""
    old, new = step.before.task, step.after.task
    if not isinstance(old, Direct) or not isinstance(new, Direct) or not new.scan:
        return False
    places = [cfg.zones[at].node for at in cfg.zonelist[: new.at]]
    return old.last >= 0 and new.last != old.last and new.last in places


def a_scan_goes_on_for_compaction(cfg: Config, step: Moment) -> bool:
    """A node is scanned again at once, for compaction has not enough."""
    return (
        isinstance(step.op, Suitable)
        and has(step, Shrink)
        and runs_scan(step.before, step.op.who)
    )


def runs_scan(s: State, who: int) -> bool:
    """Say whether somebody's scan of a node is under way."""
    run = s.task if who == TASK else s.nodes[who].kswapd.run
    return run is not None and run.scan is not None


def compaction_cuts_a_scan_short(cfg: Config, step: Moment) -> bool:
    """A scan ends as compaction has enough."""
    op = step.op
    ends = isinstance(op, Suitable) and not has(step, Suits) and not has(step, Shrink)
    return ends and runs_scan(step.before, getattr(op, "who", TASK))


def a_hopeless_node_is_revived(cfg: Config, step: Moment) -> bool:
    """Direct reclaim frees pages of a node that kswapd had given up."""
    return any(
        old.failures == cfg.retries and not new.failures
        for old, new in zip(step.before.nodes, step.after.nodes, strict=True)
    )


# ------------------------------------------------------------------ waiting


def a_task_waits(cfg: Config, step: Moment) -> bool:
    """A task waits until kswapd has freed more."""
    return isinstance(step.op, TryToFree) and has(step, Waits)


def a_wait_wakes_kswapd(cfg: Config, step: Moment) -> bool:
    """The kswapd that a task waits for slept."""
    return has(step, Waits) and has(step, WakesKswapd)


def a_task_is_let_go(cfg: Config, step: Moment) -> bool:
    """A kswapd has freed enough for the task that waits."""
    return isinstance(step.op, Shrunk) and has(step, WakesThrottled)


def a_task_is_let_go_before_a_nap(cfg: Config, step: Moment) -> bool:
    """A kswapd that goes to rest lets the tasks go that wait."""
    return has(step, Naps) and has(step, WakesThrottled)


def a_task_is_woken_in_vain(cfg: Config, step: Moment) -> bool:
    """The reserve is low again before the task looks."""
    return isinstance(step.op, Resume) and has(step, Waits)


def a_wait_times_out(cfg: Config, step: Moment) -> bool:
    """A task without FS waits no longer than a second."""
    return isinstance(step.op, Resume) and step.op.cause is Cause.TIMEOUT


# ------------------------------------------------------------------ kswapd


def labels(step: Moment) -> list[tuple[Node, Node]]:
    """Return each node before and after a step."""
    return list(zip(step.before.nodes, step.after.nodes, strict=True))


def kswapd_sleeps(cfg: Config, step: Moment) -> bool:
    """Nobody came while a kswapd napped."""
    return has(step, Sleeps)


def kswapd_is_roused(cfg: Config, step: Moment) -> bool:
    """A kswapd is woken out of its nap."""
    return any(new.kswapd.label is Label.ROUSED for _, new in labels(step))


def kswapd_gives_a_node_up(cfg: Config, step: Moment) -> bool:
    """A kswapd has failed too often."""
    return any(old.failures < new.failures == cfg.retries for old, new in labels(step))


def kswapd_gives_an_order_up(cfg: Config, step: Moment) -> bool:
    """A kswapd has reclaimed enough, and sleeps for single pages only."""
    return any(
        new.kswapd.label is Label.RESTLESS
        and new.kswapd.reclaim_order < new.kswapd.alloc_order
        for _, new in labels(step)
    )


def balances(step: Moment) -> list[tuple[Balance, Balance]]:
    """Return each run of a kswapd before and after a step."""
    both = [(old.kswapd.run, new.kswapd.run) for old, new in labels(step)]
    return [(old, new) for old, new in both if old is not None and new is not None]


def need_comes_before_a_boost(cfg: Config, step: Moment) -> bool:
    """A run for a boost becomes one for balance, and begins anew."""
    return any(
        old.boost_left and new.sc.may_swap > old.sc.may_swap
        for old, new in balances(step)
    )


def a_boost_is_worked_off(cfg: Config, step: Moment) -> bool:
    """A run for a boost ends with the boost gone."""
    return isinstance(step.op, Shrunk) and any(
        old.boost > new.boost
        for old, new in zip(step.before.zones, step.after.zones, strict=True)
    )


def compaction_is_woken_in_its_place(cfg: Config, step: Moment) -> bool:
    """A request without direct reclaim wakes kcompactd, as kswapd has nothing to do."""
    return isinstance(step.op, WakeKswapd) and has(step, WakesKcompactd)


def kswapd_finds_nothing_to_do(cfg: Config, step: Moment) -> bool:
    """A kswapd is woken, and a zone is balanced by then."""
    woken = isinstance(step.op, RunKswapd) and not has(step, Shrink)
    return woken and any(old.kswapd.label is Label.WOKEN for old, _ in labels(step))


# ------------------------------------------------------------------ others


def the_own_node_is_enough(cfg: Config, step: Moment) -> bool:
    """A task finds its pages on its own node."""
    return isinstance(step.before.task, Local) and returned(step) == 1


def the_own_node_is_not_enough(cfg: Config, step: Moment) -> bool:
    """A task has scanned all of its own node in vain."""
    return isinstance(step.before.task, Local) and returned(step) == 0


def the_own_node_is_not_scanned(cfg: Config, step: Moment) -> bool:
    """A task may not reclaim on a node."""
    return isinstance(step.op, NodeReclaim) and returned(step) == -2


def the_own_node_has_nothing(cfg: Config, step: Moment) -> bool:
    """A node has no more cache than it shall keep."""
    return isinstance(step.op, NodeReclaim) and returned(step) == -1


def a_protected_list_is_scanned_less(cfg: Config, step: Moment) -> bool:
    """A list is scanned less for the sake of memory.low."""
    return isinstance(step.op, ScanCount) and step.result.low_skipped


def a_dead_group_is_scraped(cfg: Config, step: Moment) -> bool:
    """The last pages of a group that is gone are scanned in spite of the priority."""
    op = step.op
    few = isinstance(op, ScanCount) and not op.size >> op.priority
    return few and step.result.pages > 0


WITNESSES = (
    enough_pages_end_a_reclaim,
    a_few_pages_end_a_reclaim,
    nothing_ends_a_reclaim,
    compaction_ends_a_reclaim,
    no_zone_may_be_scanned,
    a_fatal_signal_ends_a_wait,
    active_pages_are_forced_out,
    protected_pages_are_tried,
    a_reclaim_begins_a_third_time_anew,
    dirty_pages_are_written_at_last,
    a_node_is_scanned_twice_in_a_round,
    a_scan_goes_on_for_compaction,
    compaction_cuts_a_scan_short,
    a_hopeless_node_is_revived,
    a_task_waits,
    a_wait_wakes_kswapd,
    a_task_is_let_go,
    a_task_is_let_go_before_a_nap,
    a_task_is_woken_in_vain,
    a_wait_times_out,
    kswapd_sleeps,
    kswapd_is_roused,
    kswapd_gives_a_node_up,
    kswapd_gives_an_order_up,
    need_comes_before_a_boost,
    a_boost_is_worked_off,
    compaction_is_woken_in_its_place,
    kswapd_finds_nothing_to_do,
    the_own_node_is_enough,
    the_own_node_is_not_enough,
    the_own_node_is_not_scanned,
    the_own_node_has_nothing,
    a_protected_list_is_scanned_less,
    a_dead_group_is_scraped,
)
