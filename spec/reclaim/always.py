"""What holds of every state of reclaim, and of every step.

Source: mm/vmscan.c (v5.10).
"""

from __future__ import annotations

from ..core import Complaints, Contract, Invariant, Law, Step
from ..linux import Gfp
from .events import Returns, Suits, WakesKswapd
from .levels import Free, ScanCount, Take
from .marks import balanced, boosted
from .ops import TASK, Cause, Resume, Shrunk, Suitable, WakeKswapd, scans
from .state import Balance, Config, Control, Direct, Label, Local, State

Moment = Step[Config, State]
Run = Direct | Local | Balance
RESTING = (Label.ASLEEP, Label.NAPPING)


def whose(who: int) -> str:
    """Return the name of whoever reclaims."""
    return "the task" if who == TASK else f"kswapd {who}"


def runs(s: State) -> dict[int, Run]:
    """Return every reclaim that is under way."""
    kswapds = [(at, node.kswapd.run) for at, node in enumerate(s.nodes)]
    return {who: run for who, run in [(TASK, s.task), *kswapds] if run is not None}


def listed(s: State) -> int:
    """Return the pages that reclaim may still free."""
    return sum(zone.file + zone.anon for zone in s.zones)


# ------------------------------------------------------------------ states


def pages_are_counted_once(cfg: Config, s: State) -> Complaints:
    """No count of a zone is below 0, and together they are no more than it manages."""
    for at, (place, zone) in enumerate(zip(cfg.zones, s.zones, strict=True)):
        counts = (zone.free, zone.file, zone.anon)
        if min(*counts, zone.boost) < 0 or sum(counts) > place.managed:
            yield f"zone {at} of {place.managed} pages counts {counts}"


def priorities_are_in_range(cfg: Config, s: State) -> Complaints:
    """A scan's priority is 0 to 12, that of a kswapd 1 to 12."""
    for who, run in runs(s).items():
        if not (who != TASK) <= run.sc.priority <= cfg.priority:
            yield f"{whose(who)} has priority {run.sc.priority}"


def whoever_reclaims_may_use_the_reserves(cfg: Config, s: State) -> Complaints:
    """While a task reclaims it has PF_MEMALLOC, and afterwards what it had before."""
    if s.task is not None and not s.memalloc:
        yield "the task reclaims without PF_MEMALLOC"


def hopeless_nodes_are_left_alone(cfg: Config, s: State) -> Complaints:
    """A kswapd has failed no more often than is needed to give a node up."""
    for at, node in enumerate(s.nodes):
        if not 0 <= node.failures <= cfg.retries:
            yield f"kswapd {at} has failed {node.failures} times"


def nobody_waits_for_a_kswapd_that_rests(cfg: Config, s: State) -> Complaints:
    """The kswapd that a task waits for does not sleep before it has woken the task."""
    task = s.task
    if not isinstance(task, Direct) or task.waits < 0 or task.woken:
        return
    label = s.nodes[task.waits].kswapd.label
    if label in RESTING:
        yield f"the task waits for kswapd {task.waits}, which is {label.value}"


def boosts_are_worked_off_gently(cfg: Config, s: State) -> Complaints:
    """A kswapd that reclaims for a boost neither writes nor swaps."""
    for at, node in enumerate(s.nodes):
        run = node.kswapd.run
        if run and run.boost_left and (run.sc.may_swap or run.sc.may_writepage):
            yield f"kswapd {at} writes or swaps for a boost of {run.boost_left}"


# ------------------------------------------------------------------ pages


def only_listed_pages_become_free(cfg: Config, step: Moment) -> Complaints:
    """What a scan frees was on the lists of its node's usable zones; no page is lost.

    Other steps of reclaim free nothing.
    """
    if isinstance(step.op, Take | Free):
        return
    usable: tuple[int, ...] = ()
    if isinstance(step.op, Shrunk):
        scan, sc = scans(step.before)[step.op.by[0]]
        usable = cfg.zones_of(scan.node, sc.highest)
    for at, (old, new) in enumerate(
        zip(step.before.zones, step.after.zones, strict=True)
    ):
        gone = (old.file - new.file, old.anon - new.anon)
        if new.free - old.free != sum(gone) or min(gone) < 0:
            yield f"zone {at}: {gone} pages left the lists, {new.free - old.free} free"
        if any(gone) and at not in usable:
            yield f"zone {at} lost {gone} pages to a scan that may not"


def reclaim_returns_what_it_freed(cfg: Config, step: Moment) -> Complaints:
    """A task is told the pages freed; 1 also for compaction or for a fatal signal."""
    task, op = step.before.task, step.op
    events = step.result if isinstance(step.result, tuple) else ()
    last = events[-1] if events else None
    if not isinstance(task, Direct) or not isinstance(last, Returns):
        return
    pages = task.sc.reclaimed
    if isinstance(op, Shrunk) and op.by[0] == TASK:
        pages += sum(op.by[1].file) + sum(op.by[1].anon)
    claims = task.sc.compaction_ready or isinstance(op, Suitable)
    claims = claims or (isinstance(op, Resume) and op.cause is Cause.FATAL)
    if last.number != pages and not (claims and not pages and last.number == 1):
        yield f"{pages} pages were freed, {last.number} are returned"


