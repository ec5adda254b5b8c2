"""What holds of every step of a memory map, and of every answer.

Source: mm/sparse.c, mm/memory_hotplug.c (v5.10).
"""

from __future__ import annotations

from ..core import Complaints, Contract, Law, Step
from .boot import MemoryPresent
from .buffer import BUFFER, BufferAlloc, BufferFini
from .hotplug import AddPages, RemovePages
from .lookup import links_at
from .online import OfflineSection, OnlineSection
from .sparse import SparseInitNid
from .state import Asked, Config, Freed, MemMap, Phase, Took
from .words import ONLINE, is_set

Moment = Step[Config, MemMap]
BOOTING = (SparseInitNid, BufferAlloc, BufferFini)


def ranges_of(step: Moment) -> list[tuple[int, int]]:
    """Return the bytes of the buffer that were taken, went back, or are left."""
    found = [
        (each.at, each.at + each.size)
        for each in step.result.events
        if isinstance(each, Took) or (isinstance(each, Freed) and each.what == BUFFER)
    ]
    left = step.after.buffer
    return sorted(found + ([(left.start, left.end)] if left is not None else []))


def every_byte_of_the_buffer_is_accounted_for(cfg: Config, step: Moment) -> Complaints:
    """Each byte of a buffer is part of a map, has gone back, or is left, just once."""
    op, span = step.op, step.before.buffer
    if not isinstance(op, BOOTING) or step.after.phase is Phase.STOPPED:
        return
    at, end = 0, 0
    if span is not None:
        at, end = int(span.start), int(span.end)
    if isinstance(op, SparseInitNid):
        size = sum(each.what == BUFFER and each.size for each in asked(step))
        at, end = (int(op.buffer), op.buffer + size) if op.buffer and size else (0, 0)
    for start, stop in ranges_of(step):
        if start != at:
            yield f"the buffer's bytes at {min(at, start):#x} are lost, or used twice"
        at = stop
    if at != end:
        yield f"the buffer's bytes from {at:#x} to {end:#x} are lost"


def asked(step: Moment) -> list[Asked]:
    """Return the requests of a step."""
    return [each for each in step.result.events if isinstance(each, Asked)]


def the_first_node_wins(cfg: Config, step: Moment) -> Complaints:
    """A section that is present keeps its word when more memory is told."""
    if not isinstance(step.op, MemoryPresent) or step.after.phase is Phase.STOPPED:
        return
    after = {each.nr: each for each in step.after.sections}
    for each in step.before.sections:
        if after.get(each.nr) != each:
            yield f"section {each.nr} was {each}, and is {after.get(each.nr)}"


def only_what_is_named_changes(cfg: Config, step: Moment) -> Complaints:
    """Memory that comes or goes changes no section but its own."""
    match step.op:
        case AddPages(part=part) | RemovePages(part=part):
            first, last = part[0] >> cfg.shift, (part[0] + part[1] - 1) >> cfg.shift
        case OnlineSection(nr=nr) | OfflineSection(nr=nr):
            first = last = nr
        case _:
            return
    before = {each.nr: each for each in step.before.sections}
    after = {each.nr: each for each in step.after.sections}
    for nr in sorted(before.keys() | after.keys()):
        if not first <= nr <= last and before.get(nr) != after.get(nr):
            yield f"section {nr} changed with [{first}, {last}]"


def what_is_freed_was_there(cfg: Config, step: Moment) -> Complaints:
    """Bytes of the memory map that go back were descriptors, and are none any more."""
    if isinstance(step.result, bool | int | tuple):
        return
    for each in step.result.events:
        if isinstance(each, Freed) and each.what == "map":
            for at in (each.at, each.at + each.size - 1):
                if links_at(step.before, at) is None:
                    yield f"{at:#x} is freed, and no descriptor was there"
                if links_at(step.after, at) is not None:
                    yield f"{at:#x} is freed, and a descriptor is there still"


def marks_follow_the_request(cfg: Config, step: Moment) -> Complaints:
    """A section that is put online or offline is so afterwards, and its map stays."""
    if not isinstance(step.op, OnlineSection | OfflineSection) or step.result.events:
        return
    nr, on = step.op.nr, isinstance(step.op, OnlineSection)
    before, after = (
        next((x.word for x in s.sections if x.nr == nr), 0)
        for s in (step.before, step.after)
    )
    if is_set(after, ONLINE) != on or (before ^ after) & ~ONLINE:
        yield f"section {nr} had word {before:#x}, and has {after:#x}"


LAWS = (
    Law("BOOT-HANDOFF", every_byte_of_the_buffer_is_accounted_for),
    Law("MM-FIRST", the_first_node_wins),
    Law("MM-LOCAL", only_what_is_named_changes),
    Law("MM-FREE", what_is_freed_was_there),
    Law("MM-ONLINE", marks_follow_the_request),
)
CONTRACTS = (
    Contract("RET-CODE", "Every operation returns what is due, and asks what is due."),
    Contract("BOOT-HANDOFF", "The buffer is taken apart and given back as is due."),
    Contract("MM-LOOKUP", "A lookup answers what the memory model says."),
)
