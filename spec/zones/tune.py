"""Watermarks and reserves of all zones, and the files and boosts that change them.

Source: mm/page_alloc.c:init_per_zone_wmark_min and the sysctl handlers behind it,
boost_watermark; mm/khugepaged.c; mm/vmscan.c:balance_pgdat (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from ..linux import Errno
from . import marks
from .boot import free_pages_up_to, with_limits
from .pagesets import fraction_allowed
from .state import (
    DIVIDES_BY_32,
    Config,
    Node,
    Phase,
    System,
    Tunables,
    Zone,
    each_zone,
    highmem,
    lowmem_pages,
    node_of,
    populated,
    same,
    with_zone,
)

INT_MAX = (1 << 31) - 1

# ------------------------------------------------------------------ all zones


def divisor(lowmem: int, low_bits: bool) -> int:
    """Return what shares of lowmem are divided by.

    The kernel of 5.10 divides by the low 32 bits alone: `low_bits`.
    """
    return lowmem % (1 << 32) if low_bits else lowmem


def marked(cfg: Config, s: System) -> System:
    """Compute the marks of all zones and forget their boosts."""
    t = s.tunables
    lowmem = divisor(lowmem_pages(cfg, s), DIVIDES_BY_32 in cfg.quirks)
    pages = marks.pages_min(t.min_free_kbytes, cfg.page_shift)
    capped = [highmem(cfg, s, i) for i in range(cfg.layout.count)]

    def mark(node: Node, index: int, zone: Zone) -> Zone:
        got = marks.zone_marks(pages, zone.managed, lowmem, t.scale, capped[index])
        return zone.marked(got)

    return each_zone(s, mark)


def reserving(s: System) -> System:
    """Compute what zones keep from higher requests."""

    def keep(node: Node, index: int, zone: Zone) -> Zone:
        managed = tuple(z.managed for z in node.zones)
        return zone.keeping(marks.lowmem_reserve(managed, s.tunables.ratios, index))

    return each_zone(s, keep)


def with_totals(s: System) -> System:
    """Sum up what is not for the page cache: calculate_totalreserve_pages()."""
    nodes = tuple(
        replace(
            n,
            totalreserve=sum(
                marks.kept(z.managed, z.reserve, i, z.marks[2] + z.boost)
                for i, z in enumerate(n.zones)
            ),
        )
        for n in s.nodes
    )
    total = sum(n.totalreserve for n in nodes)
    return replace(s, nodes=nodes, totalreserve=total)


def with_marks(cfg: Config, s: System) -> System:
    """Return the state after setup_per_zone_wmarks()."""
    return with_totals(marked(cfg, s))


def with_hugepages(cfg: Config, s: System) -> System:
    """Raise min_free_kbytes for huge pages: set_recommended_min_free_kbytes()."""
    normal = cfg.layout.normal
    zones = sum(1 for _, i in populated(s) if i <= normal)
    free = free_pages_up_to(s, normal)
    kbytes = marks.hugepage_kbytes(
        free, zones, cfg.block, s.tunables.min_free_kbytes, cfg.page_shift
    )
    t = replace(s.tunables, min_free_kbytes=kbytes)
    return with_marks(cfg, replace(s, tunables=t))


def initialised(cfg: Config, s: System) -> System:
    """Return the state after init_per_zone_wmark_min()."""
    t = s.tunables
    root = marks.root_kbytes(free_pages_up_to(s, cfg.layout.normal), cfg.page_shift)
    kbytes = marks.picked_kbytes(root, t.user_kbytes, t.min_free_kbytes)
    s = replace(s, tunables=replace(t, min_free_kbytes=kbytes))
    s = with_totals(reserving(marked(cfg, s)))
    if s.hugepages:
        s = with_hugepages(cfg, s)
    return replace(s, phase=Phase.RUNNING)


@value
class InitWmarks:
    """init_per_zone_wmark_min(): at boot, and again when memory came or went.

    Answers min_free_kbytes.
    """

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """From the late init on."""
        return {} if s.phase >= Phase.LATE else nothing()

    def choose(self, cfg: Config, s: System) -> int:
        """Tell what is kept free."""
        return initialised(cfg, s).tunables.min_free_kbytes

    def after(self, cfg: Config, s: System, result: object) -> System:
        """Marks and reserves are those of the pages managed now."""
        following = initialised(cfg, s)
        due = following.tunables.min_free_kbytes
        require(same(result, due), "RET-PAGES", f"{due} kB are kept free, not {result}")
        return following


@value
class StartHugepages:
    """start_stop_khugepaged(): huge pages need more memory free.

    Answers min_free_kbytes.
    """

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Once, when the machine runs."""
        return {} if s.phase is Phase.RUNNING and not s.hugepages else nothing()

    def choose(self, cfg: Config, s: System) -> int:
        """Tell what is kept free."""
        return with_hugepages(cfg, s).tunables.min_free_kbytes

    def after(self, cfg: Config, s: System, result: object) -> System:
        """The marks are never lower for it."""
        following = with_hugepages(cfg, s)
        due = following.tunables.min_free_kbytes
        require(same(result, due), "RET-PAGES", f"{due} kB are kept free, not {result}")
        return replace(following, hugepages=True)


