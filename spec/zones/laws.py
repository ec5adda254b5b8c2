"""What every step of nodes and zones must, and must not, have changed.

Quotients are stated as inequalities here, not as the divisions that both sides do.
"""

from __future__ import annotations

from ..core import Complaints, Law, Step
from ..linux import Errno
from . import marks
from .boot import (
    FillMemblks,
    FinishInit,
    FreeAreaInit,
    FreeReserved,
    GrowZone,
    MemblockFreeAll,
    SetupPagesets,
    free_pages_up_to,
)
from .fill import Block
from .hotplug import OnlinePages
from .pagesets import pageset_limits
from .state import (
    Config,
    Node,
    System,
    Zone,
    highmem,
    lowmem_pages,
    zones_of,
)
from .tune import (
    Boost,
    InitWmarks,
    StartHugepages,
    Unboost,
    WriteFraction,
    WriteMinFreeKbytes,
    WriteReserveRatio,
    WriteScaleFactor,
)

Moment = Step[Config, System]
Pair = tuple[Node, int, Zone, Zone]  # a zone before and after

MAKES = (FreeAreaInit,)
SIZES = (MemblockFreeAll, FreeReserved, GrowZone, FinishInit, OnlinePages)
MARKS = (
    InitWmarks,
    StartHugepages,
    WriteMinFreeKbytes,
    WriteScaleFactor,
    OnlinePages,
)
RESERVES = (InitWmarks, WriteReserveRatio, OnlinePages)


def pairs(step: Moment) -> list[Pair]:
    """Return each zone as it was and as it is, none where nodes were just made."""
    if isinstance(step.op, MAKES):
        return []
    both = zip(zones_of(step.before), zones_of(step.after), strict=True)
    return [(node, i, old, new) for (_, _, old), (node, i, new) in both]


def name(cfg: Config, node: Node, index: int) -> str:
    """Return a zone for a reader."""
    return f"node {node.nid} zone {cfg.layout.names[index]}"


def taken(step: Moment) -> bool:
    """Say whether a step was not refused."""
    return not isinstance(step.result, Errno)


def only_what_is_meant_changes(cfg: Config, step: Moment) -> Complaints:
    """A refusal changes nothing; spans never change; pages change by freeing alone."""
    op, before, after = step.op, step.before, step.after
    if not taken(step) and before != after:
        yield "a refused write changed something"
    if isinstance(op, MAKES):
        return
    hot = op.part if isinstance(op, OnlinePages) else None
    known = after.memory if hot is None else set(after.memory) & set(before.memory)
    if set(before.memory) != set(known) or before.limits != after.limits:
        yield "the memory map changed"
    if isinstance(op, FillMemblks) is False and before.blocks != after.blocks:
        yield "blocks of firmware's memory changed"
    for node, i, old, new in pairs(step):
        whose = name(cfg, node, i)
        span = (old.start, old.spanned, old.present)
        here = hot is not None and (node.nid, i) == (hot.nid, hot.zone)
        if span != (new.start, new.spanned, new.present) and not here:
            yield f"{whose} changed its span"
        if old.managed != new.managed and not isinstance(op, SIZES):
            yield f"{whose} managed {old.managed} pages, now {new.managed}"


def managed_before(step: Moment) -> dict[tuple[int, int], int]:
    """Return the managed pages of each zone before a step."""
    return {(n.nid, i): z.managed for n, i, z in zones_of(step.before)}


def pages_are_released_as_told(cfg: Config, step: Moment) -> Complaints:
    """A zone manages exactly what was released to it, and what was given up since."""
    match step.op:
        case MemblockFreeAll(released):
            due = {
                (n.nid, i): pages
                for n, row in zip(step.after.nodes, released, strict=True)
                for i, pages in enumerate(row)
            }
        case FreeReserved(nid, index, _):
            due = managed_before(step)
            due[nid, index] += step.result
        case OnlinePages(part):
            due = managed_before(step)
            due[part.nid, part.zone] += part.pages if taken(step) else 0
        case _:
            return
    for node, i, z in zones_of(step.after):
        if z.managed != due[node.nid, i]:
            pages = due[node.nid, i]
            yield f"{name(cfg, node, i)} manages {z.managed} pages, not {pages}"


