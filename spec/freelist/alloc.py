"""Requests: for a node, for the task's node, in turn over nodes, or from the slow path.

The first attempt must leave the low mark; where it fails, the request is handed to the
slow path, which is another subsystem's and calls the walk with flags of its own.

Source: mm/page_alloc.c:__alloc_pages_nodemask, mm/mempolicy.c (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from ..linux import NUMA_NO_NODE, AllocFlags, Bug, Gfp
from .answers import Outcome, Page, SlowPath
from .others import judge_policy, judge_value, judge_walk, judge_zones, served, usable
from .request import (
    Nodemask,
    Ref,
    fast_flags,
    first_zone,
    gfp_migratetype,
    gfp_of_context,
    gfp_zone,
    gfp_zonelist,
    next_node_in,
    offset_il_node,
)
from .walk import Context, counted, get_page_from_freelist, prep_new_page
from .zones import (
    Config,
    Lower,
    Memory,
    Stat,
    Task,
    at_of,
    has_zone,
    is_node,
    memory_node,
    with_zone,
)

BAD_NODE = Bug("there is no such node")
Done = tuple[Memory, Outcome]


@value
class Request:
    """A request as __alloc_pages_nodemask() gets it."""

    gfp: Gfp
    order: int
    nid: int
    mask: Nodemask
    task: Task
    lower: Lower


@value
class Settled:
    """What prepare_alloc_pages() makes of a request, and the flags to begin with.

    `failed` is the answer if no zone serves it.
    """

    ac: Context
    flags: AllocFlags
    failed: Outcome


# ------------------------------------------------------------------ before the walk


def prepare(cfg: Config, r: Request, gfp: Gfp) -> Context | Bug:
    """Return the context of a walk for a request."""
    highest = gfp_zone(gfp, cfg.kinds)
    if isinstance(highest, Bug):
        return highest
    if not is_node(cfg, r.nid):
        return BAD_NODE
    mt = gfp_migratetype(gfp, cfg.grouping)
    if isinstance(mt, Bug):
        return mt
    lists = cfg.own if gfp_zonelist(gfp, cfg.numa) else cfg.fallback
    first = first_zone(lists[r.nid], highest, r.mask)
    return Context(
        gfp=gfp,
        order=r.order,
        zonelist=lists[r.nid],
        mask=r.mask,
        highest=highest,
        mt=mt,
        preferred=first,
        task=r.task,
        lower=r.lower,
        nid=r.nid,
    )


def is_below_populated(cfg: Config, preferred: Ref | None) -> bool:
    """Say whether the zone below the preferred one has memory."""
    if preferred is None:
        return False
    return has_zone(cfg, (preferred[0], preferred[1] - 1))


def settle(cfg: Config, r: Request) -> Outcome | Settled:
    """Return what is walked with, or the answer if nothing is to be walked.

    With cpusets a task's own nodes stand in for a nodemask that was not given, in the
    first attempt only; where one was given the walk looks at the cpuset.
    """
    if r.order >= cfg.orders:
        return Outcome(None)
    gfp = r.gfp & Gfp(cfg.allowed)
    plain = prepare(cfg, r, gfp)
    if isinstance(plain, Bug):
        return Outcome(plain)
    if r.lower.fails:
        return Outcome(None)
    ac = replace(plain, spread=bool(gfp & Gfp.WRITE))
    own_nodes = cfg.cpusets and r.mask is None and not r.task.interrupt
    if cfg.cpusets:
        ac = replace(ac, gfp=gfp | Gfp.HARDWALL)
    if own_nodes:
        first = first_zone(ac.zonelist, ac.highest, r.task.mems)
        ac = replace(ac, mask=r.task.mems, preferred=first)
    flags = fast_flags(
        gfp,
        None if ac.preferred is None else ac.preferred[1],
        cfg.kinds,
        nodes=cfg.online,
        below=is_below_populated(cfg, ac.preferred),
        has_cma=cfg.has_cma,
        nocma=r.task.nocma,
        cpuset=cfg.cpusets and not own_nodes,
    )
    return Settled(ac, AllocFlags(flags), Outcome(handed_over(cfg, r, gfp, ac)))


def handed_over(cfg: Config, r: Request, gfp: Gfp, ac: Context) -> SlowPath:
    """Return what the slow path is called with; a task's scope counts from here on."""
    at = -1 if ac.preferred is None else at_of(cfg, ac.preferred)
    scoped = gfp_of_context(gfp, r.task.noio, r.task.nofs)
    return SlowPath(Gfp(scoped), at, ac.highest, ac.mt)