# ------------------------------------------------------------------ /proc/sys/vm


def running(s: System, name: str, values: tuple[object, ...]) -> Domains:
    """Return the domain of a write: these values, once there are files."""
    usable = s.phase is Phase.RUNNING and values
    return {name: OneOf(values)} if usable else nothing()


def written(result: object, valid: bool) -> bool:
    """Refuse a wrong code; say whether the write has an effect."""
    due = None if valid else Errno.EINVAL
    require(result == due, "RET-CODE", f"the write gives {due}, not {result}")
    return valid


def with_tunables(s: System, t: Tunables) -> System:
    """Return the state with other tunables."""
    return replace(s, tunables=t)


def at_most(number: int, least: int, most: int = INT_MAX) -> bool:
    """Say whether proc_dointvec_minmax() takes a number."""
    return least <= number <= most


@value
class WriteMinFreeKbytes:
    """min_free_kbytes: what a user writes is not bent, and beats a lower pick later."""

    kbytes: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Every value of the configuration."""
        return running(s, "kbytes", cfg.kbytes)

    def choose(self, cfg: Config, s: System) -> Errno | None:
        """Refuse a number below 0."""
        return None if at_most(self.kbytes, 0) else Errno.EINVAL

    def after(self, cfg: Config, s: System, result: object) -> System:
        """All marks follow."""
        if not written(result, at_most(self.kbytes, 0)):
            return s
        k = self.kbytes
        t = replace(s.tunables, min_free_kbytes=k, user_kbytes=k)
        return with_marks(cfg, with_tunables(s, t))


@value
class WriteScaleFactor:
    """watermark_scale_factor: how far the marks are apart, in 1/10000 of a zone."""

    scale: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Every value of the configuration."""
        return running(s, "scale", cfg.scales)

    def choose(self, cfg: Config, s: System) -> Errno | None:
        """Refuse 0 and more than the kernel's limit."""
        return None if at_most(self.scale, 1, cfg.most_scale) else Errno.EINVAL

    def after(self, cfg: Config, s: System, result: object) -> System:
        """All marks follow."""
        if not written(result, at_most(self.scale, 1, cfg.most_scale)):
            return s
        t = replace(s.tunables, scale=self.scale)
        return with_marks(cfg, with_tunables(s, t))


