"""What holds of every state of nodes and zones; laws.py says what holds of steps.

Source: mm/page_alloc.c (v5.10).
"""

from __future__ import annotations

from itertools import pairwise

from ..core import Complaints, Contract, Invariant, Law
from . import laws
from .pagesets import BOOT_LIMITS
from .state import (
    Config,
    Node,
    Phase,
    System,
    kept_back,
    populated,
    zones_of,
)


def name(cfg: Config, node: Node, index: int) -> str:
    """Return a zone for a reader."""
    return f"node {node.nid} zone {cfg.layout.names[index]}"


def zones_lie_in_their_node(cfg: Config, s: System) -> Complaints:
    """A zone spans frames of its node only, and has no more pages than it spans."""
    for node, i, z in zones_of(s):
        whose, bounds = name(cfg, node, i), f"[{node.start}, {node.end})"
        if not 0 <= z.present <= z.spanned:
            yield f"{whose} has {z.present} pages and spans {z.spanned}"
        if z.spanned and not node.start <= z.start <= z.end <= node.end:
            yield f"{whose} [{z.start}, {z.end}) leaves the node's {bounds}"
        if not z.spanned and z.start:
            yield f"{whose} spans nothing, and starts at {z.start}"
    for node in s.nodes:
        if node.movable_pfn and not node.start <= node.movable_pfn < node.end:
            at = node.movable_pfn
            yield f"node {node.nid}: ZONE_MOVABLE begins at {at}, outside of it"


def zones_do_not_overlap(cfg: Config, s: System) -> Complaints:
    """The zones of a node share no frame, and higher types lie higher.

    With mirrored memory ZONE_NORMAL and ZONE_MOVABLE lie in each other's holes; where
    an architecture says so, higher types lie lower.
    """
    if s.ask.mirror:
        return
    for node in s.nodes:
        spans = [(i, z) for i, z in enumerate(node.zones) if z.spanned]
        if cfg.descending:
            spans.sort(key=lambda each: each[1].start)
        for (i, low), (j, high) in pairwise(spans):
            if low.end > high.start:
                one, other = name(cfg, node, i), cfg.layout.names[j]
                yield f"{one} ends at {low.end}, {other} starts at {high.start}"


def frames_in(s: System, nid: int, start: int, end: int) -> int:
    """Return how many frames of a node lie in [start, end)."""
    cut = [(max(r.start, start), min(r.end, end)) for r in s.memory if r.nid == nid]
    return sum(max(0, b - a) for a, b in cut)


def present_pages_are_memory(cfg: Config, s: System) -> Complaints:
    """A zone has the memory of its span, and every frame within limits has a zone.

    With mirrored memory a zone may have less.  Memory that came later has one anyway.
    """
    tops = [high for _, high in s.limits] + [z.end for _, _, z in zones_of(s)]
    top = max(tops, default=0)
    for node in s.nodes:
        for i, z in enumerate(node.zones):
            real = frames_in(s, node.nid, z.start, z.end)
            if z.present > real or (z.present < real and not s.ask.mirror):
                whose = name(cfg, node, i)
                yield f"{whose} has {z.present} pages, its span has {real}"
        there = sum(z.present for z in node.zones)
        real = frames_in(s, node.nid, 0, top)
        if there > real or (there < real and not s.ask.mirror):
            yield f"node {node.nid}: zones have {there} pages of {real}"


def managed_pages_are_present(cfg: Config, s: System) -> Complaints:
    """A zone manages no page that is not there or has no descriptor yet."""
    for node, i, z in zones_of(s):
        if z.managed < 0:
            yield f"{name(cfg, node, i)} manages {z.managed} pages"
        if s.phase >= Phase.FREED and kept_back(node, i) < 0:
            excess = -kept_back(node, i)
            yield f"{name(cfg, node, i)} manages {excess} pages too many"
        if z.managed > z.present:
            yield f"{name(cfg, node, i)} manages {z.managed} pages of {z.present}"
    for node in s.nodes:
        if node.deferred < 0 or (node.deferred and s.phase >= Phase.LATE):
            yield f"node {node.nid}: {node.deferred} pages are deferred"


def limits_fit_each_other(cfg: Config, s: System) -> Complaints:
    """A pageset moves at least one page at once, and no more than it may hold."""
    for node, i, z in zones_of(s):
        high, batch = z.limits
        if not 1 <= batch <= max(1, high):
            yield f"{name(cfg, node, i)}: high {high}, batch {batch}"


def a_zone_keeps_more_from_higher_requests(cfg: Config, s: System) -> Complaints:
    """A zone keeps nothing from its own requests, and never less from higher ones."""
    for node, i, z in zones_of(s):
        whose = name(cfg, node, i)
        if any(z.reserve[: i + 1]):
            yield f"{whose} keeps {z.reserve} from requests for itself"
        if any(low > high for low, high in pairwise(z.reserve)):
            yield f"{whose} keeps {z.reserve}, less from a higher request"


