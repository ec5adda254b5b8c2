"""What a request is walked with: zones, type, nodes and flags, before any zone is seen.

Every combination of the bits that count, on machines with and without each zone type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.bind.freelist import asked, load, valued
from mmoracle.checkers.lemma import Lemma, Mistake, Shapes, Values
from mmoracle.impl.freelist.alloc import FreeLists
from mmoracle.spec.freelist import alloc, policy, zones
from mmoracle.spec.freelist.alloc import AllocInterleaved, AllocOnNode, Request
from mmoracle.spec.freelist.answers import Outcome
from mmoracle.spec.freelist.policy import AllocCurrent, Mode
from mmoracle.spec.freelist.zones import Config, Lower, Memory, Place, Task, initial
from mmoracle.spec.linux import GFP_BOOT_MASK, GFP_KERNEL, Gfp, ZoneType

from ..sides import equal

PLAIN = (ZoneType.NORMAL, ZoneType.MOVABLE)
RISCV = (ZoneType.DMA32, *PLAIN)
X86 = (ZoneType.DMA, *RISCV)
FLAT = (0,) * 4
ALONE = Config(kinds=PLAIN, orders=2)
LOW = Config(
    kinds=X86,
    zones=tuple(Place(0, index, reserve=FLAT) for index in (0, 2)),
    fallback=(((0, 2), (0, 0)),),
    orders=2,
)
# Node 1 has no ZONE_DMA32, node 2 is not there, node 3 has no memory.
NEAR = {
    0: ((0, 2), (0, 1), (0, 0)),
    1: ((1, 2), (1, 1)),
    3: (),
}
NODES = Config(
    kinds=RISCV,
    zones=tuple(Place(nid, index, reserve=FLAT) for nid, index in (*NEAR[0], *NEAR[1])),
    fallback=((*NEAR[0], *NEAR[1]), (*NEAR[1], *NEAR[0]), (), (*NEAR[1], *NEAR[0])),
    own=(NEAR[0], NEAR[1], (), NEAR[3]),
    numa=True,
    orders=2,
    has_cma=True,
)
EVEN = replace(
    NODES,
    zones=tuple(Place(nid, index) for nid in (0, 1) for index in (0, 1)),
    fallback=(((0, 1), (0, 0), (1, 1), (1, 0)), ((1, 1), (1, 0), (0, 1), (0, 0))),
    own=(((0, 1), (0, 0)), ((1, 1), (1, 0))),
)
CONFIGS = (
    ALONE,
    replace(LOW, allowed=GFP_BOOT_MASK),
    replace(LOW, kinds=X86, grouping=False),
    replace(ALONE, kinds=RISCV, zones=(Place(0, 1),), fallback=(((0, 1),),)),
    NODES,
    replace(NODES, cpusets=True, memoryless=False),
    EVEN,
)
MACHINES = tuple(load(cfg, initial(cfg)) for cfg in CONFIGS)

# ------------------------------------------------------------------ both sides


def refs(zones: Any) -> tuple[tuple[int, int], ...]:
    """Return the machine's zones by their names."""
    return tuple((zone.nid, zone.index) for zone in zones)


def settled_alike(ready: Any, got: Any) -> Any:
    """Say that both sides walk with the same, or have the same answer at once."""
    if isinstance(ready, Outcome):
        return not isinstance(got, tuple) and equal(ready.value, got)
    if not isinstance(got, tuple):
        return False
    ac, (seen, flags, failed) = ready.ac, got
    first = None if seen.preferred is None else refs([seen.preferred])[0]
    due = (ac.gfp, ac.order, ac.nid, ac.highest, ac.mt, ac.spread, ac.preferred)
    told = (seen.gfp, seen.order, seen.nid, seen.highest, seen.mt, seen.spread, first)
    return (
        due == told
        and ac.zonelist == refs(seen.zonelist)
        and (-1 if ac.mask is None else ac.mask) == seen.mask
        and ready.flags == flags
        and ready.failed.value == valued(failed)
    )


def a_request_is_settled_alike(
    top: int, which: int, gfp: int, order: int, nid: int, mask: Any, task: Any, low: Any
) -> Any:
    """Highest zone, type, zonelist, nodes, preferred zone, flags: the same for all."""
    cfg, m = CONFIGS[which], MACHINES[which]
    r = Request(Gfp(gfp), order, nid, mask, task, low)
    told = asked(Gfp(gfp), order, nid, mask, task, low)
    return settled_alike(alloc.settle(cfg, r), m.settle(told))


