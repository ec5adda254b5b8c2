"""What must happen at least once on the small machines."""

from __future__ import annotations

from ..core import Step
from ..linux import Bug, Errno
from .boot import FreeAreaInit, MemoryPresent
from .buffer import BufferAlloc
from .hotplug import AddPages, RemovePages
from .lookup import PageToPfn, PfnValid, bank_of
from .online import OfflineSection, OnlineSection
from .sparse import SparseInitNid
from .state import Asked, Config, Freed, MemMap, Phase, Took
from .unused import FreeUnusedMemmap
from .words import EARLY, HAS_MEM_MAP, is_set

Moment = Step[Config, MemMap]


def a_section_has_two_nodes(cfg: Config, step: Moment) -> bool:
    """A second bank begins in the section of a bank of another node."""
    if not isinstance(step.op, MemoryPresent) or not step.before.banks:
        return False
    last, bank = step.before.banks[-1], step.op.bank
    same = (last.end - 1) >> cfg.shift == bank.start >> cfg.shift
    return same and last.nid != bank.nid


def memory_reaches_beyond_the_last_section(cfg: Config, step: Moment) -> bool:
    """A bank is clamped."""
    return isinstance(step.op, MemoryPresent) and step.op.bank.end > cfg.limit


def a_table_is_shared_or_new(cfg: Config, step: Moment) -> bool:
    """A second table of sections is allocated."""
    return len(step.after.roots) > 1 and len(step.before.roots) < 2


def a_panic_stops_boot(cfg: Config, step: Moment) -> bool:
    """An allocation that boot cannot do without fails."""
    return step.after.phase is Phase.STOPPED and not isinstance(step.op, FreeAreaInit)


def memory_without_a_map_stops_boot(cfg: Config, step: Moment) -> bool:
    """Memory whose section was dropped is met."""
    return isinstance(step.op, FreeAreaInit) and isinstance(step.result.value, Bug)


def a_run_ends_at_another_node(cfg: Config, step: Moment) -> bool:
    """There is another run of sections after one."""
    return isinstance(step.op, SparseInitNid) and step.after.phase is Phase.MAPS


def later_sections_are_dropped(cfg: Config, step: Moment) -> bool:
    """A section of a run gets its map, and one behind it does not."""
    if not isinstance(step.op, SparseInitNid):
        return False
    run = [x for x in step.before.sections if step.before.at <= x.nr < step.after.at]
    left = {x.nr for x in step.after.sections if is_set(x.word, HAS_MEM_MAP)}
    return 0 < len({x.nr for x in run} & left) < len(run)


def the_rest_of_a_buffer_goes_back(cfg: Config, step: Moment) -> bool:
    """A run fails half way, and its buffer is not lost."""
    if not isinstance(step.op, SparseInitNid):
        return False
    kinds = [type(each) for each in step.result.events]
    return Took in kinds and Freed in kinds


def maps_are_asked_one_by_one(cfg: Config, step: Moment) -> bool:
    """There is no buffer, and there are maps."""
    if not isinstance(step.op, SparseInitNid) or step.after.phase is Phase.STOPPED:
        return False
    return any(isinstance(x, Asked) and x.what == "map" for x in step.result.events)


def a_gap_of_the_buffer_goes_back(cfg: Config, step: Moment) -> bool:
    """An aligned piece passes over some bytes."""
    if not isinstance(step.op, BufferAlloc):
        return False
    return any(isinstance(x, Freed) for x in step.result.events)


def the_buffer_is_used_up(cfg: Config, step: Moment) -> bool:
    """A piece does not fit any more."""
    if not isinstance(step.op, BufferAlloc):
        return False
    return step.result.value is None and step.before.buffer is not None


def a_hole_is_valid(cfg: Config, step: Moment) -> bool:
    """A frame that is no memory is valid."""
    if not isinstance(step.op, PfnValid) or not step.result:
        return False
    return bank_of(step.before, step.op.pfn) is None


def a_descriptor_leads_back(cfg: Config, step: Moment) -> bool:
    """A frame is found by its descriptor."""
    return isinstance(step.op, PageToPfn) and step.result > 0


def memory_is_added(cfg: Config, step: Moment) -> bool:
    """Memory comes to a section that was not there."""
    if not isinstance(step.op, AddPages) or step.result.value is not None:
        return False
    return len(step.after.sections) > len(step.before.sections)


def memory_is_added_to_a_section_of_boot(cfg: Config, step: Moment) -> bool:
    """A part of an early section gets memory, and no map is asked for."""
    if not isinstance(step.op, AddPages) or step.result.value is not None:
        return False
    words = {each.nr: each.word for each in step.before.sections}
    return is_set(words.get(step.op.part[0] >> cfg.shift, 0), EARLY)


def memory_is_there_already(cfg: Config, step: Moment) -> bool:
    """EEXIST."""
    return isinstance(step.op, AddPages) and step.result.value is Errno.EEXIST


def memory_is_added_in_part(cfg: Config, step: Moment) -> bool:
    """A second section cannot be added, the first one stays."""
    failed = isinstance(step.op, AddPages) and step.result.value is Errno.ENOMEM
    return failed and len(step.after.banks) > len(step.before.banks)


def a_part_of_a_section_goes(cfg: Config, step: Moment) -> bool:
    """Some of a section stays."""
    if not isinstance(step.op, RemovePages) or step.before == step.after:
        return False
    nr = step.op.part[0] >> cfg.shift
    return any(x.nr == nr and x.word for x in step.after.sections)


def a_section_of_boot_goes(cfg: Config, step: Moment) -> bool:
    """A section of boot is removed, and its usage record stays."""
    if not isinstance(step.op, RemovePages):
        return False
    nr = step.op.part[0] >> cfg.shift
    return any(x.nr == nr and x.bootmem and not x.word for x in step.after.sections)


def a_section_comes_back(cfg: Config, step: Moment) -> bool:
    """A section of boot that was removed is added again, and is none of boot."""
    if not isinstance(step.op, AddPages) or step.result.value is not None:
        return False
    nr = step.op.part[0] >> cfg.shift
    return any(x.nr == nr and x.bootmem and not x.word for x in step.before.sections)


def new_memory_is_put_online(cfg: Config, step: Moment) -> bool:
    """Memory that was added gets its links."""
    fresh = any(bank.fresh for bank in step.before.banks)
    return isinstance(step.op, OnlineSection) and fresh and not step.result.events


def a_section_is_put_offline(cfg: Config, step: Moment) -> bool:
    """A section loses its mark."""
    return isinstance(step.op, OfflineSection) and step.before != step.after


def unused_descriptors_go_back(cfg: Config, step: Moment) -> bool:
    """A part of the memory map is freed."""
    return isinstance(step.op, FreeUnusedMemmap) and bool(step.result.events)


WITNESSES = (
    a_section_has_two_nodes,
    memory_reaches_beyond_the_last_section,
    a_table_is_shared_or_new,
    a_panic_stops_boot,
    memory_without_a_map_stops_boot,
    a_run_ends_at_another_node,
    later_sections_are_dropped,
    the_rest_of_a_buffer_goes_back,
    maps_are_asked_one_by_one,
    a_gap_of_the_buffer_goes_back,
    the_buffer_is_used_up,
    a_hole_is_valid,
    a_descriptor_leads_back,
    memory_is_added,
    memory_is_added_to_a_section_of_boot,
    memory_is_there_already,
    memory_is_added_in_part,
    a_part_of_a_section_goes,
    a_section_of_boot_goes,
    a_section_comes_back,
    new_memory_is_put_online,
    a_section_is_put_offline,
    unused_descriptors_go_back,
)
