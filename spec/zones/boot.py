"""Boot, as far as it makes nodes and zones: from the memory map to the late init.

Source: mm/page_alloc.c:free_area_init, build_all_zonelists, setup_per_cpu_pageset,
page_alloc_init_late, deferred_grow_zone; mm/memblock.c:memblock_free_all (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from . import pagesets, zonelists
from .marks import beyond_high
from .state import (
    Config,
    Matrix,
    Node,
    Phase,
    System,
    Zone,
    each_zone,
    kept_back,
    last_zone,
    lowmem_pages,
    node_of,
    populated,
    ready,
    same,
    with_zone,
    zones_of,
)

# ------------------------------------------------------------------ zonelists


@value
class Built:
    """What the boot log says: zonelists, whether grouping is off, pages in all."""

    zonelists: int
    grouping_off: bool
    pages: int


def free_pages_up_to(s: System, highest: int) -> int:
    """Return the pages above the high marks of all zones up to an index.

    The kernel asks one node's zonelist, which has every zone: ZL-COMPLETE.
    Source: mm/page_alloc.c:nr_free_zone_pages (v5.10).
    """
    return sum(
        beyond_high(z.managed, z.marks[2] + z.boost)
        for _, i, z in zones_of(s)
        if i <= highest and z.populated
    )


def machine_of(cfg: Config, s: System) -> zonelists.Machine:
    """Return the nodes as the order of zonelists sees them."""
    memory = tuple(n.nid for n in s.nodes if any(z.present for z in n.zones))
    return zonelists.Machine(cfg.online, memory, s.cpus, s.distance, cfg.max_numnodes)


def with_zonelists(cfg: Config, s: System) -> System:
    """Build the zonelists of all nodes: __build_all_zonelists()."""
    present = {n.nid: tuple(zone.present for zone in n.zones) for n in s.nodes}
    if cfg.numa:
        orders = zonelists.numa_orders(machine_of(cfg, s))
    else:
        orders = tuple(zonelists.uma_order(cfg.online, n.nid) for n in s.nodes)
    nodes = tuple(
        replace(
            node,
            fallback=zonelists.fallback_list(order, present),
            thisnode=zonelists.zonerefs(node.nid, present[node.nid])
            if cfg.numa
            else (),
        )
        for node, order in zip(s.nodes, orders, strict=True)
    )
    return replace(s, nodes=nodes)


@value
class BuildZonelists:
    """build_all_zonelists(): which zone a request tries after which.

    `cpus` are the nodes with a processor, `distance` is what the firmware says.
    """

    cpus: tuple[int, ...]
    distance: Matrix

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Every place of processors and all distances, once."""
        if s.phase is not Phase.MAPPED:
            return nothing()
        return {"cpus": OneOf(cfg.cpus), "distance": OneOf(cfg.distances)}

    def choose(self, cfg: Config, s: System) -> Built:
        """Count lists and pages, and see whether mobility is worth while."""
        pages = free_pages_up_to(s, cfg.layout.movable)
        off = zonelists.grouping_off(pages, cfg.block, cfg.migrate_types)
        return Built(len(cfg.online), off, pages)

    def after(self, cfg: Config, s: System, result: object) -> System:
        """The answer is what was built."""
        due = self.choose(cfg, s)
        require(same(result, due), "RET-PAGES", f"{due} is built, not {result}")
        s = replace(s, cpus=self.cpus, distance=self.distance)
        s = with_zonelists(cfg, s)
        return replace(s, phase=Phase.LISTED, grouping_off=due.grouping_off)


# ------------------------------------------------------------------ pages


