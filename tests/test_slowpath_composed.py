"""The slow path over real lower layers: each of its questions is played downwards.

The free lists are asked by the walk over a real page allocator, reclaim and the OOM
killer free real blocks, compaction moves them, drains empty real pagesets.  The zone
that the slow path believes in must be the one that the page allocator shows.

What the slow path is not told, and hears before the next question: that free pages lie
in pagesets, and that a drain, a kill or compaction has made a block.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from mmoracle.checkers.bind import buddy, freelist, slowpath
from mmoracle.impl.buddy.zone import TYPES
from mmoracle.impl.slowpath import SlowPath
from mmoracle.spec.buddy.zones import Config as BuddyConfig
from mmoracle.spec.buddy.zones import Span
from mmoracle.spec.compaction import defer
from mmoracle.spec.compaction.parts import Zone as Deferral
from mmoracle.spec.core import Step
from mmoracle.spec.freelist import zones as walked
from mmoracle.spec.freelist.alloc import AllocPages, GetPageFromFreelist
from mmoracle.spec.freelist.answers import Page, Pageset, Took
from mmoracle.spec.linux import (
    COMPACT_MAX_DEFER_SHIFT,
    GFP_ATOMIC,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOFS,
    GFP_NOIO,
    GFP_NOWAIT,
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_PCPTYPES,
    MIGRATE_UNMOVABLE,
    WMARK_HIGH,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
    ZoneType,
)
from mmoracle.spec.slowpath import path
from mmoracle.spec.slowpath.always import INVARIANTS, LAWS
from mmoracle.spec.slowpath.ops import Answer, Begin
from mmoracle.spec.slowpath.replies import may_say
from mmoracle.spec.slowpath.request import (
    FREELISTS,
    INTERRUPT,
    LOOKS,
    At,
    Config,
    Context,
    Event,
    Nodemask,
    Reply,
    Request,
    State,
    Zone,
)
from mmoracle.spec.slowpath.retry import may_go_round
from mmoracle.spec.watermark import watermark_ok

ORDERS, PAGEBLOCK, CPUS, PAGES = 6, 5, 2, 1024
BLOCK = 1 << PAGEBLOCK
MARKS, RESERVE = (40, 50, 60), (0, 4, 12)  # the reserve by the highest zone
KINDS = (ZoneType.DMA32, ZoneType.NORMAL, ZoneType.MOVABLE)  # only the first has memory
BELOW = BuddyConfig(
    zones=(Span(0, PAGES),),
    orders=ORDERS,
    pageblock_order=PAGEBLOCK,
    cpus=CPUS,
    high=12,
    batch=4,
    types=(0, 1, 2),
)
WALK = walked.Config(
    kinds=KINDS,
    zones=(walked.Place(0, 0, MARKS, RESERVE),),
    fallback=(((0, 0),),),
    own=(((0, 0),),),
    cpusets=True,
    orders=ORDERS,
    pageblock_order=PAGEBLOCK,
    most=(PAGES,) * ORDERS,
)
SLOW = Config(
    requests=(),
    zones=(Zone(reclaimable=PAGES, highatomic=4),),  # the most there can be
    marks=MARKS,
    block_pages=BLOCK,
    cpusets=True,
    hotremove=True,
    changes=2,
    kills=3,
    signals=1,
)
MASKS = {Nodemask.ABSENT: None, Nodemask.FITS: 1, Nodemask.EMPTY: 2}
HERE, ELSEWHERE = -1, 2  # the nodes of a task's cpuset
USER = ("clean", "dirty", "task 0", "task 1", "task 2", "task 3")
GFPS = (
    GFP_KERNEL,
    GFP_KERNEL | Gfp.RECLAIMABLE,
    GFP_KERNEL | Gfp.NORETRY,
    GFP_KERNEL | Gfp.RETRY_MAYFAIL,
    GFP_KERNEL | Gfp.NOFAIL,
    GFP_KERNEL | Gfp.DMA32,
    GFP_KERNEL | Gfp.THISNODE,
    GFP_KERNEL | Gfp.NOMEMALLOC,
    GFP_KERNEL | Gfp.MEMALLOC,
    GFP_KERNEL | GFP_ATOMIC,
    GFP_NOFS | Gfp.NOFAIL,
    GFP_NOIO,
    GFP_NOWAIT,
    GFP_ATOMIC,
    GFP_ATOMIC | Gfp.NOMEMALLOC,
    GFP_ATOMIC | Gfp.NOFAIL,
    GFP_HIGHUSER_MOVABLE,
    GFP_HIGHUSER_MOVABLE | Gfp.RETRY_MAYFAIL,
    GFP_HIGHUSER_MOVABLE | Gfp.NORETRY,
)
SCATTERED = (45, 55, 65, 75, 85, 95, 110, 130)  # free pages in blocks that are small
CONTEXTS = (
    *(Context.NONE,) * 8,
    Context.MEMALLOC,
    Context.MEMALLOC | Context.SOFTIRQ,
    Context.HARDIRQ,
    Context.VICTIM,
    Context.REALTIME,
    Context.DUMPCORE,
)


MET = {  # besides every question and every answer
    *("fast", "page", "failure", "news of a block", "a page block is given back"),
    *("FIRST PAGE", "EARLY_FREELIST PAGE", "RETRY PAGE", "RECLAIMED PAGE"),
    *("DRAINED PAGE", "COMPACTED PAGE", "COMPACT CAPTURED", "OOM_CPUSET PAGE"),
    *("OOM_ANY PAGE", "HARDER_CPUSET PAGE", "HARDER_ANY PAGE", "OOM_KILL CHOSEN"),
    *("WAIT", "DEFER_RESET", "WARN_ATOMIC", "WARN_NOWAIT", "WARN_COSTLY"),
}


class Blocks:
    """A real page allocator, and who holds each block that it has handed out."""

    def __init__(self, dice: Random) -> None:
        self.dice, self.below = dice, buddy.build(BELOW)
        self.zone = self.below.zones[0]
        self.held: dict[int, tuple[int, str]] = {}  # pfn -> (order, kind)
        self.pages: Counter[str] = Counter()  # by kind
        self.taken = [False] * PAGES

    # -------------------------------------------------------------- holders

    def own(self, pfn: int, order: int, kind: str) -> None:
        """Note a block that was handed out; it must have been free."""
        size = 1 << order
        assert pfn % size == 0
        assert 0 <= pfn <= PAGES - size
        assert not any(self.taken[pfn : pfn + size]), "the block is taken"
        self.taken[pfn : pfn + size] = [True] * size
        self.held[pfn] = order, kind
        self.pages[kind] += size

    def disown(self, pfn: int) -> tuple[int, str]:
        """Forget who holds a block."""
        order, kind = self.held.pop(pfn)
        self.taken[pfn : pfn + (1 << order)] = [False] * (1 << order)
        self.pages[kind] -= 1 << order
        return order, kind

    def take(self, order: int, mt: int, kind: str) -> int:
        """Have a block allocated, or return -1."""
        cpu = self.dice.randrange(CPUS)
        pfn = self.below.alloc_pages(cpu, 0, order, mt, 0, False)
        self.below.events.clear()
        if pfn >= 0:
            self.own(pfn, order, kind)
        return pfn

    def drop(self, pfn: int) -> None:
        """Free a block."""
        order, _ = self.disown(pfn)
        cpu = self.dice.randrange(CPUS)
        assert self.below.free_pages(cpu, pfn, order) is None
        self.below.events.clear()

    def split(self, pfn: int) -> None:
        """Make a block single pages."""
        order, kind = self.disown(pfn)
        assert self.below.split_page(pfn) is None
        for each in range(pfn, pfn + (1 << order)):
            self.own(each, 0, kind)

    def of(self, *kinds: str) -> list[int]:
        """Return the blocks of some kinds, in an order of their own."""
        found = [pfn for pfn, (_, kind) in self.held.items() if kind in kinds]
        self.dice.shuffle(found)
        return found

    def within(self, start: int, end: int) -> list[int]:
        """Return the blocks that touch a range of frames."""
        ranges = ((p, p + (1 << order)) for p, (order, _) in self.held.items())
        return [p for p, over in ranges if p < end and over > start]

    def free_exactly(self, kind: str, pages: int) -> None:
        """Free so many pages of a kind, splitting a block at need."""
        line = self.of(kind)
        while pages:
            pfn = line.pop()
            order = self.held[pfn][0]
            if 1 << order > pages:
                self.split(pfn)
                line += range(pfn, pfn + (1 << order))
                continue
            self.drop(pfn)
            pages -= 1 << order

    # -------------------------------------------------------------- the zone

    def drain(self) -> None:
        """Empty all pagesets."""
        for cpu in range(CPUS):
            self.below.drain(cpu, 0, True)
        self.below.events.clear()

    def waiting(self) -> int:
        """Return how many pages lie in pagesets."""
        return sum(each.count for each in self.zone.pagesets)

    def numbers(self) -> walked.Memory:
        """Return the zone as the walk sees it."""
        types = MIGRATE_HIGHATOMIC + 1
        lists = self.zone.lists
        rows = tuple(
            tuple(len(lists[order * TYPES + mt]) for mt in range(types))
            for order in range(ORDERS)
        )
        z = self.zone
        words = z.nr_free_pages, 0, z.boost, z.boosted, z.highatomic
        return walked.Memory((walked.Zone(rows, *words),), 0)

    def shown(self, order: int) -> Zone:
        """Return the zone as the slow path sees it."""
        rows = self.numbers().zones[0].blocks[order:]
        return Zone(
            free=self.zone.nr_free_pages,
            reclaimable=self.pages["clean"] + self.pages["dirty"],
            highatomic=self.zone.highatomic >> PAGEBLOCK,
            block=order > 0 and any(map(any, (r[:MIGRATE_PCPTYPES] for r in rows))),
            write_pending=self.pages["dirty"],
        )

    def stir(self) -> None:
        """Let others allocate and free, until about so many pages are free."""
        style = self.dice.choice(("mixed", "mixed", "fine", "fine", "coarse"))
        levels = (0, 3, 12, 25, 35, 45, 60, 90, 130) if style == "mixed" else SCATTERED
        target = self.dice.choice(levels)
        orders = (3,) if style == "coarse" else (0, 0, 0, 0, 0, 1, 2, 3)
        for pfn in self.of(*USER, "kernel")[: None if style == "coarse" else 25]:
            self.drop(pfn)
        self.drain()
        kinds = self.dice.choices((*USER, "kernel"), k=4)  # what there is more of
        while self.zone.nr_free_pages > (target if style == "mixed" else 0):
            kind, order = self.dice.choice(kinds), self.dice.choice(orders)
            mt = MIGRATE_UNMOVABLE if kind == "kernel" else MIGRATE_MOVABLE
            if self.take(order, mt, kind) < 0 and order == orders[0]:
                break
        for pfn in () if style == "mixed" else self.of(*USER, "kernel"):
            apart = pfn & 8 == 0 if style == "coarse" else self.held[pfn][0] == 0
            if apart and self.zone.nr_free_pages + self.waiting() < target:
                self.drop(pfn)
        self.whole_reserve()

    def whole_reserve(self) -> None:
        """Free all of the page blocks for atomic requests, as the slow path has it."""
        for pfn in range(0, PAGES, BLOCK):
            if self.zone.type_of(pfn) == MIGRATE_HIGHATOMIC:
                for each in self.within(pfn, pfn + BLOCK):
                    self.drop(each)
                self.drain()

    # -------------------------------------------------------------- compaction

    def clear(self, order: int) -> None:
        """Move what is in the way of a block elsewhere, if there is room."""
        size, ways = 1 << order, []
        for start in range(0, PAGES, size):
            inside = self.within(start, start + size)
            wider = any(self.held[pfn][0] >= order for pfn in inside)
            fixed = any(self.held[pfn][1] == "kernel" for pfn in inside)
            if not wider and not fixed:
                ways.append((len(inside), start, inside))
        if not ways:
            return
        _, start, inside = min(ways)
        aside = []
        for pfn in inside:
            to, (of, kind) = start, self.held[pfn]
            while start <= to < start + size:
                to = self.take(of, MIGRATE_MOVABLE, "aside")
                aside.append(to)
            if to < 0:
                break
            self.disown(aside.pop())
            self.own(to, of, kind)
            self.drop(pfn)
        for each in aside:
            if each >= 0:
                self.drop(each)
        self.drain()


class Composed(Blocks):
    """One request at a time on the slow path, and all who answer it."""

    def __init__(self, dice: Random) -> None:
        super().__init__(dice)
        self.deferral = Deferral(free=())
        self.mems, self.pfn, self.highest, self.mt = HERE, -1, 0, 0
        self.cpu, self.stuck = 0, 0.0  # how often reclaim makes no progress
        self.asker = "task 0"
        self.seen: Counter[str] = Counter()

    # -------------------------------------------------------------- free lists

    def walk(self, op):
        """Walk over the zone; specification and machine must agree."""
        memory = self.numbers()
        m = freelist.load(WALK, memory)
        self.pfn = -1

        def rmqueue(ac, zone, flags) -> bool:
            args = self.cpu, zone.at, ac.order, ac.mt, flags, False
            self.pfn = self.below.alloc_pages(*args)
            self.below.events.clear()
            m.events.append(("pageset" if self.pfn >= 0 else "none", zone.at))
            return self.pfn >= 0

        m.rmqueue = rmqueue
        got, due = freelist.apply(m, op), op.choose(WALK, memory)
        assert plain(got) == plain(due)
        assert (self.pfn >= 0) == isinstance(got.value, Page)
        return got.value

    def who(self, context: Context, gfp: Gfp, order: int):
        """Return the task, and which pagesets have a page for it."""
        self.cpu = self.dice.randrange(CPUS)
        mt = (int(gfp) >> 3) & 3
        cached = bool(self.zone.pagesets[self.cpu].lists[mt])
        task = walked.Task(
            mems=self.mems,
            above=self.mems,
            interrupt=bool(context & INTERRUPT),
            victim=bool(context & Context.VICTIM),
        )
        return task, walked.Lower(cached=int(cached))

    def look(self, s: State, gfp: Gfp, flags: AllocFlags) -> Reply:
        """Ask the free lists as the slow path does."""
        task, lower = self.who(s.context, gfp, s.order)
        mask = MASKS[s.nodemask]
        op = GetPageFromFreelist(gfp, s.order, flags, 0, mask, task, lower)
        return Reply.PAGE if self.walk(op) else Reply.NO_PAGE

    # -------------------------------------------------------------- others

    def level(self):
        """Return what a watermark test sees, and the blocks of each order."""
        memory = self.numbers()
        nr_free = tuple(map(sum, memory.zones[0].blocks))
        return walked.level_of(WALK, memory, 0), nr_free

    def suits(self, order: int, flags: AllocFlags) -> CompactResult:
        """Ask whether compaction could do anything: compaction_suitable()."""
        z, nr_free = self.level()
        return defer.compaction_suitable(z, order, flags, self.highest, nr_free)

    def is_ready(self, order: int) -> bool:
        """Say whether reclaim steps back for compaction: compaction_ready()."""
        verdict, (z, _) = self.suits(order, AllocFlags.NONE), self.level()
        mark = z.marks[WMARK_HIGH] + defer.compact_gap(order)
        room = watermark_ok(z, 0, mark, self.highest, AllocFlags.NONE, z.free)
        done = verdict is CompactResult.SUCCESS
        return done or (verdict is CompactResult.CONTINUE and room)

    def reclaim(self, s: State) -> tuple[Reply, int]:
        """Free clean pages; return how many."""
        if s.nodemask is Nodemask.EMPTY or self.mems == ELSEWHERE:
            return Reply.NO_PROGRESS, 0
        if s.left.signals and self.dice.random() < 0.1:
            return Reply.SIGNAL, 0
        if s.costly and self.is_ready(s.order):
            return Reply.READY, 0
        pages = min(self.dice.randint(1, 32), self.pages["clean"])
        if not pages or self.dice.random() < self.stuck:
            return Reply.NO_PROGRESS, 0
        self.free_exactly("clean", pages)
        made = self.shown(s.order).block and not s.zone.block
        return (Reply.BLOCK if made else Reply.PAGES), pages

    def compact(self, s: State, priority: CompactPriority) -> Reply:
        """Move blocks, if compaction is allowed and worth it."""
        order = s.order
        if Gfp.IO not in s.gfp or s.nodemask is Nodemask.EMPTY:
            return Reply.SKIPPED
        if priority > CompactPriority.SYNC_FULL:
            self.deferral, off = defer.deferred(self.deferral, order)
            if off:
                return Reply.DEFERRED
        result = self.suits(order, s.flags)
        if result is CompactResult.CONTINUE:
            result = self.scan(order)
        if result is CompactResult.SUCCESS:
            self.deferral = defer.defer_reset(self.deferral, order, False)
            made = s.zone.block < self.shown(order).block
            if made and self.dice.random() < 0.3:
                self.pfn = self.below.alloc_pages(0, 0, order, self.mt, 0, False)
                self.below.events.clear()
                return Reply.CAPTURED
        in_vain = (CompactResult.COMPLETE, CompactResult.PARTIAL_SKIPPED)
        if result in in_vain and priority is not CompactPriority.ASYNC:
            most = COMPACT_MAX_DEFER_SHIFT
            self.deferral = defer.defer(self.deferral, order, most)
        return Reply[result.name]

    def scan(self, order: int) -> CompactResult:
        """Move what is in the way, unless somebody else is at it."""
        if self.dice.random() < 0.2:
            return CompactResult.CONTENDED
        if not self.shown(order).block and self.dice.random() < 0.9:
            self.clear(order)
        if self.shown(order).block:
            return CompactResult.SUCCESS
        most = CompactResult.COMPLETE, CompactResult.PARTIAL_SKIPPED
        return self.dice.choice(most)

    def kill(self, s: State) -> tuple[Reply, int]:
        """Free all that the largest task has; return how much."""
        pages, victim = max((self.pages[each], each) for each in USER[2:])
        if not pages or not s.left.kills:
            return Reply.NOBODY, 0
        for pfn in self.of(victim):
            self.drop(pfn)
        return (Reply.CHOSEN if victim == self.asker else Reply.KILLED), pages

    def changes(self, s: State) -> Reply:
        """Say whether the cpuset or the zonelists have changed."""
        mask = MASKS[s.nodemask]
        if not s.left.changes:
            return Reply.UNCHANGED
        if mask is not None and not mask & (1 if self.mems == HERE else self.mems):
            return Reply.NODEMASK
        if self.dice.random() < 0.1:
            self.mems = self.dice.choice((HERE, ELSEWHERE))
            return Reply.CPUSET
        return Reply.ZONELIST if self.dice.random() < 0.03 else Reply.UNCHANGED

    def answer(self, s: State, asked) -> tuple[Reply, int]:
        """Answer a question; return how many pages came free."""
        if s.at in FREELISTS:
            return self.look(s, asked.gfp, asked.flags), 0
        if s.at in LOOKS:
            return self.changes(s), 0
        if s.at is At.RECLAIM:
            return self.reclaim(s)
        if s.at is At.OOM_LOCK:
            busy = s.left.kills and self.dice.random() < 0.1
            return (Reply.BUSY if busy else Reply.LOCKED), 0
        if s.at is At.OOM_KILL:
            return self.kill(s)
        return self.compact(s, asked.priority), 0

    def act(self, events: tuple[Event, ...], order: int, mask: Nodemask) -> None:
        """Do what the slow path does on the way to its next question."""
        for event in events:
            self.seen[event.name] += 1
            if event in (Event.UNRESERVE, Event.UNRESERVE_ALL):
                if mask is not Nodemask.EMPTY:
                    self.below.unreserve(0, self.mt, event is Event.UNRESERVE_ALL)
            elif event is Event.DRAIN:
                self.drain()
            elif event is Event.WAIT:
                for pfn in self.of("dirty"):
                    self.own(pfn, self.disown(pfn)[0], "clean")
            elif event is Event.DEFER_RESET:
                self.deferral = defer.served(self.deferral, order)

    def help_out(self) -> None:
        """Have others free a page block."""
        start = self.dice.randrange(0, PAGES, BLOCK)
        for pfn in self.within(start, start + BLOCK):
            self.drop(pfn)

    # -------------------------------------------------------------- requests

    def request(self) -> None:
        """Make a request; on the slow path if the first walk does not serve it."""
        dice = self.dice
        gfp, context = dice.choice(GFPS), dice.choice(CONTEXTS)
        order = dice.choice((0, 0, 1, 2, 3, 3, 4, 5))
        nodes = dice.choice((*(Nodemask.ABSENT,) * 4, Nodemask.FITS, Nodemask.EMPTY))
        if context & INTERRUPT:
            gfp &= ~Gfp.DIRECT_RECLAIM
        if Gfp.NOFAIL in gfp and nodes is Nodemask.EMPTY:
            nodes = Nodemask.FITS
        self.mems = ELSEWHERE if dice.random() < 0.1 else HERE
        self.stuck = dice.choice((0.0, 0.0, 0.3, 1.0))
        self.asker = dice.choice(USER[2:])
        task, lower = self.who(context, gfp, order)
        got = self.walk(AllocPages(gfp, order, 0, MASKS[nodes], task, lower))
        if isinstance(got, Page):
            self.seen["fast"] += 1
        else:
            self.highest, self.mt = got.highest, got.mt
            page = self.slow(Request(order, got.gfp, context, nodes))
            self.seen["page" if page else "failure"] += 1
            assert (self.pfn >= 0) == page
        if self.pfn >= 0:
            kind = dice.choice(USER) if Gfp.MOVABLE in gfp else "kernel"
            self.own(self.pfn, order, kind)
        held = self.taken.count(True)
        assert held + self.zone.nr_free_pages + self.waiting() == PAGES

    def slow(self, request: Request) -> bool:
        """Take a request through the slow path; say whether there is a page."""
        cfg = replace(SLOW, reserve=RESERVE[self.highest])
        m = slowpath.build(cfg)
        begun = Begin(request, self.shown(request.order))
        s, asked = self.turn(cfg, m, State(), begun, self.waiting())
        questions = 0
        while asked.page is None:
            questions += 1
            assert questions < 2_000, "the request does not end"
            apart = self.waiting()
            reply, pages = self.answer(s, asked)
            assert reply in may_say(cfg, s), f"{reply} is no answer, {s}"
            self.seen[f"{s.at.name} {reply.name}"] += 1
            now = replace(cfg, cluster=pages or 1)
            s, asked = self.turn(now, m, s, Answer(reply), apart)
        return asked.page

    def turn(self, cfg: Config, m, before: State, op, apart: int):
        """Do a step; return the state with the zone that there then is.

        `apart` are the pages that were in pagesets before the answer.
        """
        m.cluster = cfg.cluster
        due, got = op.choose(cfg, before), slowpath.apply(m, op)
        assert got == due, "the machine asks something else"
        s = op.after(cfg, before, got)
        assert slowpath.abstract(m) == s, "the machine remembers something else"
        step = Step(before, op, got, s)
        wrong = [(x.id, why) for x in INVARIANTS for why in x.check(cfg, s)]
        wrong += [(x.id, why) for x in LAWS for why in x.check(cfg, step)]
        assert not wrong, wrong
        self.act(got.events, before.order, before.nodemask)
        if got.page is None:
            self.compare(step, apart)
            if may_go_round(before, s):
                self.help_out()
            s = replace(s, zone=self.shown(s.order))
            m.free, m.reclaimable, m.highatomic = slowpath.numbers_of(s.zone)[:3]
            m.block, m.write_pending = s.zone.block, s.zone.write_pending
        return s, got

    def compare(self, step: Step, apart: int) -> None:
        """Compare the zone that the slow path believes in with the real one.

        Others may make a block, which the slow path then hears of.
        """
        op, s, events = step.op, step.after, step.result.events
        told, zone = s.zone, self.shown(s.order)
        assert told.free + apart == zone.free + self.waiting(), "free pages"
        assert told.reclaimable == zone.reclaimable, "reclaimable pages"
        assert told.highatomic == zone.highatomic, "page blocks of the reserve"
        pending = 0 if Event.WAIT in events else told.write_pending
        assert pending == zone.write_pending, "pages under writeback"
        if isinstance(op, Answer) and told.highatomic < step.before.zone.highatomic:
            self.seen["a page block is given back"] += 1
        if s.order and told.block != zone.block:
            makers = (Reply.KILLED, Reply.CHOSEN, Reply.SUCCESS)
            assert zone.block, "a block is gone"
            assert Event.DRAIN in events or op.reply in makers, "a block from nowhere"
            self.seen["news of a block"] += 1


def plain(result):
    """Return an answer without the order of the block, which is decided below."""
    kinds = Took | Pageset
    seen = [("page", e.at) if isinstance(e, kinds) else e for e in result.events]
    return result.value, tuple(seen)


def run(m: Composed, requests: int) -> None:
    """Make requests, between which others allocate and free."""
    for _ in range(requests):
        m.stir()
        m.request()


def test_every_request_ends_over_real_lower_layers():
    seen = set()
    for seed in (1, 2, 6):
        m = Composed(Random(seed))
        run(m, 600)
        seen |= m.seen.keys()
    assert seen >= MET
    answered = {name.split()[0] for name in seen}
    assert answered >= {at.name for at in At if at is not At.IDLE}
    said = {name.split()[-1] for name in seen}
    assert said >= {reply.name for reply in Reply}


# ------------------------------------------------------------------ wrong parts


def page_too_many(m):
    """Reclaim frees one page more than it says."""

    def reclaim(s):
        reply, pages = Composed.reclaim(m, s)
        if pages and m.pages["dirty"]:
            m.free_exactly("dirty", 1)
        return reply, pages

    m.reclaim = reclaim


def kills_in_name_only(m):
    """The OOM killer frees nothing."""
    m.kill = lambda s: (Reply.KILLED, 1) if s.left.kills else (Reply.NOBODY, 0)


def no_unreserve(m):
    """The page allocator keeps what the slow path gives back."""
    m.below.unreserve = lambda at, mt, force: None


def marks_ignored(m):
    """The free lists give without a look at the marks."""

    def look(s, gfp, flags):
        m.pfn = m.below.alloc_pages(m.cpu, 0, s.order, m.mt, 0, False)
        return Reply.NO_PAGE if m.pfn < 0 else Reply.PAGE

    m.look = look


def blocks_twice(m):
    """The page allocator hands a block out that somebody has."""

    def alloc_pages(cpu, at, order, mt, flags, compound):
        held = [pfn for pfn, (of, _) in m.held.items() if of == order]
        return held[0] if len(held) > 100 else real(cpu, at, order, mt, flags, compound)

    real, m.below.alloc_pages = m.below.alloc_pages, alloc_pages


def compacts_without_io(m):
    """Compaction works for requests that must not start IO."""
    m.compact = lambda s, priority: Composed.compact(
        m, replace(s, gfp=s.gfp | Gfp.IO), priority
    )


def boosts(m):
    """Watermarks are boosted, of which the slow path's zone knows nothing."""
    m.below.mobility[0].boost_top = 90


