"""What must be seen at least once in nodes and zones, or a model is vacuous."""

from __future__ import annotations

from ..core import Step
from ..linux import Errno
from . import marks
from .always import penalised
from .boot import (
    BuildZonelists,
    FillMemblks,
    FinishInit,
    FreeAreaInit,
    FreeReserved,
    GrowZone,
    SetupPagesets,
)
from .hotplug import OnlinePages
from .movable import required_core
from .state import Config, Node, Phase, System, highmem, last_zone, zones_of
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


def made(step: Moment) -> bool:
    """Say whether nodes were made."""
    return isinstance(step.op, FreeAreaInit)


def orders(s: System) -> list[list[int]]:
    """Return the order of nodes in each node's list."""
    return [list(dict.fromkeys(nid for nid, _ in n.fallback)) for n in s.nodes]


def a_zone_has_a_hole(cfg: Config, step: Moment) -> bool:
    """A zone spans frames that are no memory."""
    return made(step) and any(z.present < z.spanned for _, _, z in zones_of(step.after))


def a_node_has_no_memory(cfg: Config, step: Moment) -> bool:
    """A node without memory gets a list of the zones of others."""
    if not isinstance(step.op, BuildZonelists):
        return False
    return any(n.fallback and n.start == n.end for n in step.after.nodes)


def memory_lies_above_all_limits(cfg: Config, step: Moment) -> bool:
    """Some memory is in no zone."""
    memory = sum(r.end - r.start for r in step.after.memory)
    return made(step) and sum(step.result) < memory


def movable_tops(s: System) -> list[Node]:
    """Return the nodes that have a populated ZONE_MOVABLE."""
    return [n for n in s.nodes if n.movable_pfn]


def zone_movable_takes_the_top_of_a_node(cfg: Config, step: Moment) -> bool:
    """ZONE_MOVABLE is what the kernel leaves at the top of a node."""
    tops = movable_tops(step.after)
    movable = cfg.layout.movable
    return made(step) and any(n.zones[movable].end == n.end for n in tops)


def zone_movable_takes_a_whole_zone(cfg: Config, step: Moment) -> bool:
    """A lower zone of the node is left with nothing, as ZONE_MOVABLE begins at it."""
    if not made(step):
        return False
    return any(
        n.movable_pfn == n.start and last_zone(n) == cfg.layout.movable
        for n in movable_tops(step.after)
    )


def a_small_node_leaves_its_part_to_others(cfg: Config, step: Moment) -> bool:
    """One node has ZONE_MOVABLE, another was too small for its part."""
    nodes = [n for n in step.after.nodes if n.start < n.end]
    split = 0 < len(movable_tops(step.after)) < len(nodes)
    return made(step) and split and bool(step.after.ask.kernelcore)


def a_rounded_start_misses_the_node(cfg: Config, step: Moment) -> bool:
    """ZONE_MOVABLE is asked for, and would begin behind the node."""
    s, total = step.after, sum(r.end - r.start for r in step.after.memory)
    core = required_core(s.ask, total, cfg.max_order_pages)
    return made(step) and 0 < core < total and not movable_tops(s)


def a_node_may_be_taken_out(cfg: Config, step: Moment) -> bool:
    """Hotpluggable memory is all movable."""
    return made(step) and step.after.ask.movable_node and bool(movable_tops(step.after))


def only_mirrored_memory_is_the_kernels(cfg: Config, step: Moment) -> bool:
    """Memory without a mirror is movable, and lies in holes of ZONE_NORMAL."""
    s, movable = step.after, cfg.layout.movable
    there = [n for n in s.nodes if n.zones and n.zones[movable].present]
    return made(step) and s.ask.mirror and bool(there)


def the_nearest_node_is_not_the_next(cfg: Config, step: Moment) -> bool:
    """Distance, not number, orders the nodes of a list."""
    if not (isinstance(step.op, BuildZonelists) and cfg.numa):
        return False
    return any(o[1:] != sorted(o[1:]) for o in orders(step.after) if len(o) > 2)


def equally_near_nodes_take_turns(cfg: Config, step: Moment) -> bool:
    """Two nodes begin with different ones of those that cost both the same."""
    if not (isinstance(step.op, BuildZonelists) and cfg.numa):
        return False
    s = step.after
    rows = list(zip([n.nid for n in s.nodes], orders(s), strict=True))
    return any(
        set(mine[1:3]) == set(other[1:3]) and mine[1:3] != other[1:3]
        for a, mine in rows
        for b, other in rows
        if len({penalised(s, x, n) for x, o in ((a, mine), (b, other)) for n in o[1:3]})
        == 1
    )


def nodes_go_round_without_distances(cfg: Config, step: Moment) -> bool:
    """Without NUMA the nodes after a node come first, then those before it."""
    if not isinstance(step.op, BuildZonelists) or cfg.numa:
        return False
    return any(o != sorted(o) for o in orders(step.after))


def memory_is_too_small_to_group(cfg: Config, step: Moment) -> bool:
    """There are fewer pages than page blocks for all migrate types."""
    return step.after.grouping_off and not step.before.grouping_off


