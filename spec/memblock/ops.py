"""memblock's operations: each says its arguments, Linux's answer and the next state.

Operations that change the arrays say what they do once, in `run`, and are handed
where new things go: `Linux` for what Linux answers, `Told` for what an answer says.
`kmalloc` is what the slab allocator answers when an array grows after it is up.

Source: mm/memblock.c, drivers/of/fdt.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from ..core import Domains, Ints, OneOf, nothing, require, value
from ..linux import (
    MAX_NUMNODES,
    MAX_ORDER,
    NUMA_NO_NODE,
    Addr,
    Bug,
    Errno,
    MemblockFlags,
)
from .regions import (
    CAP_WRAPS,
    HOTPLUG,
    MEMORY,
    MIRROR,
    NO_MIRROR,
    NOMAP,
    NONE,
    NOT_ZERO,
    RESERVED,
    STOPPED,
    TRIM_KEEPS_TOTAL,
    TRIM_WRAPS,
    Config,
    Done,
    Events,
    Fill,
    FreePages,
    Kzalloc,
    LeakFree,
    Memblock,
    Outcome,
    Places,
    Range,
    Region,
    Regions,
    Request,
    ReservePages,
    Slab,
    Stop,
    Warn,
    add_range,
    array_bytes,
    cap_size,
    free,
    inside,
    isolate_range,
    keep,
    merged,
    of,
    overlaps,
    remove_range,
    round_down,
    round_up,
    with_array,
)
from .search import (
    FreeRange,
    Linux,
    Told,
    alloc_internal,
    alloc_range_nid,
    flag_choices,
    free_ranges,
    is_skipped,
)

BOTH = (False, True)
DUMMY = (Region(Addr(0), Addr(0)),)  # the one slot of an empty array
BUG_ON = Bug("BUG_ON: the new array cannot be reserved")
HOLDS_ARRAY = Bug("the range holds a region array")
WRAPS_OVER = Bug("trimming would wrap the last region over lower ones")


class Change:
    """An operation on the arrays: it says once, in `run`, what it does."""

    __slots__ = ()
    kmalloc: bool

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        """Return the next state, the value and the events."""
        raise NotImplementedError

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        """Return what Linux answers."""
        try:
            return Outcome(*self.run(cfg, s, Linux(self.kmalloc))[1:])
        except Stop:
            return Outcome(BUG_ON)

    def judge_events(self, cfg: Config, s: Memblock, result: Outcome) -> None:
        """Refuse an answer for what it did; judged before the value, which follows."""

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        """Return the next state for an answer, if it is one that may be given."""
        require(isinstance(result, Outcome), "RET-CODE", f"{result} is no outcome")
        if isinstance(result.value, Bug):
            due = self.choose(cfg, s)
            require(result == due, "RET-CODE", f"{due} is due, got {result}")
            return STOPPED if result.value == BUG_ON else s
        told = Told(result, self.kmalloc)
        try:
            s, got, _ = self.run(cfg, s, told)
        except Stop:
            got = BUG_ON
        else:
            self.judge_events(cfg, s, result)
        require(result.value == got, "RET-CODE", f"{got} is due, got {result.value}")
        told.finish()
        return s


def on_ranges(cfg: Config, s: Memblock, **more: OneOf | Ints) -> Domains:
    """Return the domains of an operation on a range, while the kernel runs."""
    if s.stopped:
        return nothing()
    return {"base": OneOf(cfg.bases), "size": OneOf(cfg.sizes), **more}


def with_kmalloc(s: Memblock) -> OneOf:
    """Return what kmalloc may answer: only asked once the slab allocator is up."""
    return OneOf(BOTH if s.slab_is_up and s.can_resize else (True,))


def aligned(cfg: Config) -> OneOf:
    """Return the alignments for calls that, unlike allocations, do not accept 0."""
    return OneOf(tuple(align for align in cfg.aligns if align))


def touches_array(cfg: Config, s: Memblock, base: int, end: int) -> bool:
    """Say whether a range meets a region array that memblock itself placed."""
    arrays = [t for t in (s.memory, s.reserved) if t.array]
    blocks = [Region(t.array, Addr(array_bytes(cfg, t))) for t in arrays]
    return any(overlaps(base, end, block) for block in blocks)


# ------------------------------------------------------------------ ranges


@value
class Add(Change):
    """memblock_add(), or memblock_add_node() when a node is given."""

    base: Addr
    size: Addr
    nid: int = MAX_NUMNODES
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        nids = OneOf((MAX_NUMNODES, *(n for n in cfg.nids if n >= 0)))
        return on_ranges(cfg, s, nid=nids, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_ = (self.base, self.size)
        return add_range(cfg, s, MEMORY, range_, self.nid, NONE, self.kmalloc, places)


@value
class Reserve(Change):
    """memblock_reserve()."""

    base: Addr
    size: Addr
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_ranges(cfg, s, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_, nid = (self.base, self.size), MAX_NUMNODES
        return add_range(cfg, s, RESERVED, range_, nid, NONE, self.kmalloc, places)


@value
class Remove(Change):
    """memblock_remove()."""

    base: Addr
    size: Addr
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_ranges(cfg, s, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_ = (self.base, self.size)
        return remove_range(cfg, s, MEMORY, range_, self.kmalloc, places)


@value
class Free(Change):
    """memblock_free() and its aliases free_early, free_early_nid.

    Freeing what was never reserved is legal; freeing a region array is diagnosed.
    """

    base: Addr
    size: Addr
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_ranges(cfg, s, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        end = self.base + cap_size(cfg, self.base, self.size)
        if touches_array(cfg, s, self.base, end):
            return s, HOLDS_ARRAY, ()
        return free(cfg, s, (self.base, self.size), self.kmalloc, places)


HOW = {
    "mark_hotplug": (HOTPLUG, True),
    "clear_hotplug": (HOTPLUG, False),
    "mark_mirror": (MIRROR, True),
    "mark_nomap": (NOMAP, True),
    "clear_nomap": (NOMAP, False),
}


@value
class SetFlag(Change):
    """memblock_mark_hotplug/mirror/nomap() and memblock_clear_hotplug/nomap().

    Marking mirrored memory also makes every later search prefer it.
    """

    base: Addr
    size: Addr
    how: str
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        how = OneOf(tuple(name for name, (flag, _) in HOW.items() if flag in cfg.flags))
        return on_ranges(cfg, s, how=how, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        if self.how not in HOW:
            return s, Errno.EINVAL, ()
        flag, on = HOW[self.how]
        s = replace(s, has_mirror=s.has_mirror or flag is MIRROR)
        return set_flag(cfg, s, (self.base, self.size), flag, on, self.kmalloc, places)


def set_flag(
    cfg: Config,
    s: Memblock,
    range_: Range,
    flag: MemblockFlags,
    on: bool,
    kmalloc: bool,
    places: Places,
) -> Done:
    """memblock_setclr_flag(): isolate, change, merge."""

    def changed(r: Region) -> Region:
        return replace(r, flags=r.flags | flag if on else r.flags & ~flag)

    return edit(cfg, s, MEMORY, range_, changed, kmalloc, places)


def edit(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    changed: Callable[[Region], Region],
    kmalloc: bool,
    places: Places,
) -> Done:
    """Isolate a range, change the regions inside, merge."""
    s, fit, events = isolate_range(cfg, s, kind, range_, kmalloc, places)
    if not fit:
        return s, Errno.ENOMEM, events
    regions = tuple(
        changed(r) if inside(cfg, r, *range_) else r for r in of(s, kind).regions
    )
    t = replace(of(s, kind), regions=merged(regions))
    return with_array(s, kind, t), None, events


@value
class SetNode(Change):
    """memblock_set_node() on one of the two arrays."""

    base: Addr
    size: Addr
    kind: str
    nid: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        nids = OneOf(tuple(n for n in cfg.nids if n >= 0))
        kinds = OneOf((MEMORY, RESERVED))
        return on_ranges(cfg, s, kind=kinds, nid=nids, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_ = (self.base, self.size)
        return set_node(cfg, s, self.kind, range_, self.nid, self.kmalloc, places)


def set_node(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    nid: int,
    kmalloc: bool,
    places: Places,
) -> Done:
    """Give a range of one array a node."""

    def moved(r: Region) -> Region:
        return replace(r, nid=nid)

    return edit(cfg, s, kind, range_, moved, kmalloc, places)


@value
class ReserveDt(Change):
    """early_init_dt_reserve_memory_arch(): a device tree's reservation, maybe no-map.

    Memory that is in use is never taken out of the map.
    """

    base: Addr
    size: Addr
    nomap: bool
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_ranges(cfg, s, nomap=OneOf(BOTH), kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_ = (self.base, self.size)
        if not self.nomap:
            nid = MAX_NUMNODES
            return add_range(cfg, s, RESERVED, range_, nid, NONE, self.kmalloc, places)
        if meets(cfg, s.memory, *range_) and meets(cfg, s.reserved, *range_):
            return s, Errno.EBUSY, ()
        return set_flag(cfg, s, range_, NOMAP, True, self.kmalloc, places)


def meets(cfg: Config, t: Regions, base: int, size: int) -> bool:
    """Say whether a range intersects an array (memblock_overlaps_region)."""
    end = base + cap_size(cfg, base, size)
    return any(overlaps(base, end, r) for r in t.regions)


# ------------------------------------------------------------------ whole memory


@value
class TrimMemory(Change):
    """memblock_trim_memory(): cut every memory region to whole `align` units.

    5.10 counts in total_size what it trims, and wraps at the top (both quirks).  A
    region that would wrap over others, and so ruin the order, is diagnosed.
    """

    align: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        return {"align": aligned(cfg), "kmalloc": OneOf((True,))}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        trimmed, total = [], s.memory.total_size
        for r in s.memory.regions:
            start = round_up(cfg, r.base, self.align)
            if start < r.base and TRIM_WRAPS not in cfg.quirks:
                start = cfg.top
            end = round_down(r.end, self.align)
            left = Addr(max(0, end - start))
            if left:
                trimmed.append(replace(r, base=Addr(start), size=left))
            if not left or TRIM_KEEPS_TOTAL not in cfg.quirks:
                total = Addr((total - r.size + left) & cfg.top)
        if any(lower.end > upper.base for lower, upper in pairwise(trimmed)):
            return s, WRAPS_OVER, ()
        t = replace(s.memory, regions=tuple(trimmed), total_size=total)
        odd = s.memory.regions and not trimmed and total
        return with_array(s, MEMORY, t), None, (NOT_ZERO,) if odd else ()


@value
class CapMemoryRange(Change):
    """memblock_cap_memory_range(): forget memory outside a range, but for NOMAP.

    Like the two limits below it belongs before memblock_allow_resize(): later it might
    cut off an array that it has just made grow.
    """

    base: Addr
    size: Addr
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.can_resize:
            return nothing()
        return on_ranges(cfg, s, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        return cap_range(cfg, s, self.base, self.size, self.kmalloc, places)


def cap_range(
    cfg: Config, s: Memblock, base: int, size: int, kmalloc: bool, places: Places
) -> Done:
    """Keep memory inside a range and NOMAP outside; keep reservations inside."""
    if not size:
        return s, None, ()
    if CAP_WRAPS not in cfg.quirks:
        size = cap_size(cfg, base, size)
    end = (base + size) & cfg.top
    if touches_array(cfg, s, 0, base) or touches_array(cfg, s, end, cfg.top):
        return s, HOLDS_ARRAY, ()
    s, fit, events = isolate_range(cfg, s, MEMORY, (base, size), kmalloc, places)
    if not fit:
        return s, None, events
    was = s.memory
    s, _, events = keep(
        cfg,
        s,
        MEMORY,
        events,
        lambda r: NOMAP in r.flags or inside(cfg, r, base, size),
    )
    if not was.regions and was.total_size:
        events += (NOT_ZERO,)  # the loop removes even the dummy
    s, _, low = remove_range(cfg, s, RESERVED, (0, base), kmalloc, places)
    s, _, high = remove_range(cfg, s, RESERVED, (end, cfg.top), kmalloc, places)
    return s, None, events + low + high


def limit_address(cfg: Config, s: Memblock, limit: int) -> int:
    """Return the address behind the first `limit` bytes of memory, top if fewer."""
    for r in s.memory.regions:
        if limit <= r.size:
            return r.base + limit
        limit -= r.size
    return cfg.top


@value
class EnforceMemoryLimit(Change):
    """memblock_enforce_memory_limit(): use only the first `limit` bytes of memory."""

    limit: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped or s.can_resize:
            return nothing()
        return {"limit": OneOf(cfg.limits), "kmalloc": with_kmalloc(s)}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        end = limit_address(cfg, s, self.limit)
        if not self.limit or end == cfg.top:
            return s, None, ()
        if touches_array(cfg, s, end, cfg.top):
            return s, HOLDS_ARRAY, ()
        above = (end, cfg.top)
        s, _, events = remove_range(cfg, s, MEMORY, above, self.kmalloc, places)
        s, _, more = remove_range(cfg, s, RESERVED, above, self.kmalloc, places)
        return s, None, events + more


@value
class MemLimitRemoveMap(Change):
    """memblock_mem_limit_remove_map(): as above, but NOMAP regions stay."""

    limit: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped or s.can_resize:
            return nothing()
        return {"limit": OneOf(cfg.limits), "kmalloc": with_kmalloc(s)}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        end = limit_address(cfg, s, self.limit)
        if not self.limit or end == cfg.top:
            return s, None, ()
        return cap_range(cfg, s, 0, end, self.kmalloc, places)


# ------------------------------------------------------------------ switches


@value
class SetCurrentLimit:
    """memblock_set_current_limit(): no search goes above it."""

    limit: Addr

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {"limit": OneOf(cfg.limits)}

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        return Outcome()

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        require(result == Outcome(), "RET-CODE", f"nothing is due, got {result}")
        return replace(s, current_limit=self.limit)


@value
class SetBottomUp:
    """memblock_set_bottom_up()."""

    on: bool

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {"on": OneOf(BOTH)}

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        return Outcome()

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        require(result == Outcome(), "RET-CODE", f"nothing is due, got {result}")
        return replace(s, bottom_up=self.on)


@value
class AllowResize:
    """memblock_allow_resize(): from now on the arrays may grow."""

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {}

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        return Outcome()

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        require(result == Outcome(), "RET-CODE", f"nothing is due, got {result}")
        return replace(s, can_resize=True)


@value
class SlabIsUp:
    """slab_is_available() turns true: arrays and blocks come from kmalloc now."""

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {}

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        return Outcome()

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        require(result == Outcome(), "RET-CODE", f"nothing is due, got {result}")
        return replace(s, slab_is_up=True)


# ------------------------------------------------------------------ allocating


@value
class FindInRange(Change):
    """memblock_find_in_range(): look, and reserve nothing."""

    start: Addr
    end: Addr
    size: Addr
    align: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        limits = OneOf(cfg.limits)
        more = {"size": OneOf(cfg.sizes), "align": aligned(cfg)}
        return {"start": limits, "end": limits, **more, "kmalloc": OneOf((True,))}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        events: Events = ()
        for flags in flag_choices(s):
            search = Request(
                self.size, self.align, self.start, self.end, NUMA_NO_NODE, flags
            )
            addr = places.block(cfg, s, search)
            if addr:
                return s, Addr(addr), events
            if flags is MIRROR:
                events += (NO_MIRROR,)
        return s, Addr(0), events


@value
class PhysAlloc(Change):
    """memblock_phys_alloc_range(), _try_nid() and memblock_alloc_range_nid().

    The default bounds are those of memblock_phys_alloc().
    """

    size: Addr
    align: int
    start: Addr = Addr(0)
    end: Addr = Addr(0)
    nid: int = NUMA_NO_NODE
    exact: bool = False
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        return {
            "size": OneOf(cfg.sizes),
            "align": OneOf(cfg.aligns),
            "start": OneOf(cfg.limits),
            "end": OneOf(cfg.limits),
            "nid": OneOf(cfg.nids),
            "exact": OneOf(BOTH if len(cfg.nids) > 1 else (False,)),
            "kmalloc": with_kmalloc(s),
        }

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        request = Request(self.size, self.align, self.start, self.end, self.nid, NONE)
        return alloc_range_nid(cfg, s, request, self.exact, self.kmalloc, places)


@value
class AllocTryNid(Change):
    """memblock_alloc_try_nid(), its _raw twin, and memblock_alloc_exact_nid_raw().

    memblock_alloc(), _from(), _low(), _node() are this with some bounds left open.
    After the slab is up a warning is printed and kzalloc_node() is asked.
    """

    size: Addr
    align: int
    min_addr: Addr = Addr(0)
    max_addr: Addr = Addr(0)
    nid: int = NUMA_NO_NODE
    exact: bool = False
    raw: bool = False
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        return {
            "size": OneOf(cfg.sizes),
            "align": OneOf(cfg.aligns),
            "min_addr": OneOf(cfg.limits),
            "max_addr": OneOf(cfg.limits),
            "nid": OneOf(cfg.nids),
            "exact": OneOf(BOTH if len(cfg.nids) > 1 else (False,)),
            "raw": OneOf(BOTH),
            "kmalloc": OneOf(BOTH if s.slab_is_up else (True,)),
        }

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        bounds = (self.min_addr, self.max_addr)
        request = Request(self.size, self.align, *bounds, self.nid, NONE)
        addr: Addr | Slab | Errno | Bug | None
        if s.slab_is_up:
            addr = Slab.OBJECT if self.kmalloc else Addr(0)
            return s, addr, (Warn("slab is up"), Kzalloc(self.size, self.nid))
        s, addr, events = alloc_internal(
            cfg, s, request, self.exact, self.kmalloc, places
        )
        if isinstance(addr, int) and addr and not self.raw:
            events += (Fill("zero", addr, self.size),)
        elif isinstance(addr, int) and addr and self.size:
            events += (Fill("poison", addr, self.size),)
        return s, addr, events


# ------------------------------------------------------------------ the hand-over


def pfn_up(cfg: Config, addr: int) -> int:
    """Return the first page that starts at or above an address."""
    return -(-addr // cfg.page_size)


def pfn_down(cfg: Config, addr: int) -> int:
    """Return the page that holds an address."""
    return addr // cfg.page_size


@value
class FreeLate:
    """memblock_free_late(): whole pages go to the buddy allocator, one by one.

    `reserved` does not change: memblock may be gone already.
    """

    base: Addr
    size: Addr

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        sizes = OneOf(tuple(size for size in cfg.sizes if size < cfg.top))
        return {**on_ranges(cfg, s), "size": sizes}

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        end = (self.base + self.size) & cfg.top
        pfns = range(pfn_up(cfg, self.base), pfn_down(cfg, end))
        pages = tuple(FreePages(pfn, 0) for pfn in pfns)
        return Outcome(None, (LeakFree(self.base, self.size), *pages))

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        due = released(self.choose(cfg, s).events)
        require(result.value is None, "RET-CODE", f"nothing is due, got {result}")
        same = sorted(released(result.events)) == sorted(due)
        require(same, "BOOT-HANDOFF", f"pages {due} are due, got {result.events}")
        return s


def released(events: Events) -> list[int]:
    """Return the pages that went to the buddy allocator, in order."""
    return [
        pfn
        for e in events
        if isinstance(e, FreePages)
        for pfn in range(e.pfn, e.pfn + (1 << e.order))
    ]


def blocks(start_pfn: int, end_pfn: int) -> list[FreePages]:
    """Split pages into the largest aligned blocks (__free_pages_memory)."""
    out = []
    while start_pfn < end_pfn:
        aligned = (start_pfn & -start_pfn).bit_length() - 1 if start_pfn else MAX_ORDER
        order = min(MAX_ORDER - 1, aligned, (end_pfn - start_pfn).bit_length() - 1)
        out.append(FreePages(start_pfn, order))
        start_pfn += 1 << order
    return out


def free_page_ranges(cfg: Config, s: Memblock) -> list[tuple[int, int]]:
    """Return the whole free pages below max_low_pfn, range by range."""
    ranges = []
    for start, end, _ in free_ranges(cfg, s, NUMA_NO_NODE, NONE):
        first, last = pfn_up(cfg, start), min(pfn_down(cfg, end), cfg.max_low_pfn)
        if first < last:
            ranges.append((first, last))
    return ranges


@value
class FreeAll(Change):
    """memblock_free_all(): hotplug marks go, reserved pages are noted, the rest freed.

    The value is the number of pages that the buddy allocator got.
    """

    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {"kmalloc": with_kmalloc(s)}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        everything = (0, cfg.top)
        s, _, events = set_flag(
            cfg, s, everything, HOTPLUG, False, self.kmalloc, places
        )
        noted = tuple(
            ReservePages(pfn_down(cfg, r.base), pfn_up(cfg, r.end))
            for r in s.reserved.regions
        )
        pages = [b for ends in free_page_ranges(cfg, s) for b in blocks(*ends)]
        count = sum(1 << b.order for b in pages)
        return s, Addr(count), (*events, *noted, *pages)

    def judge_events(self, cfg: Config, s: Memblock, result: Outcome) -> None:
        """Require that every whole free page was released just once."""
        got = sorted(released(result.events))
        due = [pfn for ends in free_page_ranges(cfg, s) for pfn in range(*ends)]
        why = f"pages {due} are due, got {got}"
        require(got == due, "BOOT-HANDOFF", why)


@value
class InitReservedPages(Change):
    """memmap_init_reserved_pages() of 6.6: reserved regions get their memory's nodes.

    5.10 has no such pass.  A reservation outside memory belongs to node 0.
    """

    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped or cfg.release == "5.10":
            return nothing()
        return {"kmalloc": with_kmalloc(s)}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        events: Events = ()
        room = 0
        while room != s.reserved.max:  # an array that doubled is reserved, and new
            room = s.reserved.max
            for r in s.memory.regions:
                s, _, more = set_node(
                    cfg, s, RESERVED, (r.base, r.size), r.nid, self.kmalloc, places
                )
                events += more
        noted = tuple(
            ReservePages(
                pfn_down(cfg, r.base),
                pfn_up(cfg, r.end),
                0 if r.nid == MAX_NUMNODES else r.nid,
            )
            for r in s.reserved.regions
        )
        return s, None, events + noted

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        """Return the next state; every reserved page must have got a real node."""
        s = Change.after(self, cfg, s, result)
        for e in result.events:
            lost = isinstance(e, ReservePages) and not 0 <= e.nid < MAX_NUMNODES
            require(not lost, "MB-NID", f"{e} has no node")
        return s


# ------------------------------------------------------------------ questions


@value
class IsReserved:
    """memblock_is_reserved(), memblock_is_memory(), memblock_is_map_memory()."""

    which: str
    addr: Addr

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        which = OneOf(("reserved", "memory", "map_memory"))
        return nothing() if s.stopped else {"which": which, "addr": OneOf(cfg.bases)}

    def choose(self, cfg: Config, s: Memblock) -> bool:
        t = s.reserved if self.which == "reserved" else s.memory
        return any(
            r.base <= self.addr < r.end
            and not (self.which == "map_memory" and NOMAP in r.flags)
            for r in t.regions
        )

    def after(self, cfg: Config, s: Memblock, result: bool) -> Memblock:
        truth = self.choose(cfg, s)
        why = f"{self.addr:#x} is {self.which}: {truth}, got {result}"
        require(result is truth, "MB-OVERLAP", why)
        return s


@value
class IsRegion:
    """memblock_is_region_memory(), _reserved(), and memblock_overlaps_region(memory).

    Whether a range of no size overlaps anything is left open.
    """

    which: str
    base: Addr
    size: Addr

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        which = OneOf(("memory", "reserved", "overlaps_memory"))
        return {"which": which, **on_ranges(cfg, s)}

    def choose(self, cfg: Config, s: Memblock) -> bool:
        end = self.base + cap_size(cfg, self.base, self.size)
        if self.which == "memory":
            holders = [r for r in s.memory.regions if r.base <= self.base < r.end]
            return any(end <= r.end for r in holders)
        t = s.reserved if self.which == "reserved" else s.memory
        return meets(cfg, t, self.base, self.size)

    def after(self, cfg: Config, s: Memblock, result: bool) -> Memblock:
        truth, end = (
            self.choose(cfg, s),
            self.base + cap_size(cfg, self.base, self.size),
        )
        free_to_say = end == self.base and self.which != "memory"
        why = f"[{self.base:#x}, {end:#x}) {self.which}: {truth}, got {result}"
        right = result is truth or (free_to_say and isinstance(result, bool))
        require(right, "MB-OVERLAP", why)
        return s


@value
class Extent:
    """memblock_start_of_DRAM(), _end_of_DRAM(), _phys_mem_size(), _reserved_size()."""

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {}

    def choose(self, cfg: Config, s: Memblock) -> tuple[Addr, Addr, Addr, Addr]:
        regions = s.memory.regions or DUMMY
        ends = (regions[0].base, Addr(regions[-1].end))
        return (*ends, s.memory.total_size, s.reserved.total_size)

    def after(
        self, cfg: Config, s: Memblock, result: tuple[Addr, Addr, Addr, Addr]
    ) -> Memblock:
        due = self.choose(cfg, s)
        require(result == due, "MB-SUM", f"{due} are the extents, got {result}")
        return s


@value
class SearchPfnNid:
    """memblock_search_pfn_nid(): the node and page range of the region of a page."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        pfns = sorted({base // cfg.page_size for base in cfg.bases})
        return nothing() if s.stopped else {"pfn": OneOf(tuple(pfns))}

    def choose(self, cfg: Config, s: Memblock) -> tuple[int, int, int] | None:
        addr = self.pfn * cfg.page_size
        for r in s.memory.regions:
            if r.base <= addr < r.end:
                return r.nid, pfn_down(cfg, r.base), pfn_down(cfg, r.end)
        return None

    def after(
        self, cfg: Config, s: Memblock, result: tuple[int, int, int] | None
    ) -> Memblock:
        due = self.choose(cfg, s)
        require(result == due, "MB-NID", f"page {self.pfn} is in {due}, got {result}")
        return s