def reserve_in_use(m):
    """Page blocks for atomic requests are partly in use."""
    m.whole_reserve = lambda: None


WRONG = {
    page_too_many: "free pages",
    kills_in_name_only: "free pages",
    no_unreserve: "page blocks of the reserve",
    marks_ignored: "PAGE is no answer",
    blocks_twice: "the block is taken",
    compacts_without_io: "is no answer",
    boosts: "is no answer",
    reserve_in_use: "is no answer|page blocks of the reserve",
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda each: each.__name__)
def test_a_lower_layer_that_disagrees_is_noticed(wrong):
    def histories():
        for seed in range(3, 9):  # not every one has the occasion
            m = Composed(Random(seed))
            wrong(m)
            run(m, 600)

    with pytest.raises(AssertionError, match=WRONG[wrong]):
        histories()


@pytest.mark.parametrize(
    ("method", "does"),
    [
        ("should_reclaim_retry", lambda m: True),
        ("drain", lambda m: m.ask(int(At.DRAINED))),
        ("may_kill", lambda m: True),
        ("try_compaction", lambda m: m.decide()),
    ],
)
def test_a_slow_path_that_asks_something_else_is_noticed(method, does, monkeypatch):
    monkeypatch.setattr(SlowPath, method, does)
    with pytest.raises(AssertionError, match=r"the machine (asks|remembers)"):
        run(Composed(Random(4)), 900)


def test_a_request_that_goes_round_for_ever_is_noticed(monkeypatch):
    """Both sides agree that reclaim may always help; the rules do not."""
    monkeypatch.setattr(SlowPath, "should_reclaim_retry", lambda m: True)
    monkeypatch.setattr(path, "reclaim_again", lambda cfg, s: (s, True, ()))
    with pytest.raises(AssertionError, match="LIVE"):
        run(Composed(Random(5)), 900)
