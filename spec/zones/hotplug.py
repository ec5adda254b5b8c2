"""Memory that comes when the machine runs: a zone grows, or gets its first pages.

Source: mm/memory_hotplug.c:online_pages, resize_zone_range (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from ..linux import Errno
from . import pagesets, zonelists
from .boot import free_pages_up_to, with_zonelists
from .layout import Range
from .state import Config, Part, Phase, System, node_of, with_zone
from .tune import initialised


def stretched(start: int, end: int, part: Part) -> tuple[int, int]:
    """Return a range that covers a part as well; an empty range becomes the part."""
    if start == end:
        return part.start, part.end
    return min(start, part.start), max(end, part.end)


def with_part(s: System, part: Part) -> System:
    """Return the state whose node and zone have the part's pages, all of them free."""
    new = Range(part.nid, part.start, part.end)
    memory = tuple(sorted((*s.memory, new), key=lambda r: r.start))
    node = node_of(s, part.nid)
    start, end = stretched(node.start, node.end, part)
    grown = replace(node, start=start, end=end)
    nodes = tuple(grown if n.nid == part.nid else n for n in s.nodes)
    z = node.zones[part.zone]
    start, end = stretched(z.start, z.end, part)
    zone = replace(
        z,
        start=start,
        spanned=end - start,
        present=z.present + part.pages,
        managed=z.managed + part.pages,
    )
    return with_zone(replace(s, memory=memory, nodes=nodes), part.nid, part.zone, zone)


def listed(cfg: Config, s: System) -> System:
    """Build all zonelists again, and see whether mobility is worth while now."""
    pages = free_pages_up_to(s, cfg.layout.movable)
    off = zonelists.grouping_off(pages, cfg.block, cfg.migrate_types)
    return replace(with_zonelists(cfg, s), grouping_off=off)


def overlaps(s: System, part: Part) -> bool:
    """Say whether some frame of a part is there already."""
    return any(r.start < part.end and part.start < r.end for r in s.memory)


@value
class OnlinePages:
    """online_pages(): a zone gets pages, and all that depends on sizes follows.

    Only whole sections may come; the kernel answers EINVAL to others.
    """

    part: Part

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Any part of the configuration that is not there, when the machine runs."""
        if s.phase is not Phase.RUNNING:
            return nothing()
        return {"part": OneOf(tuple(p for p in cfg.hot if not overlaps(s, p)))}

    def choose(self, cfg: Config, s: System) -> Errno | None:
        """Refuse what is no whole sections."""
        part, section = self.part, cfg.section
        whole = part.pages and not (part.start % section or part.pages % section)
        return None if whole else Errno.EINVAL

    def after(self, cfg: Config, s: System, result: object) -> System:
        """Lists follow where the zone was empty, its pagesets and all marks always."""
        due, part = self.choose(cfg, s), self.part
        require(result == due, "RET-CODE", f"{part} gives {due}, not {result}")
        if due is not None:
            return s
        was = node_of(s, part.nid).zones[part.zone]
        s = with_part(s, part)
        if not was.populated:
            s = listed(cfg, s)
        zone = node_of(s, part.nid).zones[part.zone]
        limits = pagesets.pageset_limits(
            zone.managed, s.tunables.fraction, cfg.mmu, cfg.page_shift
        )
        return initialised(cfg, with_zone(s, part.nid, part.zone, zone.sized(limits)))
