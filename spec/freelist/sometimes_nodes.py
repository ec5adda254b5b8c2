"""What must be seen at least once of nodes, tasks and policies."""

from __future__ import annotations

from itertools import pairwise

from ..linux import (
    NUMA_NO_NODE,
    Gfp,
    NodeReclaim,
)
from .alloc import (
    AllocInterleaved,
    AllocOnNode,
    AllocPages,
)
from .answers import (
    Again,
    DirtyLimit,
    Grew,
    Mark,
    Reclaimed,
    Skipped,
    SlowPath,
)
from .policy import AllocCurrent, Mode
from .seen import Moment, page, refused
from .zones import Config, Stat

# ------------------------------------------------------------------ nodes and tasks


def a_cpuset_keeps_a_zone_away(cfg: Config, step: Moment) -> bool:
    """A zone is passed over because the task may not have memory there."""
    return Skipped in map(type, step.result.events)


def a_nodemask_keeps_the_nearest_node_away(cfg: Config, step: Moment) -> bool:
    """A page comes from another node, as the mask says."""
    op, got = step.op, page(step)
    if not isinstance(op, AllocPages) or got is None or op.mask is None:
        return False
    return cfg.zones[got.at].nid != op.nid and not refused(step)


def one_node_alone_fails(cfg: Config, step: Moment) -> bool:
    """A request for one node only fails although another has pages."""
    if not isinstance(step.op, AllocPages) or not cfg.numa:
        return False
    failed = isinstance(step.result.value, SlowPath)
    others = [z.free for z, p in zip(step.before.zones, cfg.zones, strict=True)]
    return failed and bool(step.op.gfp & Gfp.THISNODE) and max(others) > 0


def dirty_pages_are_spread(cfg: Config, step: Moment) -> bool:
    """A page for writing comes from a node that has fewer dirty ones."""
    over = any(isinstance(e, DirtyLimit) and not e.ok for e in step.result.events)
    return over and page(step) is not None


def a_node_is_asked_once_for_its_dirty_pages(cfg: Config, step: Moment) -> bool:
    """The second zone of a node over its limit is passed over unasked."""
    seen = step.result.events
    return any(isinstance(e, Skipped) and e.why == "dirty" for e in seen)


def reclaim(step: Moment, *answers: NodeReclaim) -> list[Mark]:
    """Return the watermark tests that follow an answer of node_reclaim()."""
    seen = pairwise((*step.result.events, Again()))
    return [
        after if isinstance(after, Mark) else Mark(-1, False)
        for each, after in seen
        if isinstance(each, Reclaimed) and each.answer in answers
    ]


def a_node_reclaims_enough(cfg: Config, step: Moment) -> bool:
    """A zone is above its mark once its node has reclaimed."""
    found = reclaim(step, NodeReclaim.SOME, NodeReclaim.SUCCESS)
    return any(each.ok for each in found)


def a_node_reclaims_too_little(cfg: Config, step: Moment) -> bool:
    """A zone stays below its mark although its node has reclaimed."""
    found = reclaim(step, NodeReclaim.SOME, NodeReclaim.SUCCESS)
    return any(each.at >= 0 and not each.ok for each in found)


def a_node_does_not_reclaim(cfg: Config, step: Moment) -> bool:
    """A node is asked and does not look, or finds nothing that can be reclaimed."""
    return bool(reclaim(step, NodeReclaim.NOSCAN, NodeReclaim.FULL))


def a_zone_grows(cfg: Config, step: Moment) -> bool:
    """A page comes from memory that was initialised for it."""
    return page(step) is not None and Grew(page(step).at, True) in step.result.events  # type: ignore[union-attr]


def a_zone_has_nothing_left_to_grow(cfg: Config, step: Moment) -> bool:
    """A zone is asked to grow, and the second time says that it cannot."""
    seen = step.result.events
    return any(isinstance(each, Grew) and not each.ok for each in seen)


def a_task_on_a_node_without_memory_is_served(cfg: Config, step: Moment) -> bool:
    """A request for the task's node goes to the nearest one with memory."""
    op, got = step.op, page(step)
    if not isinstance(op, AllocOnNode) or got is None or op.nid != NUMA_NO_NODE:
        return False
    return all(place.nid != op.task.node for place in cfg.zones)


def a_policy_binds_a_request(cfg: Config, step: Moment) -> bool:
    """A bound task is served from another node than its own."""
    op, got = step.op, page(step)
    if not isinstance(op, AllocCurrent) or op.mode is not Mode.BIND or got is None:
        return False
    return cfg.zones[got.at].nid != op.task.node and not refused(step)


def a_policy_is_not_heeded(cfg: Config, step: Moment) -> bool:
    """An interrupt is served from its own node whatever the policy says."""
    op, got = step.op, page(step)
    if not isinstance(op, AllocCurrent) or got is None:
        return False
    return op.heeded is not op.mode and cfg.zones[got.at].nid == op.task.node


def interleaving_starts_again(cfg: Config, step: Moment) -> bool:
    """A task comes back to the first node of its policy."""
    op = step.op
    if not isinstance(op, AllocInterleaved) or op.offset is not None:
        return False
    return step.after.il_prev < step.before.il_prev


def a_page_is_foreign(cfg: Config, step: Moment) -> bool:
    """A page that was to come from one node comes from another, and both count it."""
    pairs = zip(step.before.zones, step.after.zones, strict=True)
    return any(new.stats[Stat.FOREIGN] > old.stats[Stat.FOREIGN] for old, new in pairs)


def an_interleaved_page_is_counted(cfg: Config, step: Moment) -> bool:
    """A page came from the node whose turn it was."""
    pairs = zip(step.before.zones, step.after.zones, strict=True)
    item = Stat.INTERLEAVE_HIT
    return any(new.stats[item] > old.stats[item] for old, new in pairs)