def marks_are_in_order(cfg: Config, s: System) -> Complaints:
    """MIN, LOW and HIGH rise by equal steps; only a zone of four blocks is boosted."""
    for node, i, z in zones_of(s):
        least, low, high = z.marks
        if not 0 <= least <= low <= high or high - low != low - least:
            yield f"{name(cfg, node, i)} has marks {z.marks}"
        if z.boost < 0 or (z.boost and z.managed < 4 * cfg.block):
            size = f"{z.managed} pages"
            yield f"{name(cfg, node, i)} of {size} is boosted by {z.boost}"


def penalised(s: System, local: int, nid: int) -> int:
    """Return the distance of a node, a little more where it is not the best choice."""
    return s.distance[local][nid] + (nid < local) + (nid in s.cpus)


def lists_name_every_zone_once(cfg: Config, s: System) -> Complaints:
    """A node's list names every zone with pages once, near nodes and its own first.

    Inside a node the highest zone is first.
    """
    if s.phase < Phase.LISTED:
        return
    every = populated(s)
    for node in s.nodes:
        refs, whose = node.fallback, f"the list of node {node.nid}"
        if sorted(refs) != sorted(every):
            yield f"{whose} is {refs}, zones with pages are {every}"
            continue
        nids = list(dict.fromkeys(nid for nid, _ in refs))
        own = tuple(ref for ref in refs if ref[0] == node.nid)
        if refs != tuple(sorted(refs, key=lambda r: (nids.index(r[0]), -r[1]))):
            yield f"{whose} is {refs}: a node's zones are not together and falling"
        if refs[: len(own)] != own:
            yield f"{whose} does not begin with its own zones: {refs}"
        if cfg.numa and node.thisnode != own:
            yield f"{whose} for itself alone is {node.thisnode}, not {own}"
        others = [nid for nid in nids if nid != node.nid]
        if cfg.numa:
            away = [penalised(s, node.nid, nid) for nid in others]
            if away != sorted(away):
                yield f"{whose} goes to nodes {others} at {away}"
        elif others != sorted(others, key=lambda n: (n < node.nid, n)):
            yield f"{whose} goes to nodes {others}"


def totals_are_sums(cfg: Config, s: System) -> Complaints:
    """Pages not for the page cache are summed over nodes, and never more than all."""
    total = sum(node.totalreserve for node in s.nodes)
    if s.totalreserve != total:
        yield f"{s.totalreserve} pages are reserved, those of nodes are {total}"
    for node in s.nodes:
        managed = sum(z.managed for z in node.zones)
        if not 0 <= node.totalreserve <= managed:
            yield f"node {node.nid} reserves {node.totalreserve} of {managed} pages"


def nothing_comes_before_its_time(cfg: Config, s: System) -> Complaints:
    """Lists, pagesets and marks are empty until boot has come to them."""
    if s.phase < Phase.LISTED and any(n.fallback or n.thisnode for n in s.nodes):
        yield f"there are zonelists in phase {s.phase.name}"
    for node, i, z in zones_of(s):
        whose = name(cfg, node, i)
        if s.phase < Phase.RUNNING and (any(z.marks) or z.boost or any(z.reserve)):
            yield f"{whose} has marks or reserves in phase {s.phase.name}"
        if z.limits != BOOT_LIMITS and (s.phase < Phase.PAGED or not z.populated):
            yield f"{whose} has pagesets of its own in phase {s.phase.name}"


INVARIANTS: tuple[Invariant[Config, System], ...] = (
    Invariant("ZONE-SPAN", zones_lie_in_their_node),
    Invariant("ZONE-ORDER", zones_do_not_overlap),
    Invariant("ZONE-EXACT", present_pages_are_memory),
    Invariant("ZONE-MANAGED", managed_pages_are_present),
    Invariant("PCP-LIMIT", limits_fit_each_other),
    Invariant("RES-LOWMEM", a_zone_keeps_more_from_higher_requests),
    Invariant("WM-SANE", marks_are_in_order),
    Invariant("ZL-COMPLETE", lists_name_every_zone_once),
    Invariant("RES-TOTAL", totals_are_sums),
    Invariant("BOOT-ORDER", nothing_comes_before_its_time),
)
LAWS: tuple[Law[Config, System], ...] = laws.LAWS
CONTRACTS = (
    Contract("RET-PAGES", "An operation tells the pages that it made or found."),
    Contract("RET-BOOL", "An operation tells whether there was something to do."),
    Contract(
        "RET-CODE", "A value out of bounds gives EINVAL, and nothing else an error."
    ),
)
