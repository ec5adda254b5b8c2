"""What others do to a zone meanwhile: blocks come and go, boosts and reserves change.

Source: mm/page_alloc.c:boost_watermark, reserve_highatomic_pageblock (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, Ints, OneOf, nothing, require, value
from .answers import DONE, Outcome
from .zones import Config, Memory, add, room, with_zone


def places(cfg: Config, s: Memory, *, more: bool) -> tuple[tuple[int, int, int], ...]:
    """Return (zone, order, type) of the lists that have room, or that have a block."""
    return tuple(
        (at, order, mt)
        for at, zone in enumerate(s.zones)
        for order in range(min(len(cfg.most), cfg.orders))
        for mt in cfg.listed
        if (room(cfg, zone, order, mt) if more else zone.blocks[order][mt])
    )


def settled(result: Outcome) -> None:
    """Refuse any answer but that it was done."""
    require(result == DONE, "RET-CODE", f"nothing is due, got {result}")


@value
class Free:
    """Somebody frees a block, which stays as it is; or blocks merge or are split."""

    where: tuple[int, int, int]  # zone, order, migrate type

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"where": OneOf(places(cfg, s, more=True))}

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return DONE

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        settled(result)
        at, order, mt = self.where
        return with_zone(s, at, add(cfg, s.zones[at], order, mt, 1))


@value
class Take:
    """Somebody else takes a block."""

    where: tuple[int, int, int]  # zone, order, migrate type

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"where": OneOf(places(cfg, s, more=False))}

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return DONE

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        settled(result)
        at, order, mt = self.where
        return with_zone(s, at, add(cfg, s.zones[at], order, mt, -1))


@value
class SetBoost:
    """A watermark is boosted, so that kswapd is to be woken; or it has balanced."""

    at: int
    boost: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not cfg.boosts:
            return nothing()
        return {"at": Ints(0, len(cfg.zones)), "boost": OneOf(cfg.boosts)}

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return DONE

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        settled(result)
        zone = s.zones[self.at]
        boosted = self.boost > 0 or zone.boosted
        zone = replace(zone, boost=self.boost, boosted=boosted)
        return with_zone(s, self.at, zone)


@value
class SetReserve:
    """Page blocks are kept for high-order atomic requests, or given up."""

    at: int
    pages: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not cfg.reserves:
            return nothing()
        return {"at": Ints(0, len(cfg.zones)), "pages": OneOf(cfg.reserves)}

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return DONE

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        settled(result)
        zone = replace(s.zones[self.at], highatomic=self.pages)
        return with_zone(s, self.at, zone)