# ------------------------------------------------------------------ what is answered


def linux(cfg: Config, s: Memory, ready: Settled) -> Done:
    """Return what Linux does."""
    s, page, events = get_page_from_freelist(cfg, s, ready.ac, ready.flags)
    failed = ready.failed.value
    return s, Outcome(page if page is not None else failed, events)


def policy(cfg: Config, s: Memory, ready: Settled) -> Outcome:
    """Return what a policy other than Linux's answers: the first zone that may."""
    places = usable(cfg, s, ready.ac, ready.flags)
    if not places:
        return ready.failed
    return Outcome(prep_new_page(cfg, ready.ac, places[0], ready.flags))


def answered(cfg: Config, s: Memory, ready: Outcome | Settled) -> Outcome:
    """Return the answer to a request."""
    if isinstance(ready, Outcome):
        return ready
    return linux(cfg, s, ready)[1] if cfg.is_linux else policy(cfg, s, ready)


def judged(cfg: Config, s: Memory, ready: Outcome | Settled, result: Outcome) -> Memory:
    """Return the state after an answer to a request, or refuse it."""
    require(isinstance(result, Outcome), "RET-CODE", f"{result} is no outcome")
    if isinstance(ready, Outcome):
        require(result == ready, "RET-CODE", f"{ready} is due, got {result}")
        return s
    judge_zones(cfg, ready.ac, ready.flags, result)
    if cfg.is_linux:
        after, due = linux(cfg, s, ready)
        judge_walk(result, due)
        return after
    judge_policy(cfg, s, ready.ac, ready.flags, result)
    if not isinstance(result.value, Page):
        judge_value(result.value, ready.failed.value)
        return s
    return served(cfg, s, ready.ac, ready.flags, result.value.at)


def is_full(cfg: Config, s: Memory) -> bool:
    """Say whether a counter is as high as exploration goes."""
    most = cfg.most_counted
    return most > 0 and any(max(zone.stats) >= most for zone in s.zones)


def common(cfg: Config) -> Domains:
    """Return the domains of what every request has."""
    return {"gfp": OneOf(cfg.gfps), "order": OneOf(cfg.sizes)}


def around(cfg: Config) -> Domains:
    """Return the domains of who asks and what lower layers answer."""
    return {"task": OneOf(cfg.tasks), "lower": OneOf(cfg.lowers)}


# ------------------------------------------------------------------ the operations


@value
class AllocPages:
    """__alloc_pages_nodemask(): a block from a node or from others of a nodemask."""

    gfp: Gfp
    order: int = 0
    nid: int = 0
    mask: Nodemask = None
    task: Task = Task()
    lower: Lower = Lower()

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if is_full(cfg, s):
            return nothing()
        nodes = {"nid": OneOf(cfg.nids), "mask": OneOf(cfg.masks)}
        return {**common(cfg), **nodes, **around(cfg)}

    def settled(self, cfg: Config, s: Memory) -> Outcome | Settled:
        """Return what is walked with, or the answer."""
        r = self
        return settle(cfg, Request(r.gfp, r.order, r.nid, r.mask, r.task, r.lower))

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return answered(cfg, s, self.settled(cfg, s))

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        return judged(cfg, s, self.settled(cfg, s), result)


