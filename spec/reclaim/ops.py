"""The operations of reclaim: what tasks ask, what scans answer, what else happens.

What an operation answers are its events in order; the last one is what is asked next
or what is returned.  All is decided by the answers that came, so there is one answer.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from itertools import zip_longest

from ..core import Domains, Ints, OneOf, nothing, require, value
from ..linux import CompactResult, Gfp
from . import direct, kswapd, local, shrink
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
    Went,
)
from .levels import Boost, Free, Merge, ScanCount, Take
from .state import (
    Balance,
    Cache,
    Config,
    Control,
    Direct,
    Label,
    Local,
    Pass,
    Request,
    Scan,
    State,
)

TASK = -1  # the task, beside the nodes' kswapds

RULES: dict[type, str] = {
    Shrink: "RCL-ORDER",
    Suits: "RCL-ORDER",
    Waits: "RCL-THROTTLE",
    Returns: "RCL-RESULT",
    WakesKswapd: "KSW-WAKE",
    WakesThrottled: "RCL-THROTTLE",
    WakesKcompactd: "KSW-COMPACT",
    Naps: "KSW-SLEEP",
    Sleeps: "KSW-SLEEP",
}


def judge(due: Events, given: Events) -> None:
    """Refuse any other events, by the rule of the first that differs."""
    for right, got in zip_longest(due, given):
        if right != got:
            named = right if right is not None else got
            rule = RULES.get(type(named), "RCL-ORDER")
            require(False, rule, f"{right} is due, got {got}")


def settle(went: Went, given: Events) -> State:
    """Return where an operation leads, if the events given are those due."""
    judge(went[1], given)
    return went[0]


# ------------------------------------------------------------------ tasks


@value
class TryToFree:
    """A task that found no memory begins to reclaim: try_to_free_pages()."""

    request: Request

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return who may come, while no other task reclaims."""
        return nothing() if s.task else {"request": OneOf(cfg.requests)}

    def go(self, cfg: Config, s: State) -> Went:
        """Return where it leads, and what is asked."""
        return direct.try_to_free_pages(cfg, s, self.request)

    def choose(self, cfg: Config, s: State) -> Events:
        """Return what is asked first, or what it waits for."""
        return self.go(cfg, s)[1]

    def after(self, cfg: Config, s: State, result: Events) -> State:
        """Return the task at its first question, or waiting."""
        return settle(self.go(cfg, s), result)


class Cause(Enum):
    """What ends a wait."""

    WOKEN = "woken"
    TIMEOUT = "timeout"
    SIGNAL = "signal"  # one that does not kill
    FATAL = "fatal"


def causes(task: Direct) -> tuple[Cause, ...]:
    """Return what may end a task's wait; a task that needs FS waits for kswapd only."""
    woken = (Cause.WOKEN,) * task.woken
    if task.request.gfp & Gfp.FS:
        return (*woken, Cause.FATAL)
    return (*woken, Cause.TIMEOUT, Cause.SIGNAL, Cause.FATAL)


@value
class Resume:
    """A task that waits looks whether it may go on."""

    cause: Cause

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return what may end the wait."""
        if not isinstance(s.task, Direct) or s.task.waits < 0:
            return nothing()
        return {"cause": OneOf(causes(s.task))}

    def go(self, cfg: Config, s: State) -> Went:
        """Return where it leads: woken in vain, it waits again."""
        task = s.task
        assert isinstance(task, Direct)
        allowed = direct.allow_direct_reclaim(cfg, s, task.waits)
        if self.cause is Cause.WOKEN and not allowed:
            return direct.wait(cfg, s, task, task.waits)
        return direct.go_on(cfg, s, task, self.cause is Cause.FATAL)

    def choose(self, cfg: Config, s: State) -> Events:
        """Return what is asked first, or that it waits again."""
        return self.go(cfg, s)[1]

    def after(self, cfg: Config, s: State, result: Events) -> State:
        """Return the task at its first question, or waiting, or gone."""
        return settle(self.go(cfg, s), result)


@value
class NodeReclaim:
    """A task reclaims on a node before it takes memory of another: node_reclaim()."""

    node: int
    request: Request
    mode: int
    cache: Cache
    away: bool
    locked: bool

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return what a node's cache may be, while no task reclaims."""
        if s.task:
            return nothing()
        return {
            "node": Ints(0, cfg.nodes),
            "request": OneOf(cfg.requests),
            "mode": OneOf(cfg.modes),
            "cache": OneOf(cfg.caches),
            "away": OneOf((False, True)),
            "locked": OneOf((False, True)),
        }

    def go(self, cfg: Config, s: State) -> Went:
        """Return where it leads, and what is asked."""
        request, mode, cache = self.request, self.mode, self.cache
        refused = local.refusal(mode, cache, request, self.away, self.locked)
        if refused is not None:
            return local.done(s, request, refused)
        return local.begin(cfg, s, self.node, request, mode, cache)

    def choose(self, cfg: Config, s: State) -> Events:
        """Return the scan that is asked for, or why there is none."""
        return self.go(cfg, s)[1]

    def after(self, cfg: Config, s: State, result: Events) -> State:
        """Return the task at its first question, or gone."""
        return settle(self.go(cfg, s), result)


# ------------------------------------------------------------------ answers


def scans(s: State) -> dict[int, tuple[Scan, Control]]:
    """Return the scans under way, by who has begun them."""
    runs = [(at, node.kswapd.run) for at, node in enumerate(s.nodes)]
    all_of_them = [(TASK, s.task), *runs]
    return {who: (run.scan, run.sc) for who, run in all_of_them if run and run.scan}


def is_walking(s: State) -> bool:
    """Say whether the task has asked about a zone before it scans its node."""
    task = s.task
    return isinstance(task, Direct) and task.waits < 0 and task.scan is None


