"""What must be seen at least once in the walk, or a model is vacuous."""

from __future__ import annotations

from ..linux import (
    MIGRATE_HIGHATOMIC,
    WMARK_MIN,
    AllocFlags,
    Gfp,
)
from .alloc import (
    BAD_NODE,
    AllocOnNode,
    AllocPages,
    GetPageFromFreelist,
)
from .always import REQUESTS
from .answers import (
    Again,
    Mark,
    NoPage,
    Pageset,
    Reserve,
    SlowPath,
    Took,
    Woke,
)
from .request import BAD_TYPE, BAD_ZONE
from .seen import Moment, page, refused, saw
from .sometimes_nodes import (
    a_cpuset_keeps_a_zone_away,
    a_node_does_not_reclaim,
    a_node_is_asked_once_for_its_dirty_pages,
    a_node_reclaims_enough,
    a_node_reclaims_too_little,
    a_nodemask_keeps_the_nearest_node_away,
    a_page_is_foreign,
    a_policy_binds_a_request,
    a_policy_is_not_heeded,
    a_task_on_a_node_without_memory_is_served,
    a_zone_grows,
    a_zone_has_nothing_left_to_grow,
    an_interleaved_page_is_counted,
    dirty_pages_are_spread,
    interleaving_starts_again,
    one_node_alone_fails,
)
from .zones import Config, Memory

# ------------------------------------------------------------------ where it ends


def the_preferred_zone_gives(cfg: Config, step: Moment) -> bool:
    """The first zone that is asked has a page."""
    first = step.result.events[:1]
    return page(step) is not None and first == (Mark(page(step).at, True),)  # type: ignore[union-attr]


def another_zone_helps_out(cfg: Config, step: Moment) -> bool:
    """A page comes from a zone after one that was too low."""
    return page(step) is not None and bool(refused(step))


def a_request_goes_to_the_slow_path(cfg: Config, step: Moment) -> bool:
    """No zone may give a page."""
    return isinstance(step.result.value, SlowPath) and bool(refused(step))


def the_slow_path_finds_none_either(cfg: Config, step: Moment) -> bool:
    """A walk of the slow path ends without a page."""
    walked = isinstance(step.op, GetPageFromFreelist)
    return walked and step.result.value is None


def no_zone_is_eligible(cfg: Config, step: Moment) -> bool:
    """A request has no preferred zone."""
    got = step.result.value
    return isinstance(got, SlowPath) and got.preferred < 0


def a_request_is_too_large(cfg: Config, step: Moment) -> bool:
    """A request for more than the largest block is answered at once."""
    asked = isinstance(step.op, AllocPages | AllocOnNode)
    return asked and step.op.order >= cfg.orders  # type: ignore[attr-defined]


def a_fault_is_injected(cfg: Config, step: Moment) -> bool:
    """A request fails because somebody wants it to."""
    if not isinstance(step.op, AllocPages) or step.result.value is not None:
        return False
    return step.op.lower.fails and step.op.order < cfg.orders


def a_mistake_is_diagnosed(cfg: Config, step: Moment) -> bool:
    """A request asks for two zones at once."""
    return bool(step.result.value == BAD_ZONE)


def two_types_at_once_are_diagnosed(cfg: Config, step: Moment) -> bool:
    """A request is movable and reclaimable."""
    return bool(step.result.value == BAD_TYPE)


def a_node_that_is_not_there_is_diagnosed(cfg: Config, step: Moment) -> bool:
    """A request names a node that does not exist."""
    return bool(step.result.value == BAD_NODE)


# ------------------------------------------------------------------ watermarks


def pages_are_left_but_no_block(cfg: Config, step: Moment) -> bool:
    """A zone above its mark has no block of the order."""
    if not isinstance(step.op, AllocPages) or not step.op.order:
        return False
    sizes = 1 << step.op.order
    high = [at for at in refused(step) if above(cfg, step.before, at) >= sizes]
    return bool(high)


def above(cfg: Config, s: Memory, at: int) -> int:
    """Return how many pages a zone has above its low mark and largest reserve."""
    place, zone = cfg.zones[at], s.zones[at]
    return zone.free - zone.highatomic - place.marks[1] - max(place.reserve)


def an_atomic_request_ignores_the_boost(cfg: Config, step: Moment) -> bool:
    """A page leaves a zone that only a boost puts below its mark."""
    op, got = step.op, page(step)
    if not isinstance(op, GetPageFromFreelist) or got is None:
        return False
    plain = op.flags & ~AllocFlags.KSWAPD == WMARK_MIN and not op.order
    place, zone = cfg.zones[got.at], step.before.zones[got.at]
    return plain and zone.free <= place.marks[0] + zone.boost


def an_eager_request_goes_below_the_mark(cfg: Config, step: Moment) -> bool:
    """A page leaves a zone that is not above its lowest mark."""
    op, got = step.op, page(step)
    if not isinstance(op, GetPageFromFreelist) or got is None:
        return False
    eager = op.flags & (AllocFlags.OOM | AllocFlags.HARDER | AllocFlags.HIGH)
    low = step.before.zones[got.at].free <= cfg.zones[got.at].marks[0]
    return bool(eager) and low and not op.flags & AllocFlags.NO_WATERMARKS