def a_policy_settles_alike(
    top: int,
    which: int,
    gfp: int,
    order: int,
    mode: Any,
    nodes: int,
    nid: int,
    task: Any,
) -> Any:
    """The node a policy begins with and the nodes it is bound to are the same.

    So are the node whose turn it is, and that of a request for a node.
    """
    cfg, m, low = CONFIGS[which], MACHINES[which], Lower()
    s = initial(cfg)
    told = asked(Gfp(gfp), order, nid, None, task, low)
    turns = [AllocInterleaved(Gfp(gfp), order, nodes, n, task) for n in (None, 1)]
    mine = [m.interleave_nid(nodes, n, task.node) for n in (None, 1)]
    on_node = AllocOnNode(Gfp(gfp), order, nid, task, low)
    current = AllocCurrent(Gfp(gfp), order, mode, nodes, task, low)
    heeded = m.heeded(told, int(mode))
    same = heeded == int(current.heeded)
    if current.turn is None:
        got = m.settle_current(told, heeded, nodes)
        same = same and settled_alike(current.settled(cfg, s), got)
    return (
        same
        and [op.node(cfg, s) for op in turns] == mine
        and settled_alike(on_node.settled(cfg, s), m.settle_node(told))
    )


def a_machine_begins_with_all_of_its_nodes(top: int, which: int) -> Any:
    """The last node was served last, so that the first is next; those there count."""
    cfg, m = CONFIGS[which], MACHINES[which]
    made = FreeLists(m.zones, cfg.fallback, cfg.own, cfg.kinds, orders=cfg.orders)
    return (made.il_prev, made.online) == (zones.initial(cfg).il_prev, cfg.online)


# ------------------------------------------------------------------ the cases

TASKS = (
    Task(),
    Task(interrupt=True, mems=0b01),
    Task(mems=0b10, nocma=True),
    Task(mems=0b1000, noio=True),
    Task(node=1, nofs=True),
)
EXTRA = (
    Gfp.NONE,
    Gfp.THISNODE,
    Gfp.WRITE,
    Gfp.HARDWALL | Gfp.KSWAPD_RECLAIM,
    GFP_KERNEL,
)
TYPICAL = (0x40, 0xC0A, 0xCD2, 0x200040)


def every_request() -> Iterator[Values]:
    """Yield every zone and type that may be named; then all that is around a few."""
    for at, cfg in enumerate(CONFIGS):
        nids = range(-1, len(cfg.fallback) + 1)
        for gfp, extra, nid in product(range(32), EXTRA, (0, len(nids) - 3)):
            yield 1, at, gfp | extra, 0, nid, None, Task(), Lower()
        masks, lows = (None, 0, 0b10), (Lower(), Lower(fails=True))
        around = product(TYPICAL, (0, 1, 2), nids, masks, TASKS, lows)
        yield from ((1, at, *each) for each in around)


def every_policy() -> Iterator[Values]:
    """Yield every policy of some requests on every machine."""
    for at, cfg in enumerate(CONFIGS):
        nodes, nids = range(1 << len(cfg.fallback)), (-2, -1, 1, len(cfg.fallback))
        for gfp in (0x40, 0x44, 0x4A, 0x200040):
            around = product((0, 2), tuple(Mode), nodes, nids, TASKS[:3])
            yield from ((1, at, gfp, *each) for each in around)


def every_machine() -> Iterator[Values]:
    """Yield every machine."""
    return ((1, at) for at in range(len(CONFIGS)))


# ------------------------------------------------------------------ mistakes


def below_by_two(cfg: Config, preferred: Any) -> bool:
    """Look two zones below the preferred one."""
    return preferred is not None and right_below(cfg, (preferred[0], preferred[1] - 1))


def own_nodes_of_all(self: FreeLists, told: Any, ac: Any) -> int:
    """Keep interrupts to the nodes of the task that they interrupt, on the machine."""
    task = told.task._replace(interrupt=False)
    return right_prepare(self, told._replace(task=task), ac)


def bound_alone(cfg: Config, nodes: int) -> int:
    """Let a policy be about the lowest zone with memory."""
    return min(place.index for place in cfg.zones)


def never_heeded(self: FreeLists, told: Any, mode: int) -> int:
    """Heed the policy in an interrupt, on the machine."""
    return mode


def first_was_last(cfg: Config) -> Memory:
    """Begin as if the first node had been served."""
    return replace(right_initial(cfg), il_prev=0)


def last_but_one(self: FreeLists, *args: Any, **more: Any) -> None:
    """Begin with the last node."""
    right_init(self, *args, **more)
    self.il_prev -= 1


right_below, right_prepare = alloc.is_below_populated, FreeLists.prepare_alloc_pages
right_init, right_initial = FreeLists.__init__, zones.initial

SETTLED = (
    Lemma(
        claim=a_request_is_settled_alike,
        size="7 machines",
        provers=(Shapes(every_request, "every case"),),
        mistakes=(
            Mistake(alloc, "is_below_populated", below_by_two),
            Mistake(FreeLists, "prepare_alloc_pages", own_nodes_of_all),
        ),
    ),
    Lemma(
        claim=a_policy_settles_alike,
        size="7 machines",
        provers=(Shapes(every_policy, "every case"),),
        mistakes=(
            Mistake(policy, "policy_zone", bound_alone),
            Mistake(FreeLists, "heeded", never_heeded),
        ),
    ),
    Lemma(
        claim=a_machine_begins_with_all_of_its_nodes,
        size="7 machines",
        provers=(Shapes(every_machine, "every case"),),
        mistakes=(
            Mistake(zones, "initial", first_was_last),
            Mistake(FreeLists, "__init__", last_but_one),
        ),
    ),
)
