"""What those below may answer: as the layers themselves decide on the same zone.

The walk over the zones says whom a cpuset shuts out, compaction says what suits it, and
reclaim when it steps back; the machine's own test says where a page may be had.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.bind.slowpath import load
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.impl.compaction.defer import suitable_with
from mmoracle.impl.freelist.walk import Task, cpuset_node_allowed
from mmoracle.impl.reclaim.direct import is_ready
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_KERNEL,
    GFP_NOIO,
    GFP_USER,
    MIGRATE_HIGHATOMIC,
    WMARK_HIGH,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from mmoracle.spec.slowpath import replies, request
from mmoracle.spec.slowpath.request import (
    COMPACTS,
    FREELISTS,
    INTERRUPT,
    LOOKS,
    At,
    Config,
    Context,
    Left,
    Nodemask,
    Reclaim,
    Reply,
    State,
    Zone,
)

CFG = Config((), (), reserve=1, kills=2)
BARRED, VICTIM = Context.BARRED, Context.VICTIM
ABSENT, EMPTY = Nodemask.ABSENT, Nodemask.EMPTY
CPUSET, NO_MARKS = AllocFlags.CPUSET, AllocFlags.NO_WATERMARKS
HARDER, OOM, HIGH = AllocFlags.HARDER, AllocFlags.OOM, AllocFlags.HIGH
EAGER, HIGHEST = HARDER | OOM, 1 << MIGRATE_HIGHATOMIC


def says(cfg: Config, s: State, due: set[Reply]) -> bool:
    """Say whether these may be replied, each told once, and no other."""
    told = replies.may_say(cfg, s)
    return len(told) == len(due) and set(told) == due


# ------------------------------------------------------------------ who is shut out


TASK = Task(0, 1, 1, *(False for _ in Task._fields[3:]))


def a_cpuset_shuts_out_whom_the_walk_over_zones_shuts_out(
    top: Any, context: int, wall: bool
) -> bool:
    """No zone is allowed exactly if the walk finds that the only node is not.

    The cpuset is hardwalled by the request alone; those above it have the node.
    """
    who, gfp = Context(context), GFP_USER if wall else GFP_KERNEL
    task = TASK._replace(
        mems=0 if BARRED in who else 1,
        interrupt=bool(who & INTERRUPT),
        victim=VICTIM in who,
    )
    allowed = cpuset_node_allowed(0, int(gfp), task)
    return request.is_shut_out(State(context=who), gfp) is not allowed


def contexts(top: int) -> Iterator[Values]:
    """Yield every context, with a hardwall and without."""
    return product(range(1 << 9), (False, True))


# ------------------------------------------------------------------ free lists


def a_block_may_be_made_by_a_drain_compaction_or_a_kill(
    top: Any, at: At, compacted: CompactResult, kills: int
) -> bool:
    """After a success of compaction, a drain or a kill there may be one, else not."""
    making = {At.DRAINED}
    if compacted is CompactResult.SUCCESS:
        making = {At.DRAINED, At.EARLY_FREELIST, At.COMPACTED}
    s = State(at=at, compacted=compacted, left=Left(kills=kills))
    return replies.may_be_made(CFG, s) is (kills != CFG.kills or at in making)


def makers(top: int) -> Iterator[Values]:
    """Yield every question, answers of compaction, and kills that are left."""
    return product(At, CompactResult, range(CFG.kills + 1))


ASKERS = (
    (0, GFP_KERNEL, Context.NONE, CPUSET, ABSENT),
    (1, GFP_KERNEL, Context.NONE, CPUSET, Nodemask.FITS),
    (4, GFP_KERNEL, Context.NONE, CPUSET, ABSENT),
    (0, GFP_KERNEL, Context.NONE, CPUSET, EMPTY),
    (0, GFP_USER, BARRED, CPUSET, ABSENT),
    (0, GFP_USER, BARRED, NO_MARKS, ABSENT),
    (0, GFP_USER, BARRED | VICTIM, OOM | CPUSET, ABSENT),
    (1, GFP_KERNEL, VICTIM, OOM, ABSENT),
    (0, GFP_KERNEL, Context.MEMALLOC, NO_MARKS, ABSENT),
    (1, GFP_KERNEL, Context.MEMALLOC, NO_MARKS, ABSENT),
    (3, GFP_KERNEL, Context.MEMALLOC, NO_MARKS, EMPTY),
    (2, GFP_ATOMIC, Context.NONE, HARDER | HIGH, ABSENT),
    (0, GFP_ATOMIC, BARRED, HIGH, ABSENT),
)


def free_lists_may_give_what_the_machine_lets_them(
    top: Any, at: At, kind: int, free: int, reserved: int, block: bool, made: bool
) -> bool:
    """A page may come where the marks, the cpuset and the nodes let one come.

    Without marks there need only be one: in a pageset, or a block of enough pages.
    """
    order, gfp, context, flags, nodes = ASKERS[kind]
    zone = Zone(free, highatomic=reserved, block=block)
    left, done = Left(kills=CFG.kills), CompactResult.SKIPPED
    if made and at in (At.EARLY_FREELIST, At.COMPACTED):
        done = CompactResult.SUCCESS
    elif made:
        left = Left(kills=CFG.kills - 1)
    s = State(at, order, gfp, context, nodes, False, flags, compacted=done)
    s = replace(s, zone=zone, left=left)
    return says(CFG, s, {Reply.NO_PAGE, *pages(s, made or at is At.DRAINED)})


def pages(s: State, made: bool) -> set[Reply]:
    """Return a page if the machine lets the question that it asks have one."""
    m = load(CFG, s)
    _, gfp, flags, *_ = m.asked()
    walled = flags & CPUSET and gfp & Gfp.HARDWALL
    if s.nodemask is EMPTY or (walled and barred(s)):
        return set()
    m.block = m.block or made
    if flags & NO_MARKS:
        fits = m.free // 2**m.order and (m.block or m.highatomic)
        given = not m.order or fits
    else:
        given = m.watermark_ok(m.order, CFG.marks[flags & 3], flags, m.free)
    return {Reply.PAGE} if given else set()


def barred(s: State) -> bool:
    """Say whether a task has no zone, and is neither a victim nor an interrupt."""
    return s.context & (INTERRUPT | VICTIM | BARRED) == BARRED


def looks(top: int) -> Iterator[Values]:
    """Yield looks at free lists, by all and with as much as counts."""
    frees = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 25, 26)
    truths = (False, True)
    return product(FREELISTS, range(len(ASKERS)), frees, (0, 1), truths, truths)


# ------------------------------------------------------------------ compaction

SCANS = {Reply.COMPLETE, Reply.PARTIAL_SKIPPED, Reply.CONTENDED, Reply.SUCCESS}
CAUGHT = {*SCANS, Reply.CAPTURED}


def suits(s: State, flags: int) -> CompactResult:
    """Return what compaction finds of a zone, without the reserve if it must not."""
    held = s.zone.highatomic * CFG.block_pages
    usable = s.zone.free - (0 if flags & EAGER else held)
    bits = int(s.zone.block) + (HIGHEST if held else 0)
    lists, marks = [0] * s.order + [bits], CFG.marks
    rest = s.zone.free - held
    return suitable_with(usable, rest, s.order, marks, 0, CFG.reserve, flags, lists)


def compaction_may_say_what_it_finds(
    top: Any,
    kind: tuple[int, Gfp, AllocFlags, Nodemask],
    at: At,
    priority: CompactPriority,
    gained: Reclaim,
    free: int,
    reserved: int,
    block: bool,
) -> bool:
    """It scans what suits it, costly blocks perhaps not, and is put off but in need."""
    order, gfp, flags, nodes = kind
    zone = Zone(free, highatomic=reserved, block=block)
    s = State(at, order, gfp, nodemask=nodes, flags=flags, priority=priority)
    s = replace(s, gained=gained, zone=zone)
    if not gfp & Gfp.IO or nodes is EMPTY:
        return says(CFG, s, {Reply.SKIPPED})
    found = suits(s, int(flags))
    scans = found is CompactResult.CONTINUE
    due = CAUGHT.copy() if scans else {Reply[found.name]}
    if scans and order == 4 and gained is not Reclaim.READY:
        due.add(Reply.SKIPPED)
    if (at, priority) != (At.COMPACT, CompactPriority.SYNC_FULL):
        due.add(Reply.DEFERRED)
    return says(CFG, s, due)


def compactions(top: int) -> Iterator[Values]:
    """Yield questions to compaction."""
    kinds = (
        (1, GFP_KERNEL, CPUSET, ABSENT),
        (4, GFP_KERNEL, CPUSET, ABSENT),
        (2, GFP_KERNEL, HARDER, Nodemask.FITS),
        (1, GFP_NOIO, CPUSET, ABSENT),
        (1, GFP_KERNEL, CPUSET, EMPTY),
        (4, GFP_NOIO, CPUSET, EMPTY),
    )
    frees = (0, 6, 10, 11, 12, 13, 14, 15, 17, 19, 24, 26, 43, 44, 46, 60)
    gains = (Reclaim.NO_PROGRESS, Reclaim.READY, Reclaim.PAGES)
    known = (CompactPriority, gains, frees, (0, 1), (False, True))
    return product(kinds, COMPACTS, *known)


# ------------------------------------------------------------------ reclaim


def reclaim_may_say_what_the_zone_has(
    top: Any,
    kind: tuple[int, Gfp, Context, Nodemask],
    free: int,
    reserved: int,
    block: bool,
    reclaimable: int,
    signals: int,
    compaction: bool,
) -> bool:
    """Pages or a block where there are some; it steps back by its own rule alone.

    A task without a zone has nothing to reclaim, but may be told to die.
    """
    order, gfp, context, nodes = kind
    cfg = replace(CFG, compaction=compaction)
    zone = Zone(free, reclaimable, reserved, block)
    left = Left(signals=signals)
    s = State(At.RECLAIM, order, gfp, context, nodes, zone=zone, left=left)
    due = {Reply.NO_PROGRESS}
    if nodes is not EMPTY and signals:
        due.add(Reply.SIGNAL)
    if nodes is not EMPTY and not barred(s):
        due |= {Reply.PAGES} if reclaimable else set()
        due |= {Reply.BLOCK} if reclaimable and order and not block else set()
        ready = is_ready(suits(s, 0), above_high(s))
        due |= {Reply.READY} if ready and compaction and order == 4 else set()
    return says(cfg, s, due)


def above_high(s: State) -> bool:
    """Say whether a zone is above its high mark with all that compaction moves."""
    mark = CFG.marks[WMARK_HIGH] + 2 * 2**s.order
    return load(CFG, s).watermark_ok(0, mark, 0, s.zone.free)


def reclaims(top: int) -> Iterator[Values]:
    """Yield questions to reclaim."""
    kinds = (
        (0, GFP_KERNEL, Context.NONE, ABSENT),
        (1, GFP_KERNEL, Context.NONE, ABSENT),
        (4, GFP_KERNEL, Context.NONE, Nodemask.FITS),
        (4, GFP_KERNEL, BARRED, ABSENT),
        (4, GFP_USER, BARRED | VICTIM, ABSENT),
        (1, GFP_USER, BARRED, ABSENT),
        (4, GFP_KERNEL, Context.NONE, EMPTY),
    )
    frees, truths = (0, 23, 24, 25, 26, 27, 44, 45, 46, 47, 48, 60), (False, True)
    known = (frees, (0, 1), truths, (0, 1, 5), (0, 1, 2), truths)
    return product(kinds, *known)


# ------------------------------------------------------------------ changes and kills


def others_may_change_or_kill_as_often_as_is_left(
    top: Any, cpusets: bool, hotremove: bool, nodes: Nodemask, changes: int, kills: int
) -> bool:
    """Only what the kernel can change does; with nothing left nobody does anything."""
    cfg = replace(CFG, cpusets=cpusets, hotremove=hotremove)
    s = State(nodemask=nodes, left=Left(changes, kills))
    after_cpusets = {Reply.CPUSET, Reply.NODEMASK}
    if nodes is ABSENT:
        after_cpusets = {Reply.CPUSET}
    due = {Reply.UNCHANGED}
    due |= after_cpusets if cpusets and changes else set()
    due |= {Reply.ZONELIST} if hotremove and changes else set()
    others = {Reply.BUSY} if kills else set()
    dead = {Reply.KILLED, Reply.CHOSEN} if kills else set()
    return (
        all(says(cfg, replace(s, at=at), due) for at in LOOKS)
        and says(cfg, replace(s, at=At.OOM_LOCK), {Reply.LOCKED, *others})
        and says(cfg, replace(s, at=At.OOM_KILL), {Reply.NOBODY, *dead})
        and says(cfg, s, set())
    )


def budgets(top: int) -> Iterator[Values]:
    """Yield kernels, nodemasks, and what others may still do."""
    return product((False, True), (False, True), Nodemask, range(3), range(3))


# ------------------------------------------------------------------ mistakes


def all_who_are_barred(s: State, gfp: Gfp) -> bool:
    """Shut victims and interrupts out as well."""
    return BARRED in s.context and Gfp.HARDWALL in gfp


def by_compaction_alone(cfg: Config, s: State) -> bool:
    """Forget that a kill or a drain makes blocks."""
    return s.at in replies.AFTER_COMPACTION and s.compacted is CompactResult.SUCCESS


def wherever_there_is_one(cfg: Config, s: State) -> bool:
    """Give a page below the marks."""
    return s.zone.free > 0


def never_deferred(cfg: Config, s: State) -> tuple[CompactResult, ...]:
    """Put nothing off."""
    told = right_compaction(cfg, s)
    return tuple(each for each in told if each is not CompactResult.DEFERRED)


def ready_at_the_mark(cfg: Config, s: State) -> bool:
    """Step back with no more than compaction needs."""
    return s.zone.free > request.level(cfg, s).marks[WMARK_HIGH]


def changes_without_cpusets(cfg: Config, s: State) -> tuple[Reply, ...]:
    """Let cpusets change in a kernel without them."""
    return right_changes(replace(cfg, cpusets=True), s)


right_compaction = replies.compaction_may_say
right_changes = replies.changes_may_be

LOWER = (
    Lemma(
        claim=a_cpuset_shuts_out_whom_the_walk_over_zones_shuts_out,
        provers=(Sweep(cases=contexts, scope="every context"),),
        mistakes=(Mistake(request, "is_shut_out", all_who_are_barred),),
    ),
    Lemma(
        claim=a_block_may_be_made_by_a_drain_compaction_or_a_kill,
        provers=(Sweep(cases=makers, scope="every question, 2 kills"),),
        mistakes=(Mistake(replies, "may_be_made", by_compaction_alone),),
    ),
    Lemma(
        claim=free_lists_may_give_what_the_machine_lets_them,
        provers=(Sweep(cases=looks, scope="13 requests, up to 26 pages"),),
        mistakes=(Mistake(replies, "may_serve", wherever_there_is_one),),
    ),
    Lemma(
        claim=compaction_may_say_what_it_finds,
        provers=(Sweep(cases=compactions, scope="6 requests, up to 60 pages"),),
        mistakes=(Mistake(replies, "compaction_may_say", never_deferred),),
    ),
    Lemma(
        claim=reclaim_may_say_what_the_zone_has,
        provers=(Sweep(cases=reclaims, scope="7 requests, up to 60 pages"),),
        mistakes=(Mistake(replies, "is_ready", ready_at_the_mark),),
    ),
    Lemma(
        claim=others_may_change_or_kill_as_often_as_is_left,
        provers=(Sweep(cases=budgets, scope="2 changes, 2 kills"),),
        mistakes=(Mistake(replies, "changes_may_be", changes_without_cpusets),),
    ),
)