def released_by(s: System, percents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return what a boot releases that keeps some of each zone, by node and zone."""
    refs = populated(s)
    return tuple(
        tuple(
            ready(n, i) * percents[refs.index((n.nid, i)) % len(percents)] // 100
            if z.populated
            else 0
            for i, z in enumerate(n.zones)
        )
        for n in s.nodes
    )


def with_managed(s: System, released: tuple[tuple[int, ...], ...]) -> System:
    """Return the state whose zones manage exactly so many pages."""
    nodes = []
    for node, row in zip(s.nodes, released, strict=True):
        pairs = zip(node.zones, row, strict=True)
        zones = tuple(replace(z, managed=pages) for z, pages in pairs)
        nodes.append(replace(node, zones=zones))
    return replace(s, nodes=tuple(nodes))


@value
class MemblockFreeAll:
    """memblock_free_all(): what boot did not reserve becomes free, and is counted.

    `released` are pages by node and zone.  Answers how many in all.
    """

    released: tuple[tuple[int, ...], ...]

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Some or all of the pages of each zone, some of them lowmem, once."""
        if s.phase is not Phase.LISTED:
            return nothing()
        parts = [released_by(s, percents) for percents in cfg.releases]
        usable = [
            part
            for part in dict.fromkeys(parts)
            if lowmem_pages(cfg, with_managed(s, part))
        ]
        return {"released": OneOf(tuple(usable))}

    def choose(self, cfg: Config, s: System) -> int:
        """Count them."""
        return sum(map(sum, self.released))

    def after(self, cfg: Config, s: System, result: object) -> System:
        """The count is exact; what was reckoned before is forgotten."""
        due = self.choose(cfg, s)
        require(same(result, due), "RET-PAGES", f"{due} pages are free, not {result}")
        return replace(with_managed(s, self.released), phase=Phase.FREED)


@value
class FreeReserved:
    """free_reserved_page(): boot gives up pages it held; nothing else follows."""

    nid: int
    zone: int
    pages: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Any populated zone; what it does not hold is not given up."""
        if s.phase < Phase.FREED or not cfg.grows:
            return nothing()
        return {
            "nid": OneOf(cfg.online),
            "zone": OneOf(tuple(range(cfg.layout.count))),
            "pages": OneOf(cfg.grows),
        }

    def given(self, s: System) -> int:
        """Return how many pages are given up; `pages` 0 asks for all."""
        held = kept_back(node_of(s, self.nid), self.zone)
        return min(self.pages, held) if self.pages else held

    def choose(self, cfg: Config, s: System) -> int:
        """Count them."""
        return self.given(s)

    def after(self, cfg: Config, s: System, result: object) -> System:
        """Managed pages grow; marks and pagesets stay as they were computed."""
        due = self.given(s)
        require(same(result, due), "RET-PAGES", f"{due} pages come, not {result}")
        return grow(s, self.nid, self.zone, due) if due else s


def grow(s: System, nid: int, index: int, pages: int) -> System:
    """Return the state with more managed pages in a zone."""
    zone = node_of(s, nid).zones[index]
    return with_zone(s, nid, index, replace(zone, managed=zone.managed + pages))


# ------------------------------------------------------------------ pagesets


def with_limits(cfg: Config, s: System) -> System:
    """Compute high and batch of the pagesets of all populated zones."""

    def sized(node: Node, index: int, zone: Zone) -> Zone:
        if not zone.populated:
            return zone
        limits = pagesets.pageset_limits(
            zone.managed, s.tunables.fraction, cfg.mmu, cfg.page_shift
        )
        return zone.sized(limits)

    return each_zone(s, sized)


@value
class SetupPagesets:
    """setup_per_cpu_pageset(): populated zones get pagesets of their own."""

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Once, after memory is free."""
        return {} if s.phase is Phase.FREED else nothing()

    def choose(self, cfg: Config, s: System) -> None:
        """There is nothing to answer."""

    def after(self, cfg: Config, s: System, result: object) -> System:
        """Every populated zone has limits by its size."""
        require(result is None, "RET-CODE", f"there is no answer, got {result}")
        return replace(with_limits(cfg, s), phase=Phase.PAGED)


# ------------------------------------------------------------------ deferred memory


@value
class GrowZone:
    """deferred_grow_zone(): one more section is needed before the late init.

    `kept` are the pages of it, at most, that boot has reserved.  Answers whether there
    was a section left.
    """

    nid: int
    kept: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Any node while memory is deferred."""
        if not cfg.deferred or s.phase not in (Phase.FREED, Phase.PAGED):
            return nothing()
        return {"nid": OneOf(cfg.online), "kept": OneOf((0, 1))}

    def choose(self, cfg: Config, s: System) -> bool:
        """Say whether memory of the node was left."""
        return node_of(s, self.nid).deferred > 0

    def after(self, cfg: Config, s: System, result: object) -> System:
        """A section's pages are managed; the limits of pagesets stay small."""
        due = self.choose(cfg, s)
        require(same(result, due), "RET-BOOL", f"growing is {due}, not {result}")
        return begin_pages(s, self.nid, cfg.section, self.kept) if due else s


def begin_pages(s: System, nid: int, most: int, kept: int) -> System:
    """Return the state with descriptors for at most so many more pages of a node."""
    node = node_of(s, nid)
    pages = min(node.deferred, most)
    rest = replace(node, deferred=node.deferred - pages)
    s = replace(s, nodes=tuple(rest if n.nid == nid else n for n in s.nodes))
    return grow(s, nid, last_zone(node), pages - min(pages, kept))


@value
class FinishInit:
    """page_alloc_init_late(): deferred memory is there, limits are computed again.

    `kept` are the pages of each node's rest, at most, that boot has reserved.
    """

    kept: int

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Once, when the processors are up."""
        if s.phase is not Phase.PAGED:
            return nothing()
        return {"kept": OneOf((0, 1) if cfg.deferred else (0,))}

    def choose(self, cfg: Config, s: System) -> None:
        """There is nothing to answer."""

    def after(self, cfg: Config, s: System, result: object) -> System:
        """All of memory is there, and pagesets are as large as it asks for."""
        require(result is None, "RET-CODE", f"there is no answer, got {result}")
        for node in s.nodes:
            if node.deferred:
                s = begin_pages(s, node.nid, node.deferred, self.kept)
        s = replace(s, phase=Phase.LATE)
        return with_limits(cfg, s) if cfg.deferred else s