def no_watermark_counts(cfg: Config, step: Moment) -> bool:
    """A page is marked as taken from the last reserve."""
    return page(step) is not None and page(step).pfmemalloc  # type: ignore[union-attr]


def cma_does_not_count(cfg: Config, step: Moment) -> bool:
    """A zone is refused to an unmovable request for which CMA has the pages."""
    zones = step.before.zones
    return any(
        zones[at].free_cma and above(cfg, step.before, at) > 0 for at in refused(step)
    )


def cma_is_used(cfg: Config, step: Moment) -> bool:
    """A movable request takes a block of CMA."""
    return has_taken(step, cfg.cma)


def has_taken(step: Moment, mt: int) -> bool:
    """Say whether a block left the lists of a type."""
    seen = step.result.events
    return any(isinstance(each, Took) and each.mt == mt for each in seen)


def the_high_atomic_reserve_is_used(cfg: Config, step: Moment) -> bool:
    """A request that tries harder takes a block that was kept for it."""
    return has_taken(step, MIGRATE_HIGHATOMIC)


def a_reserve_is_asked_for(cfg: Config, step: Moment) -> bool:
    """A page block is to be kept after a high-order request that tried harder."""
    return saw(step, Reserve)


def a_mark_is_met_but_no_page_is_there(cfg: Config, step: Moment) -> bool:
    """A zone that may give a page has none."""
    return saw(step, NoPage)


def a_pageset_serves(cfg: Config, step: Moment) -> bool:
    """A page that waited for its cpu is taken."""
    return saw(step, Pageset)


def kswapd_is_woken(cfg: Config, step: Moment) -> bool:
    """A boosted watermark is told to kswapd."""
    return saw(step, Woke)


# ------------------------------------------------------------------ fragments


def fragments_are_avoided(cfg: Config, step: Moment) -> bool:
    """A page comes from another zone, as the first would have to mix types."""
    lost = [each.at for each in step.result.events if isinstance(each, NoPage)]
    return bool(lost) and not saw(step, Again) and page(step) is not None


def types_are_mixed_at_last(cfg: Config, step: Moment) -> bool:
    """The second walk finds what the first one might not take."""
    return saw(step, Again) and page(step) is not None and saw(step, NoPage)


def nearness_counts_more_than_fragments(cfg: Config, step: Moment) -> bool:
    """A walk begins anew before a node that is away is looked at."""
    seen = step.result.events
    if not saw(step, Again) or cfg.online < 2:
        return False
    before = seen[: seen.index(Again())]
    nodes = {cfg.zones[e.at].nid for e in before if isinstance(e, Mark)}
    return len(nodes) == 1 and page(step) is not None


# ------------------------------------------------------------------ the page


def a_page_is_zeroed(cfg: Config, step: Moment) -> bool:
    """A block is filled with zeros."""
    return page(step) is not None and page(step).zeroed  # type: ignore[union-attr]


def zeros_are_there_already(cfg: Config, step: Moment) -> bool:
    """Zeros are asked for, and pages were zeroed when they were freed."""
    got = page(step)
    asked = isinstance(step.op, REQUESTS) and step.op.gfp & Gfp.ZERO
    return got is not None and bool(asked) and not got.zeroed


def a_block_is_joined(cfg: Config, step: Moment) -> bool:
    """A block becomes a compound page."""
    return page(step) is not None and page(step).compound  # type: ignore[union-attr]


def boot_forgets_what_it_may_not_do(cfg: Config, step: Moment) -> bool:
    """A request at boot is handed over without what it may not wait for."""
    got = step.result.value
    if not isinstance(step.op, AllocPages) or not isinstance(got, SlowPath):
        return False
    return got.gfp == step.op.gfp & cfg.allowed != step.op.gfp


WITNESSES = (
    the_preferred_zone_gives,
    another_zone_helps_out,
    a_request_goes_to_the_slow_path,
    the_slow_path_finds_none_either,
    no_zone_is_eligible,
    a_request_is_too_large,
    a_fault_is_injected,
    a_mistake_is_diagnosed,
    two_types_at_once_are_diagnosed,
    a_node_that_is_not_there_is_diagnosed,
    pages_are_left_but_no_block,
    an_atomic_request_ignores_the_boost,
    an_eager_request_goes_below_the_mark,
    no_watermark_counts,
    cma_does_not_count,
    cma_is_used,
    the_high_atomic_reserve_is_used,
    a_reserve_is_asked_for,
    a_mark_is_met_but_no_page_is_there,
    a_pageset_serves,
    kswapd_is_woken,
    fragments_are_avoided,
    types_are_mixed_at_last,
    nearness_counts_more_than_fragments,
    a_cpuset_keeps_a_zone_away,
    a_nodemask_keeps_the_nearest_node_away,
    one_node_alone_fails,
    dirty_pages_are_spread,
    a_node_is_asked_once_for_its_dirty_pages,
    a_node_reclaims_enough,
    a_node_reclaims_too_little,
    a_node_does_not_reclaim,
    a_zone_grows,
    a_zone_has_nothing_left_to_grow,
    a_task_on_a_node_without_memory_is_served,
    a_policy_binds_a_request,
    a_policy_is_not_heeded,
    interleaving_starts_again,
    a_page_is_foreign,
    an_interleaved_page_is_counted,
    a_page_is_zeroed,
    zeros_are_there_already,
    a_block_is_joined,
    boot_forgets_what_it_may_not_do,
)