def tasks_keep_their_flag(cfg: Config, step: Moment) -> Complaints:
    """When a task has reclaimed its PF_MEMALLOC is what it was before."""
    before = step.before.task
    request = before.request if before else getattr(step.op, "request", None)
    if request is None or step.after.task is not None:
        return
    if step.after.memalloc != request.memalloc:
        was = request.memalloc
        yield f"PF_MEMALLOC was {was}, it is {step.after.memalloc}"


# ------------------------------------------------------------------ order


def rank(cfg: Config, s: State, run: Run) -> int:
    """Return how many zones compaction will be asked about before the next scan."""
    scan = run.scan
    if scan is None or scan.asking < 0:
        return 0
    return sum(at >= scan.asking for at in cfg.zones_of(scan.node, run.sc.highest))


def measure(cfg: Config, s: State, run: Run) -> tuple[int, ...]:
    """Return what each step of a reclaim makes smaller."""
    inner = (run.sc.priority, listed(s), rank(cfg, s, run))
    if isinstance(run, Local):
        return inner
    if isinstance(run, Balance):
        return (int(run.boost_left > 0), *inner)
    harder = 2 * run.sc.low_reclaim + run.sc.force_deactivate
    left = len(cfg.zonelist) - run.at
    walking = int(run.scan is None)
    return (3 - harder, inner[0], left, walking, *inner[1:])


def every_reclaim_ends(cfg: Config, step: Moment) -> Complaints:
    """Each answer brings a reclaim nearer to its end.

    A task begins anew at most three times, and runs at most 13 rounds each time.
    """
    op = step.op
    if not isinstance(op, Shrunk | Suitable):
        return
    who = op.by[0] if isinstance(op, Shrunk) else op.who
    before, after = runs(step.before).get(who), runs(step.after).get(who)
    if before is None or after is None:
        return
    old, new = measure(cfg, step.before, before), measure(cfg, step.after, after)
    if new >= old:
        yield f"{whose(who)} goes from {old} to {new}"


def is_same_round(one: Control, two: Control) -> bool:
    """Say whether two moments are of one round of a task."""
    return (one.priority, one.force_deactivate, one.low_reclaim) == (
        two.priority,
        two.force_deactivate,
        two.low_reclaim,
    )


def a_node_is_scanned_once_in_a_row(cfg: Config, step: Moment) -> Complaints:
    """In a round no node is scanned for two zones that follow each other."""
    old, new = step.before.task, step.after.task
    if not isinstance(old, Direct) or not isinstance(new, Direct):
        return
    if new.scan is None or new.at == old.at or not is_same_round(old.sc, new.sc):
        return
    if new.last == old.last and new.scan.asking < 0:
        yield f"node {new.last} is scanned for place {old.at} and for {new.at}"


def only_usable_nodes_are_scanned(cfg: Config, step: Moment) -> Complaints:
    """A task has only nodes scanned where it may allocate."""
    task = step.after.task
    if not isinstance(task, Direct) or task.scan is None:
        return
    r, at = task.request, cfg.zonelist[task.at]
    place = cfg.zones[at]
    usable = r.nodes & r.allowed & 1 << place.node
    if not usable or place.index > r.highest or task.scan.node != place.node:
        yield f"node {task.scan.node} is scanned for zone {at}"


def compaction_is_no_help_without_io(cfg: Config, step: Moment) -> Complaints:
    """Nobody asks about compaction for a request that may not do IO."""
    events = step.result if isinstance(step.result, tuple) else ()
    for event in events:
        asking = [run for run in runs(step.after).values() if asks(run)]
        if isinstance(event, Suits) and not any(r.sc.gfp & Gfp.IO for r in asking):
            yield f"compaction is asked about zone {event.zone} without IO"


def asks(run: Run) -> bool:
    """Say whether a reclaim asks about compaction."""
    if run.scan is not None:
        return run.scan.asking >= 0
    return isinstance(run, Direct) and run.waits < 0


# ------------------------------------------------------------------ kswapd


def kswapd_is_woken_for_a_reason(cfg: Config, step: Moment) -> Complaints:
    """A request wakes no kswapd whose node is balanced and not boosted, or hopeless."""
    op = step.op
    if not isinstance(op, WakeKswapd):
        return
    for event in step.result:
        if isinstance(event, WakesKswapd):
            calm = balanced(cfg, step.before, event.node, op.by[0], op.highest)
            calm = calm and not boosted(cfg, step.before, event.node, op.highest)
            if calm or step.before.nodes[event.node].failures >= cfg.retries:
                yield f"kswapd {event.node} is woken for nothing"