@value
class WriteReserveRatio:
    """lowmem_reserve_ratio: the greater, the less is kept; 0 or less keeps nothing."""

    ratios: tuple[int, ...]

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Every row of the configuration."""
        return running(s, "ratios", cfg.ratios)

    def choose(self, cfg: Config, s: System) -> None:
        """The handler refuses nothing."""

    def after(self, cfg: Config, s: System, result: object) -> System:
        """All reserves follow."""
        written(result, True)
        ratios = tuple(max(ratio, 0) for ratio in self.ratios)
        t = replace(s.tunables, ratios=ratios)
        return with_totals(reserving(with_tunables(s, t)))


@value
class WriteFraction:
    """percpu_pagelist_fraction: pagesets hold that part of a zone; 0 is the default."""

    fraction: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Every value of the configuration."""
        return running(s, "fraction", cfg.fractions)

    def valid(self) -> bool:
        """Say whether the handler takes it."""
        return at_most(self.fraction, 0) and fraction_allowed(self.fraction)

    def choose(self, cfg: Config, s: System) -> Errno | None:
        """Refuse a number below 0, and 1 to 7."""
        return None if self.valid() else Errno.EINVAL

    def after(self, cfg: Config, s: System, result: object) -> System:
        """All limits follow, unless the old value is written again."""
        if not written(result, self.valid()) or self.fraction == s.tunables.fraction:
            return s
        t = replace(s.tunables, fraction=self.fraction)
        return with_limits(cfg, with_tunables(s, t))


@value
class WriteBoostFactor:
    """watermark_boost_factor: how far a zone may be boosted; 0 turns boosts off."""

    factor: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Every value of the configuration."""
        return running(s, "factor", cfg.factors)

    def choose(self, cfg: Config, s: System) -> Errno | None:
        """Refuse a number below 0."""
        return None if at_most(self.factor, 0) else Errno.EINVAL

    def after(self, cfg: Config, s: System, result: object) -> System:
        """Later boosts follow; those that are there stay."""
        if not written(result, at_most(self.factor, 0)):
            return s
        return with_tunables(s, replace(s.tunables, factor=self.factor))


# ------------------------------------------------------------------ boosts


def any_zone(cfg: Config) -> Domains:
    """Return the domain of every zone of every online node."""
    zones = tuple(range(cfg.layout.count))
    return {"nid": OneOf(cfg.online), "zone": OneOf(zones)}


@value
class Boost:
    """boost_watermark(): a request took a block of another type.

    Answers whether the zone may be boosted, so that kswapd has work.
    """

    nid: int
    zone: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Any zone once memory is free, before the marks are there too."""
        return any_zone(cfg) if s.phase >= Phase.FREED else nothing()

    def choose(self, cfg: Config, s: System) -> bool:
        """Refuse a small zone, and one without marks."""
        z, factor = node_of(s, self.nid).zones[self.zone], s.tunables.factor
        return marks.may_boost(z.managed, z.marks[2], factor, cfg.block)

    def after(self, cfg: Config, s: System, result: object) -> System:
        """All three marks of the zone are higher by the boost."""
        due = self.choose(cfg, s)
        require(same(result, due), "RET-BOOL", f"the boost is {due}, not {result}")
        if not due:
            return s
        z = node_of(s, self.nid).zones[self.zone]
        boost = marks.boosted(
            z.boost, z.managed, z.marks[2], s.tunables.factor, cfg.block
        )
        return with_zone(s, self.nid, self.zone, replace(z, boost=boost))


@value
class Unboost:
    """kswapd has reclaimed what a boost asked for: balance_pgdat().

    `pages` is the boost that kswapd had seen; by now it may be less.
    """

    nid: int
    zone: int
    pages: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Any zone, one page block or all."""
        if s.phase < Phase.FREED:
            return nothing()
        return {**any_zone(cfg), "pages": OneOf((cfg.block, INT_MAX))}

    def choose(self, cfg: Config, s: System) -> None:
        """There is nothing to answer."""

    def after(self, cfg: Config, s: System, result: object) -> System:
        """The boost falls, not below 0."""
        require(result is None, "RET-CODE", f"there is no answer, got {result}")
        z = node_of(s, self.nid).zones[self.zone]
        boost = z.boost - min(z.boost, self.pages)
        if boost == z.boost:
            return s
        return with_zone(s, self.nid, self.zone, replace(z, boost=boost))