def descriptors_take_more_than_there_is(cfg: Config, step: Moment) -> bool:
    """A zone with large holes cannot pay for its own descriptors."""
    if not made(step):
        return False
    return any(z.managed == z.present > 0 for _, _, z in zones_of(step.after))


def a_zone_manages_nothing(cfg: Config, step: Moment) -> bool:
    """All pages of a zone are kept, and others keep nothing of it."""
    empty = [z for _, _, z in zones_of(step.after) if z.present and not z.managed]
    return isinstance(step.op, InitWmarks) and bool(empty)


def memory_is_deferred(cfg: Config, step: Moment) -> bool:
    """Descriptors of a node's last zone wait until late in boot."""
    return made(step) and any(n.deferred for n in step.after.nodes)


def a_zone_grows_early(cfg: Config, step: Moment) -> bool:
    """A request before the late init gets a section of deferred memory."""
    return isinstance(step.op, GrowZone) and step.result is True


def nothing_is_left_to_grow(cfg: Config, step: Moment) -> bool:
    """A node without deferred memory cannot grow."""
    return isinstance(step.op, GrowZone) and step.result is False


def pagesets_grow_with_deferred_memory(cfg: Config, step: Moment) -> bool:
    """The late init finds limits that were computed for a smaller zone."""
    if not isinstance(step.op, FinishInit):
        return False
    old = [z.limits for _, _, z in zones_of(step.before)]
    return old != [z.limits for _, _, z in zones_of(step.after)]


def a_small_zone_has_no_batch(cfg: Config, step: Moment) -> bool:
    """A pageset of a populated zone keeps nothing."""
    if not isinstance(step.op, SetupPagesets):
        return False
    return any(z.present and z.limits == (0, 1) for _, _, z in zones_of(step.after))


def memory_comes_after_the_marks(cfg: Config, step: Moment) -> bool:
    """Boot gives pages up after marks were computed without them."""
    late = step.before.phase is Phase.RUNNING
    return isinstance(step.op, FreeReserved) and late and step.result > 0


def min_free_kbytes_is_at_its_least(cfg: Config, step: Moment) -> bool:
    """A small machine keeps more free than its root."""
    kbytes = step.after.tunables.min_free_kbytes
    return isinstance(step.op, InitWmarks) and kbytes == marks.LEAST_KBYTES


def min_free_kbytes_is_at_its_most(cfg: Config, step: Moment) -> bool:
    """A large machine keeps less free than its root."""
    kbytes = step.after.tunables.min_free_kbytes
    return isinstance(step.op, InitWmarks) and kbytes == marks.MOST_KBYTES


def a_users_value_stays(cfg: Config, step: Moment) -> bool:
    """The kernel's pick is lower than what a user wrote."""
    t = step.after.tunables
    return isinstance(step.op, InitWmarks) and t.min_free_kbytes == t.user_kbytes


def a_users_value_is_beaten(cfg: Config, step: Moment) -> bool:
    """The kernel's pick is higher than what a user wrote."""
    t = step.after.tunables
    return isinstance(step.op, InitWmarks) and 0 <= t.user_kbytes < t.min_free_kbytes


def huge_pages_raise_the_marks(cfg: Config, step: Moment) -> bool:
    """Khugepaged wants more free than the root."""
    old = step.before.tunables.min_free_kbytes
    return isinstance(step.op, StartHugepages) and step.result > old