def kswapd_rests_when_it_may(cfg: Config, step: Moment) -> Complaints:
    """A kswapd goes to rest with a zone balanced, or when its node is hopeless."""
    for at, (old, new) in enumerate(
        zip(step.before.nodes, step.after.nodes, strict=True)
    ):
        it = new.kswapd
        if it.label not in RESTING or it.label is old.kswapd.label:
            continue
        calm = balanced(cfg, step.after, at, it.reclaim_order, it.highest)
        if not calm and new.failures < cfg.retries:
            yield f"kswapd {at} is {it.label.value}, and no zone is balanced"


def boosts_end_with_a_run(cfg: Config, step: Moment) -> Complaints:
    """A boost goes only as a run of kswapd ends, and no more of it than the run saw."""
    for at, (old, new) in enumerate(
        zip(step.before.zones, step.after.zones, strict=True)
    ):
        lost = old.boost - new.boost
        node = cfg.zones[at].node
        run = step.before.nodes[node].kswapd.run
        if lost <= 0:
            continue
        seen = run_saw(cfg, step.before, node, at) if run else 0
        if step.after.nodes[node].kswapd.run is not None or lost > seen:
            yield f"zone {at} lost {lost} pages of boost, a run saw {seen}"


def run_saw(cfg: Config, s: State, node: int, at: int) -> int:
    """Return the boost of a zone when the run under way began."""
    it = s.nodes[node].kswapd
    zones = cfg.zones_of(node, it.highest)
    boosts = it.run.boosts if it.run else ()
    return dict(zip(zones, boosts, strict=True)).get(at, 0)


# ------------------------------------------------------------------ counts


def scans_stay_within_the_list(cfg: Config, step: Moment) -> Complaints:
    """A scan looks at no more pages than the list has, or a cluster if protected."""
    op = step.op
    if not isinstance(op, ScanCount):
        return
    protected = op.low or op.least
    most = max(op.size, cfg.cluster) if protected else op.size
    scraped = 0 if op.online else min(op.size, cfg.cluster)
    most = max(most >> op.priority, scraped)
    if not 0 <= step.result.pages <= most:
        yield f"{step.result.pages} pages of {op.size} are scanned, at most {most}"


def sparing_for_low_is_noted(cfg: Config, step: Moment) -> Complaints:
    """A list scanned less for the sake of memory.low says so, the others do not."""
    op = step.op
    if not isinstance(op, ScanCount):
        return
    spares = op.low > op.least and not op.again
    if step.result.low_skipped != spares:
        verb = "spared" if spares else "not spared"
        yield f"pages are {verb} for memory.low, noted {step.result.low_skipped}"


INVARIANTS = (
    Invariant("RCL-COUNTS", pages_are_counted_once),
    Invariant("RCL-PRIORITY", priorities_are_in_range),
    Invariant("RCL-MEMALLOC", whoever_reclaims_may_use_the_reserves),
    Invariant("KSW-FAILURES", hopeless_nodes_are_left_alone),
    Invariant("RCL-STRANDED", nobody_waits_for_a_kswapd_that_rests),
    Invariant("KSW-GENTLE", boosts_are_worked_off_gently),
)


LAWS = (
    Law("RCL-CONSERVE", only_listed_pages_become_free),
    Law("RCL-PAGES", reclaim_returns_what_it_freed),
    Law("LIVE", every_reclaim_ends),
    Law("RCL-ONCE", a_node_is_scanned_once_in_a_row),
    Law("RCL-ALLOWED", only_usable_nodes_are_scanned),
    Law("RCL-NOIO", compaction_is_no_help_without_io),
    Law("RCL-MEMALLOC", tasks_keep_their_flag),
    Law("KSW-NEEDED", kswapd_is_woken_for_a_reason),
    Law("KSW-REST", kswapd_rests_when_it_may),
    Law("KSW-BOOST", boosts_end_with_a_run),
    Law("SCAN-BOUND", scans_stay_within_the_list),
    Law("SCAN-LOW", sparing_for_low_is_noted),
)

CONTRACTS = (
    Contract(
        "RCL-ORDER",
        "What is scanned, or asked about, comes in the order of the zonelist.",
    ),
    Contract("RCL-RESULT", "A reclaim returns when and what its rules say."),
    Contract("RCL-THROTTLE", "Who waits, and is woken, is decided by the reserve."),
    Contract("KSW-WAKE", "A kswapd is woken when its node needs it."),
    Contract("KSW-COMPACT", "Compaction is woken where kswapd leaves it the rest."),
    Contract("KSW-SLEEP", "A kswapd naps, then sleeps, when nothing is to be done."),
    Contract("RCL-SILENT", "What happens to a zone answers nothing."),
    Contract("SCAN-COUNT", "The pages to scan are those of the formula."),
)