@value
class AllocOnNode:
    """alloc_pages_node(): a block from a node, or from the nearest one with memory."""

    gfp: Gfp
    order: int = 0
    nid: int = NUMA_NO_NODE
    task: Task = Task()
    lower: Lower = Lower()

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if is_full(cfg, s):
            return nothing()
        nids = OneOf((NUMA_NO_NODE, *cfg.nids, len(cfg.fallback), NUMA_NO_NODE - 1))
        return {**common(cfg), "nid": nids, **around(cfg)}

    def settled(self, cfg: Config, s: Memory) -> Outcome | Settled:
        """Return what is walked with, or the answer."""
        nid = self.nid
        if nid == NUMA_NO_NODE:
            nid = memory_node(cfg, self.task.node)
        if not 0 <= nid < len(cfg.fallback):
            return Outcome(BAD_NODE)
        r = Request(self.gfp, self.order, nid, None, self.task, self.lower)
        return settle(cfg, r)

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return answered(cfg, s, self.settled(cfg, s))

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        return judged(cfg, s, self.settled(cfg, s), result)


@value
class AllocInterleaved:
    """alloc_page_interleave(): a block from the next node of a policy, or by offset.

    Without an offset the task goes round the nodes: interleave_nodes().  A page that
    came from its node is counted once more.
    """

    gfp: Gfp
    order: int
    policy: int  # nodes, as bits
    offset: int | None = None  # of the page in its mapping: offset_il_node()
    task: Task = Task()
    lower: Lower = Lower()

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if is_full(cfg, s):
            return nothing()
        turns = {"policy": OneOf(cfg.policies), "offset": OneOf(cfg.offsets)}
        return {**common(cfg), **turns, **around(cfg)}

    def node(self, cfg: Config, s: Memory) -> int:
        """Return the node whose turn it is."""
        nodes = len(cfg.fallback)
        if self.offset is None:
            return next_node_in(s.il_prev, self.policy, nodes)
        return offset_il_node(self.offset, self.policy, nodes, self.task.node)

    def settled(self, cfg: Config, s: Memory) -> Outcome | Settled:
        """Return what is walked with, or the answer."""
        nid = self.node(cfg, s)
        r = Request(self.gfp, self.order, nid, None, self.task, self.lower)
        return settle(cfg, r)

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return answered(cfg, s, self.settled(cfg, s))

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        nid = self.node(cfg, s)
        s = judged(cfg, s, self.settled(cfg, s), result)
        if self.offset is None and nid < len(cfg.fallback):
            s = Memory(s.zones, nid)
        got = result.value
        if not isinstance(got, Page) or not (cfg.numa and cfg.counts):
            return s
        if cfg.zones[got.at].nid != nid:
            return s
        zone = counted(s.zones[got.at], Stat.INTERLEAVE_HIT)
        return with_zone(s, got.at, zone)


@value
class GetPageFromFreelist:
    """get_page_from_freelist() as the slow path calls it, with alloc flags of its own.

    The preferred zone is found anew; dirty pages are not spread any more.
    """

    gfp: Gfp
    order: int
    flags: AllocFlags
    nid: int = 0
    mask: Nodemask = None
    task: Task = Task()
    lower: Lower = Lower()

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if is_full(cfg, s):
            return nothing()
        orders = OneOf(tuple(o for o in cfg.sizes if o < cfg.orders))
        return {
            "gfp": OneOf(cfg.gfps),
            "order": orders,
            "flags": OneOf(cfg.flags),
            "nid": OneOf(cfg.nids),
            "mask": OneOf(cfg.masks),
            **around(cfg),
        }

    def settled(self, cfg: Config, s: Memory) -> Outcome | Settled:
        """Return what is walked with, or the answer."""
        r = self
        asked = Request(r.gfp, r.order, r.nid, r.mask, r.task, r.lower)
        ac = prepare(cfg, asked, self.gfp)
        if isinstance(ac, Bug):
            return Outcome(ac)
        return Settled(ac, self.flags, Outcome(None))

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return answered(cfg, s, self.settled(cfg, s))

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        return judged(cfg, s, self.settled(cfg, s), result)