def limits_follow_the_size(cfg: Config, step: Moment) -> Complaints:
    """Whenever pagesets are made or memory is complete, their limits fit the zone."""
    op, t = step.op, step.after.tunables
    late = isinstance(op, FinishInit) and cfg.deferred
    changed = isinstance(op, WriteFraction) and step.before.tunables != t
    every = isinstance(op, SetupPagesets) or late or changed
    hot = op.part if isinstance(op, OnlinePages) and taken(step) else None
    for node, i, old, new in pairs(step):
        whose = name(cfg, node, i)
        due = every or (hot is not None and (node.nid, i) == (hot.nid, hot.zone))
        if due and new.populated:
            fit = pageset_limits(new.managed, t.fraction, cfg.mmu, cfg.page_shift)
            if new.limits != fit:
                size = f"{new.managed} managed pages"
                yield f"{whose}: {size} ask for {fit}, limits are {new.limits}"
        elif new.limits != old.limits:
            yield f"{whose}: limits changed from {old.limits} to {new.limits}"


def reserves_are_shares_of_what_is_above(cfg: Config, step: Moment) -> Complaints:
    """A zone keeps a ratio's share of all pages between it and the request's zone."""
    due = isinstance(step.op, RESERVES) and taken(step)
    ratios = step.after.tunables.ratios
    for node, i, old, new in pairs(step):
        whose = name(cfg, node, i)
        if not due and old.reserve != new.reserve:
            yield f"{whose} kept {old.reserve}, now {new.reserve}"
        for j in range(i + 1, len(new.reserve)) if due else ():
            above = sum(z.managed for z in node.zones[i + 1 : j + 1])
            kept, ratio = new.reserve[j], ratios[i]
            if not ratio or not new.managed:
                if kept:
                    yield f"{whose} keeps {kept} pages, and should keep none"
            elif not kept * ratio <= above < (kept + 1) * ratio:
                upper = cfg.layout.names[j]
                yield f"{whose} keeps {kept} of {above} pages from {upper}"


def sets_marks(step: Moment) -> bool:
    """Say whether a step computes all marks."""
    return isinstance(step.op, MARKS) and taken(step)