def gaps_follow_the_scale(cfg: Config, step: Moment) -> bool:
    """Marks lie further apart than a quarter of the lowest."""
    if not isinstance(step.op, WriteScaleFactor) or step.result:
        return False
    marked = [z.marks for _, _, z in zones_of(step.after)]
    return any(low - least > least // 4 for least, low, _ in marked)


def a_highmem_zone_keeps_little(cfg: Config, step: Moment) -> bool:
    """The lowest mark of a highmem zone is capped."""
    if not isinstance(step.op, InitWmarks):
        return False
    zones = zones_of(step.after)
    return any(z.managed and highmem(cfg, step.after, i) for _, i, z in zones)


def nothing_is_kept_for_lower_zones(cfg: Config, step: Moment) -> bool:
    """A ratio of 0 turns a zone's reserve off."""
    if not isinstance(step.op, WriteReserveRatio):
        return False
    had = any(any(z.reserve) for _, _, z in zones_of(step.before))
    return had and not any(any(z.reserve) for _, _, z in zones_of(step.after))


def a_write_is_refused(cfg: Config, step: Moment) -> bool:
    """A value out of bounds gives EINVAL."""
    return step.result is Errno.EINVAL


def a_fraction_of_seven_is_refused(cfg: Config, step: Moment) -> bool:
    """Less than an eighth of a zone is the most that a pageset may hold."""
    refused = step.result is Errno.EINVAL
    return isinstance(step.op, WriteFraction) and refused and step.op.fraction > 0


def a_batch_stops_growing(cfg: Config, step: Moment) -> bool:
    """However many pages a pageset may hold, it moves 8 * PAGE_SHIFT at most."""
    most = 8 * cfg.page_shift
    zones = zones_of(step.after)
    return any(z.limits[1] == most < z.limits[0] // 4 for _, _, z in zones)


def a_user_keeps_more_than_there_is(cfg: Config, step: Moment) -> bool:
    """What a user writes is not bent: marks may exceed the zone."""
    if not isinstance(step.op, WriteMinFreeKbytes):
        return False
    return any(0 < z.managed < z.marks[0] for _, _, z in zones_of(step.after))


def a_boost_reaches_its_bound(cfg: Config, step: Moment) -> bool:
    """One more boost changes nothing, and kswapd has work all the same."""
    return isinstance(step.op, Boost) and step.result and step.before == step.after


def a_zone_without_marks_is_not_boosted(cfg: Config, step: Moment) -> bool:
    """Fallbacks early in boot boost nothing."""
    early = step.before.phase < Phase.RUNNING
    return isinstance(step.op, Boost) and early and step.result is False


def a_small_zone_is_not_boosted(cfg: Config, step: Moment) -> bool:
    """A zone of less than four page blocks has marks and is not boosted."""
    if not isinstance(step.op, Boost) or step.result:
        return False
    nodes = {n.nid: n for n in step.before.nodes}
    return any(nodes[step.op.nid].zones[step.op.zone].marks)


def part_of_a_boost_is_served(cfg: Config, step: Moment) -> bool:
    """Kswapd takes back less than the zone was boosted by meanwhile."""
    if not isinstance(step.op, Unboost) or step.before == step.after:
        return False
    return any(z.boost for _, _, z in zones_of(step.after))


def marks_forget_a_boost(cfg: Config, step: Moment) -> bool:
    """Marks that are set anew take a boost away."""
    boosted = any(z.boost for _, _, z in zones_of(step.before))
    return boosted and isinstance(step.op, (WriteMinFreeKbytes, InitWmarks))


def a_node_gets_its_first_memory(cfg: Config, step: Moment) -> bool:
    """A node that was in no list is in every list now."""
    if not isinstance(step.op, OnlinePages) or step.result:
        return False
    nodes = {n.nid: n for n in step.before.nodes}
    return nodes[step.op.part.nid].end == 0


def memory_is_large_enough_to_group(cfg: Config, step: Moment) -> bool:
    """Grouping by mobility is turned on when more memory came."""
    return step.before.grouping_off and not step.after.grouping_off


def a_zone_grows_downwards(cfg: Config, step: Moment) -> bool:
    """Memory comes below a zone that had some."""
    if not isinstance(step.op, OnlinePages) or step.result:
        return False
    part = step.op.part
    node = next(n for n in step.before.nodes if n.nid == part.nid)
    return part.start < node.zones[part.zone].start


def no_part_of_a_section_comes(cfg: Config, step: Moment) -> bool:
    """Less than a section is refused."""
    return isinstance(step.op, OnlinePages) and step.result is Errno.EINVAL


def a_gap_goes_to_the_block_above(cfg: Config, step: Moment) -> bool:
    """Blocks of firmware's memory grow downwards over a gap."""
    return isinstance(step.op, FillMemblks) and step.before != step.after


def a_window_meets_no_block(cfg: Config, step: Moment) -> bool:
    """A window without memory is left to the caller."""
    return isinstance(step.op, FillMemblks) and step.result is False


WITNESSES = (
    a_zone_has_a_hole,
    a_node_has_no_memory,
    memory_lies_above_all_limits,
    zone_movable_takes_the_top_of_a_node,
    zone_movable_takes_a_whole_zone,
    a_small_node_leaves_its_part_to_others,
    a_rounded_start_misses_the_node,
    a_node_may_be_taken_out,
    only_mirrored_memory_is_the_kernels,
    the_nearest_node_is_not_the_next,
    equally_near_nodes_take_turns,
    nodes_go_round_without_distances,
    memory_is_too_small_to_group,
    descriptors_take_more_than_there_is,
    a_zone_manages_nothing,
    memory_is_deferred,
    a_zone_grows_early,
    nothing_is_left_to_grow,
    pagesets_grow_with_deferred_memory,
    a_small_zone_has_no_batch,
    memory_comes_after_the_marks,
    min_free_kbytes_is_at_its_least,
    min_free_kbytes_is_at_its_most,
    a_users_value_stays,
    a_users_value_is_beaten,
    huge_pages_raise_the_marks,
    gaps_follow_the_scale,
    a_highmem_zone_keeps_little,
    nothing_is_kept_for_lower_zones,
    a_write_is_refused,
    a_fraction_of_seven_is_refused,
    a_batch_stops_growing,
    a_user_keeps_more_than_there_is,
    a_boost_reaches_its_bound,
    a_zone_without_marks_is_not_boosted,
    a_small_zone_is_not_boosted,
    part_of_a_boost_is_served,
    marks_forget_a_boost,
    a_node_gets_its_first_memory,
    memory_is_large_enough_to_group,
    a_zone_grows_downwards,
    no_part_of_a_section_comes,
    a_gap_goes_to_the_block_above,
    a_window_meets_no_block,
)
