"""Judging an answer: the zone it names, then what Linux asks on the way to it.

An allocator that is not Linux may take a page from any zone that the request may use
and whose watermark allows it; it owes no events, does not spread dirty pages, reclaims
nothing here, and may not fail while such a zone is left.

Source: none; the rules are those that every zoned allocator owes its callers.
"""

from __future__ import annotations

from ..core import require
from ..linux import AllocFlags, Gfp
from ..watermark import watermark_fast
from .answers import Grew, Mark, NoPage, Outcome, Page, Pageset, Took
from .request import eligible, in_mask
from .walk import (
    Context,
    find_block,
    is_forbidden,
    prep_new_page,
    split,
    statistics,
    uses_pageset,
)
from .zones import Config, Memory, at_of, level_of, with_zone


def judge_zones(cfg: Config, ac: Context, flags: AllocFlags, result: Outcome) -> None:
    """Refuse a page, or a question, to a zone that a request must not use."""
    for each in (*result.events, result.value):
        if isinstance(each, Mark | Grew | Took | Pageset | NoPage | Page):
            judge_zone(cfg, ac, flags, each.at)


def judge_zone(cfg: Config, ac: Context, flags: AllocFlags, at: int) -> None:
    """Refuse a zone that a request must not use, with the rule that it breaks."""
    require(0 <= at < len(cfg.zones), "ZL-RANGE", f"there is no zone {at}")
    place = cfg.zones[at]
    name = f"zone {at} of node {place.nid}"
    exact = cfg.numa and bool(ac.gfp & Gfp.THISNODE)
    right = not exact or place.nid == ac.nid
    require(right, "II-N1", f"{name} is used for a request to node {ac.nid} only")
    why = f"{name} is not in the nodemask {ac.mask}"
    require(in_mask(ac.mask, place.nid), "II-N2", why)
    listed = (place.nid, place.index) in ac.zonelist and place.index <= ac.highest
    why = f"{name} is above zone {ac.highest} or not in the zonelist"
    require(listed, "ZL-RANGE", why)
    allowed = not is_forbidden(cfg, ac, place.nid, flags)
    require(allowed, "CPUSET-IN", f"{name} is not in the task's cpuset")


def judge_walk(result: Outcome, due: Outcome) -> None:
    """Refuse the first question that Linux does not ask, then another value."""
    pairs = zip((*result.events, None), (*due.events, None), strict=False)
    for seen, right in pairs:
        if seen == right:
            continue
        if isinstance(seen, Mark) and isinstance(right, Mark) and seen.at == right.at:
            words = ("may not", "may")
            why = f"zone {seen.at} {words[right.ok]} give a page"
            require(False, "WM-DECIDE", why)
        require(False, "ZL-ORDER", f"{right} is due, got {seen}")
    judge_value(result.value, due.value)


def judge_value(got: object, due: object) -> None:
    """Refuse a value that is not the one that Linux returns."""
    if isinstance(got, Page) and isinstance(due, Page):
        require(got == due, "PREP", f"{due} is due, got {got}")
    require(got == due, "RET-CODE", f"{due} is due, got {got}")


# ------------------------------------------------------------------ other policies


def may_serve(cfg: Config, s: Memory, ac: Context, at: int, flags: AllocFlags) -> bool:
    """Say whether a zone has a page for a request and its watermark lets it go."""
    z = level_of(cfg, s, at)
    args = ac.order, ac.highest, flags, ac.gfp, cfg.cma, cfg.unsigned_bits
    free = bool(flags & AllocFlags.NO_WATERMARKS) or watermark_fast(z, *args)
    return free and has_page(cfg, s, ac, at, flags)


def is_cached(cfg: Config, ac: Context, at: int, flags: AllocFlags) -> bool:
    """Say whether a zone's pageset serves a request."""
    there = ac.lower.cached >> at & 1 == 1
    return there and uses_pageset(cfg, ac.order, ac.mt, flags)


def has_page(cfg: Config, s: Memory, ac: Context, at: int, flags: AllocFlags) -> bool:
    """Say whether a zone has a page for a request, in a pageset or on its lists."""
    if is_cached(cfg, ac, at, flags):
        return True
    lost = ac.lower.lost >> at & 1
    block = find_block(cfg, s.zones[at], ac.order, ac.mt, flags)
    return not lost and block is not None


def usable(cfg: Config, s: Memory, ac: Context, flags: AllocFlags) -> list[int]:
    """Return the zones from which a request may be served, in the order of the walk."""
    flags &= ~AllocFlags.NOFRAGMENT
    return [
        at_of(cfg, ref)
        for ref in eligible(ac.zonelist, ac.highest, ac.mask)
        if not is_forbidden(cfg, ac, ref[0], flags)
        and may_serve(cfg, s, ac, at_of(cfg, ref), flags)
    ]


def judge_policy(
    cfg: Config, s: Memory, ac: Context, flags: AllocFlags, result: Outcome
) -> None:
    """Refuse a page whose zone must keep it, and a failure where a zone has one."""
    require(result.events == (), "RET-CODE", "no events are due")
    if not isinstance(result.value, Page):
        left = usable(cfg, s, ac, flags)
        why = f"a request fails, zones {left} may serve it"
        require(not left, "COMPLETE", why)
        return
    at, flags = result.value.at, flags & ~AllocFlags.NOFRAGMENT
    found = has_page(cfg, s, ac, at, flags)
    require(found, "ZL-PAGE", f"zone {at} has no page for order {ac.order}")
    kept = not may_serve(cfg, s, ac, at, flags)
    require(not kept, "WM-DECIDE", f"zone {at} may not give a page")
    judge_value(result.value, prep_new_page(cfg, ac, at, flags))


def served(cfg: Config, s: Memory, ac: Context, flags: AllocFlags, at: int) -> Memory:
    """Take a page from a zone; one from a pageset is on no list."""
    flags &= ~AllocFlags.NOFRAGMENT
    assert ac.preferred is not None
    s = statistics(cfg, s, ac.preferred, at, ac.task.node)
    if is_cached(cfg, ac, at, flags):
        return s
    block = find_block(cfg, s.zones[at], ac.order, ac.mt, flags)
    assert block is not None
    return with_zone(s, at, split(cfg, s.zones[at], ac.order, ac.mt, block))


def permitted(
    cfg: Config, s: Memory, ac: Context, flags: AllocFlags, failed: Outcome
) -> list[Outcome]:
    """Return every answer that may be given to a request."""
    places = usable(cfg, s, ac, flags)
    pages = [Outcome(prep_new_page(cfg, ac, at, flags)) for at in places]
    return pages or [failed]