def go_on(cfg: Config, s: State, who: int, scan: Scan | None, sc: Control) -> Went:
    """Go on with a scan, or, when it has ended, with what it was for."""
    run = s.task if who == TASK else s.nodes[who].kswapd.run
    assert run is not None
    run = replace(run, scan=scan, sc=sc)
    if scan is not None:
        return put_back(s, who, run), (shrink.question(scan),)
    if isinstance(run, Direct):
        return direct.scanned(cfg, s, run)
    if isinstance(run, Local):
        return local.scanned(s, run)
    return kswapd.scanned(cfg, s, who, run)


def put_back(s: State, who: int, run: Direct | Local | Balance) -> State:
    """Return the state with whoever scans where it has come to."""
    if isinstance(run, Balance):
        it = s.nodes[who].kswapd
        return kswapd.with_kswapd(s, who, replace(it, run=run))
    return replace(s, task=run)


@value
class Shrunk:
    """A scan of a node answers: who had asked, and what it freed."""

    by: tuple[int, Pass]

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return what each scan under way may answer."""
        found = [
            (who, told)
            for who, (scan, sc) in scans(s).items()
            if scan.asking < 0
            for told in cfg.passes
            if shrink.possible(cfg, s, scan, sc, told)
        ]
        return {"by": OneOf(tuple(found))}

    def go(self, cfg: Config, s: State) -> Went:
        """Return where it leads, and what is asked next."""
        who, told = self.by
        scan, sc = scans(s)[who]
        s, sc = shrink.passed(cfg, s, scan, sc, told)
        following = shrink.after_pass(cfg, scan, sc, told.inactive)
        if following is None:
            progress = scan.progress or sc.reclaimed > scan.base
            s = shrink.ended(s, scan.node, progress)
        return go_on(cfg, s, who, following, sc)

    def choose(self, cfg: Config, s: State) -> Events:
        """Return what is asked next, or returned."""
        return self.go(cfg, s)[1]

    def after(self, cfg: Config, s: State, result: Events) -> State:
        """Return whoever asked at the next question, or at an end."""
        return settle(self.go(cfg, s), result)


@value
class Suitable:
    """Compaction answers whether a zone suits it."""

    who: int
    suits: CompactResult

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return the three answers, for each who asks."""
        asking = [who for who, (scan, _) in scans(s).items() if scan.asking >= 0]
        asking += [TASK] * is_walking(s)
        return {"who": OneOf(tuple(asking)), "suits": OneOf(shrink.SUITS)}

    def go(self, cfg: Config, s: State) -> Went:
        """Return where it leads: before a scan, or within one that may go on."""
        if self.who == TASK and is_walking(s):
            assert isinstance(s.task, Direct)
            return direct.told(cfg, s, s.task, self.suits)
        scan, sc = scans(s)[self.who]
        following = None
        if self.suits not in shrink.ENOUGH:
            following = shrink.onwards(cfg, scan, sc)
        if following is None:
            s = shrink.ended(s, scan.node, scan.progress)
        return go_on(cfg, s, self.who, following, sc)

    def choose(self, cfg: Config, s: State) -> Events:
        """Return what is asked next, or returned."""
        return self.go(cfg, s)[1]

    def after(self, cfg: Config, s: State, result: Events) -> State:
        """Return whoever asked at the next question, or at an end."""
        return settle(self.go(cfg, s), result)


# ------------------------------------------------------------------ kswapd


@value
class WakeKswapd:
    """A request wants a zone's kswapd to run: wakeup_kswapd()."""

    zone: int
    by: tuple[int, Gfp]
    highest: int
    allowed: bool  # by the task's cpuset

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return whoever may want it, and the highest zones of requests."""
        highest = sorted({z.index for z in cfg.zones})
        return {
            "zone": Ints(0, len(cfg.zones)),
            "by": OneOf(cfg.wakes),
            "highest": OneOf(tuple(highest)),
            "allowed": OneOf((False, True)),
        }

    def go(self, cfg: Config, s: State) -> Went:
        """Return what was noted, and who is woken."""
        if not self.allowed or not cfg.zones[self.zone].managed:
            return s, ()
        return kswapd.wakeup_kswapd(cfg, s, self.zone, *self.by, self.highest)

    def choose(self, cfg: Config, s: State) -> Events:
        """Return who is woken."""
        return self.go(cfg, s)[1]

    def after(self, cfg: Config, s: State, result: Events) -> State:
        """Return the node with what was asked."""
        return settle(self.go(cfg, s), result)


@value
class RunKswapd:
    """A kswapd that neither sleeps nor waits for a scan runs up to where it stops."""

    node: int

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return the nodes whose kswapd may run; a nap may end at any time."""
        stopped = (Label.ASLEEP, Label.SCANNING)
        nodes = enumerate(s.nodes)
        able = tuple(at for at, n in nodes if n.kswapd.label not in stopped)
        return {"node": OneOf(able)}

    def go(self, cfg: Config, s: State) -> Went:
        """Return where it stops, and whom it wakes on the way."""
        return kswapd.run(cfg, s, self.node)

    def choose(self, cfg: Config, s: State) -> Events:
        """Return whom it wakes, and what it asks or where it sleeps."""
        return self.go(cfg, s)[1]

    def after(self, cfg: Config, s: State, result: Events) -> State:
        """Return the kswapd where it stops."""
        return settle(self.go(cfg, s), result)


OPS = (
    TryToFree,
    Resume,
    NodeReclaim,
    Shrunk,
    Suitable,
    WakeKswapd,
    RunKswapd,
    Take,
    Free,
    Boost,
    Merge,
    ScanCount,
)