@value
class ForEach:
    """The iterators: free, free_reverse, memory, memory_reverse, reserved, pfn.

    Ranges are (start, end, nid); `pfn` gives whole pages, the others bytes.  Plain
    memory iteration also shows hot-pluggable regions; NOMAP ones never show.  To `pfn`
    any node is MAX_NUMNODES.  An empty array shows its dummy, a range of no size.
    """

    which: str
    nid: int = NUMA_NO_NODE
    flags: MemblockFlags = NONE

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        flags = OneOf((NONE, *cfg.flags))
        nids = OneOf((*cfg.nids, MAX_NUMNODES))
        return {"which": OneOf(WALKS), "nid": nids, "flags": flags}

    def choose(self, cfg: Config, s: Memblock) -> tuple[FreeRange, ...]:
        match self.which:
            case "free" | "free_reverse":
                ranges = list(free_ranges(cfg, s, self.nid, self.flags))
            case "memory" | "memory_reverse":
                ranges = [
                    (r.base, r.end, r.nid)
                    for r in s.memory.regions or DUMMY
                    if not is_skipped(cfg, r, NUMA_NO_NODE, HOTPLUG)
                ]
            case "pfn":
                ranges = [
                    (pfn_up(cfg, r.base), pfn_down(cfg, r.end), r.nid)
                    for r in s.memory.regions
                    if self.nid in (MAX_NUMNODES, r.nid)
                ]
                ranges = [each for each in ranges if each[0] < each[1]]
            case _:
                regions = s.reserved.regions or DUMMY
                ranges = [(r.base, r.end, r.nid) for r in regions]
        return tuple(reversed(ranges) if self.which.endswith("reverse") else ranges)

    def after(
        self, cfg: Config, s: Memblock, result: tuple[FreeRange, ...]
    ) -> Memblock:
        order = result[::-1] if self.which.endswith("reverse") else result
        due = self.choose(cfg, s)
        due = due[::-1] if self.which.endswith("reverse") else due
        why = f"{self.which} ranges are {list(due)}, got {list(result)}"
        require(joined(order) == joined(due), "MB-ITER", why)
        return s


WALKS = ("free", "free_reverse", "memory", "memory_reverse", "reserved", "pfn")


def joined(ranges: tuple[FreeRange, ...]) -> list[FreeRange]:
    """Return the ranges without the empty ones, touching ones of a node joined."""
    out: list[FreeRange] = []
    for start, end, nid in ranges:
        if start == end:
            continue
        if start < end and out and (out[-1][1], out[-1][2]) == (start, nid):
            out[-1] = (out[-1][0], end, nid)
        else:
            out.append((start, end, nid))
    return out


OPS = (
    Add,
    Reserve,
    Remove,
    Free,
    SetFlag,
    SetNode,
    ReserveDt,
    TrimMemory,
    CapMemoryRange,
    EnforceMemoryLimit,
    MemLimitRemoveMap,
    SetCurrentLimit,
    SetBottomUp,
    AllowResize,
    SlabIsUp,
    FindInRange,
    PhysAlloc,
    AllocTryNid,
    FreeLate,
    FreeAll,
    InitReservedPages,
    IsReserved,
    IsRegion,
    Extent,
    SearchPfnNid,
    ForEach,
)