def lowmem_keeps_min_free_kbytes_together(cfg: Config, step: Moment) -> Complaints:
    """The lowest marks of lowmem are min_free_kbytes in all, by size; gaps by scale.

    A share is rounded down, so that up to a page a zone is missing.
    """
    s, t = step.after, step.after.tunables
    if not sets_marks(step):
        return
    pages, lowmem = t.min_free_kbytes >> (cfg.page_shift - 10), lowmem_pages(cfg, s)
    for node, i, z in zones_of(s):
        least, low, _ = z.marks
        whose, gap = name(cfg, node, i), low - least
        share = pages * z.managed // lowmem
        if highmem(cfg, s, i):
            if not 32 <= least <= 128:
                yield f"{whose} is highmem, its lowest mark is {least}"
        elif not least * lowmem <= pages * z.managed < (least + 1) * lowmem:
            yield f"{whose}: {least} of {pages} pages are no share by size"
        wide = max(share // 4 * 10000, z.managed * t.scale)
        if not gap * 10000 <= wide < (gap + 1) * 10000:
            yield f"{whose} has marks {gap} pages apart at scale {t.scale}"
        if z.boost:
            yield f"{whose} is boosted by {z.boost} after its marks were set"


def marks_change_when_they_are_set(cfg: Config, step: Moment) -> Complaints:
    """No other operation moves a mark."""
    if sets_marks(step):
        return
    for node, i, old, new in pairs(step):
        if old.marks != new.marks:
            yield f"{name(cfg, node, i)} had marks {old.marks}, now {new.marks}"


def min_free_kbytes_is_a_root(cfg: Config, step: Moment) -> Complaints:
    """Picked by the kernel, min_free_kbytes is 4 * sqrt(lowmem kB), within bounds.

    A user's value that is not lower stays; huge pages may raise it.
    """
    before, after = step.before.tunables, step.after.tunables
    kbytes = after.min_free_kbytes
    if isinstance(step.op, StartHugepages) and kbytes < before.min_free_kbytes:
        yield f"huge pages lower min_free_kbytes to {kbytes}"
    if not isinstance(step.op, InitWmarks) or step.before.hugepages:
        return
    free = free_pages_up_to(step.before, cfg.layout.normal)
    square, user = 16 * (free << (cfg.page_shift - 10)), before.user_kbytes
    if (user + 1) ** 2 > square:
        if kbytes != before.min_free_kbytes:
            yield f"{kbytes} kB are picked over {user} of a user"
    elif square < marks.LEAST_KBYTES**2:
        if kbytes != marks.LEAST_KBYTES:
            yield f"{kbytes} kB are picked for the root of {square}"
    elif square >= (marks.MOST_KBYTES + 1) ** 2:
        if kbytes != marks.MOST_KBYTES:
            yield f"{kbytes} kB are picked for the root of {square}"
    elif not kbytes**2 <= square < (kbytes + 1) ** 2:
        yield f"{kbytes} kB are not the root of {square}"


def reserved_pages_are_reserves_and_marks(cfg: Config, step: Moment) -> Complaints:
    """Not for the page cache is, in each zone, the high mark and the most it keeps."""
    if not sets_marks(step) and not isinstance(step.op, WriteReserveRatio):
        return
    for node in step.after.nodes:
        due = 0
        for i, z in enumerate(node.zones):
            most = max((*z.reserve[i:], 0)) + z.marks[2]
            most += z.boost
            due += most if most < z.managed else z.managed
        if node.totalreserve != due:
            yield f"node {node.nid} reserves {node.totalreserve} pages, not {due}"


def boosts_are_bounded(cfg: Config, step: Moment) -> Complaints:
    """A boost adds a page block, up to a factor of the high mark; kswapd takes it back.

    One block is allowed at least, in a zone of four or more.
    """
    op, factor = step.op, step.before.tunables.factor
    for node, i, old, new in pairs(step):
        whose, here = name(cfg, node, i), (node.nid, i)
        if isinstance(op, Boost) and here == (op.nid, op.zone) and step.result:
            most = max(cfg.block, old.marks[2] * factor // marks.SCALE_UNIT)
            if new.boost != min(old.boost + cfg.block, most):
                yield f"{whose} is boosted from {old.boost} to {new.boost}, at {most}"
        elif isinstance(op, Unboost) and here == (op.nid, op.zone):
            if new.boost != max(0, old.boost - op.pages):
                yield f"{whose} goes from boost {old.boost} to {new.boost}"
        elif new.boost != old.boost and not sets_marks(step):
            yield f"{whose} goes from boost {old.boost} to {new.boost} by itself"


def covered(blocks: tuple[Block, ...], start: int, end: int) -> bool:
    """Say whether blocks cover a range together."""
    at = start
    for block in sorted(blocks, key=lambda b: (b.start, b.end)):
        if block.start <= at < block.end:
            at = block.end
    return at >= end


def overlap(a: Block, b: Block) -> bool:
    """Say whether two blocks share an address."""
    return a.start < b.end and b.start < a.end


def windows_are_filled_without_new_overlaps(cfg: Config, step: Moment) -> Complaints:
    """Blocks that meet a window cover it all, and grow into gaps of it only."""
    if not isinstance(step.op, FillMemblks):
        return
    start, end = step.op.window
    old, new = step.before.blocks, step.after.blocks
    if len(old) != len(new):
        yield f"there were {len(old)} blocks, now {len(new)}"
        return
    if step.result is True and not covered(new, start, end):
        yield f"[{start}, {end}) is not covered by {new}"
    for a, (was, now) in enumerate(zip(old, new, strict=True)):
        if now.start > was.start or now.end < was.end or now.nid != was.nid:
            yield f"block {was} became {now}"
        if now.start < min(was.start, start) or now.end > max(was.end, end):
            yield f"block {was} became {now}, outside of the window"
        for b in range(a):
            if overlap(now, new[b]) and not overlap(was, old[b]):
                yield f"blocks {new[b]} and {now} overlap now"


LAWS: tuple[Law[Config, System], ...] = (
    Law("ZONE-KEPT", only_what_is_meant_changes),
    Law("ZONE-MANAGED", pages_are_released_as_told),
    Law("PCP-LIMIT", limits_follow_the_size),
    Law("RES-LOWMEM", reserves_are_shares_of_what_is_above),
    Law("WM-ROOT", min_free_kbytes_is_a_root),
    Law("WM-SHARE", lowmem_keeps_min_free_kbytes_together),
    Law("WM-SANE", boosts_are_bounded),
    Law("WM-KEPT", marks_change_when_they_are_set),
    Law("RES-TOTAL", reserved_pages_are_reserves_and_marks),
    Law("MB-SORTED", windows_are_filled_without_new_overlaps),
)
