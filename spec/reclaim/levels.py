"""What happens to zones beside reclaim, and the count of a scan by itself.

Pages are taken for use or come to the lists that reclaim scans; marks are boosted when
types of memory mix; freed blocks merge.

Source: mm/page_alloc.c, mm/vmscan.c:get_scan_count (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domain, Domains, Ints, OneOf, nothing, require, value
from .counts import Count, Group, get_scan_count
from .state import Aim, Config, State, Use, Zone


def with_zone(s: State, at: int, zone: Zone) -> State:
    """Return the state with one zone replaced."""
    return replace(s, zones=(*s.zones[:at], zone, *s.zones[at + 1 :]))


def silent(result: None) -> None:
    """Refuse any answer where nothing is answered."""
    require(result is None, "RCL-SILENT", f"nothing is answered, got {result}")


@value
class Take:
    """Free pages of a zone are taken for a use."""

    zone: int
    pages: int
    use: Use

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return the steps by which zones get emptier, where all have so many."""
        return {
            "zone": OneOf(cfg.moving),
            "pages": OneOf(cfg.steps),
            "use": OneOf(cfg.uses),
        }

    def choose(self, cfg: Config, s: State) -> None:
        """Return nothing."""

    def after(self, cfg: Config, s: State, result: None) -> State:
        """Return the zone with fewer free pages; as many as there are at most."""
        silent(result)
        zone = s.zones[self.zone]
        pages = min(self.pages, zone.free)
        zone = replace(
            zone,
            free=zone.free - pages,
            file=zone.file + pages * (self.use is Use.FILE),
            anon=zone.anon + pages * (self.use is Use.ANON),
        )
        return with_zone(s, self.zone, zone)


@value
class Free:
    """Pages of a zone that were held become free."""

    zone: int
    pages: int

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return the steps by which zones fill up."""
        return {"zone": OneOf(cfg.moving), "pages": OneOf(cfg.steps)}

    def choose(self, cfg: Config, s: State) -> None:
        """Return nothing."""

    def after(self, cfg: Config, s: State, result: None) -> State:
        """Return the zone with more free pages; none but its own."""
        silent(result)
        zone = s.zones[self.zone]
        held = cfg.zones[self.zone].managed - zone.free - zone.file - zone.anon
        free = zone.free + min(self.pages, held)
        return with_zone(s, self.zone, replace(zone, free=free))


@value
class Boost:
    """A zone's marks are boosted, as types of memory have mixed: boost_watermark()."""

    zone: int
    pages: int

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return how high the boost of a zone may come."""
        return {"zone": OneOf(cfg.moving), "pages": OneOf(cfg.boosts)}

    def choose(self, cfg: Config, s: State) -> None:
        """Return nothing."""

    def after(self, cfg: Config, s: State, result: None) -> State:
        """Return the zone boosted by so many pages, or by more if it was."""
        silent(result)
        zone = s.zones[self.zone]
        boost = max(zone.boost, self.pages)
        return with_zone(s, self.zone, replace(zone, boost=boost))


@value
class Merge:
    """The largest block on a zone's free lists is of another order from now on."""

    zone: int
    order: int

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return the orders to try."""
        return {"zone": OneOf(cfg.moving), "order": OneOf(cfg.blocks)}

    def choose(self, cfg: Config, s: State) -> None:
        """Return nothing."""

    def after(self, cfg: Config, s: State, result: None) -> State:
        """Return the zone with blocks up to this order."""
        silent(result)
        zone = replace(s.zones[self.zone], block=self.order)
        return with_zone(s, self.zone, zone)


def counted(cfg: Config) -> Domain:
    """Return the numbers of pages that a list or a protection may have."""
    return OneOf(cfg.sizes) if cfg.sizes else Ints(0, 1 << cfg.widest)


@value
class ScanCount:
    """How many pages of a list does a scan look at: get_scan_count()."""

    is_file: bool
    size: int
    low: int
    least: int
    usage: int
    online: bool
    aim: Aim
    priority: int
    again: bool

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Return every group and every aim to try."""
        if not cfg.aims:
            return nothing()
        either, pages = OneOf((True, False)), counted(cfg)
        return {
            "is_file": either,
            "size": pages,
            "low": pages,
            "least": pages,
            "usage": pages,
            "online": either,
            "aim": OneOf(cfg.aims),
            "priority": OneOf(cfg.priorities),
            "again": either,
        }

    def choose(self, cfg: Config, s: State) -> Count:
        """Return the pages to scan."""
        group = Group(self.low, self.least, self.usage, self.online)
        return get_scan_count(
            cfg, self.is_file, self.size, group, self.aim, self.priority, self.again
        )

    def after(self, cfg: Config, s: State, result: Count) -> State:
        """Return the same state, as nothing is scanned yet."""
        due = self.choose(cfg, s)
        require(result == due, "SCAN-COUNT", f"{due} is due, got {result}")
        return s
