"""A synthetic kernel: what several cpus and interrupts may do raises no false alarm.

It drives the machine through random requests, step by step as 5.10 makes them: locks
are taken and interrupts turned off where Linux does so, and events are shown where
Linux shows them.  Every trace that it writes must lead from one image to the other.

Source: mm/page_alloc.c (v5.10).
"""

import json
import re
from random import Random

import pytest

from mmoracle.checkers.bind.buddy import BUDDY
from mmoracle.checkers.kernel.kmem_judge import judge_trace
from mmoracle.checkers.verdict import Verdict
from mmoracle.impl.watermark import zone_watermark_ok
from mmoracle.spec.buddy.zones import MERGES_RESERVED, V5_10, Config, Span
from mmoracle.spec.linux import AllocFlags

ORDERS, BLOCK_ORDER, FRAMES = 6, 4, 384
ZONES = (Span(0, 128), Span(128, FRAMES))
VMEMMAP, NEVER, NOFRAGMENT = 0xFFFFEA0000000000, 1 << 40, int(AllocFlags.NOFRAGMENT)
MARKS, RESERVES = ([4, 6, 8], [30, 40, 50]), ([0, 8], [0, 0])
ON, OFF = "on", "off"  # whether an interrupt may come while others go on
TYPES = ("UNMOVABLE", "MOVABLE", "RECLAIMABLE", "HIGHATOMIC", "ISOLATE")
GFP = ("GFP_KERNEL", "GFP_HIGHUSER_MOVABLE", "GFP_KERNEL|__GFP_RECLAIMABLE")
LOW_GFP = (GFP[0], "GFP_KERNEL|__GFP_MOVABLE", GFP[2])


class Kernel:
    """A kernel with two zones, one to three cpus, and interrupts."""

    def __init__(self, seed, *, compacts=False):
        self.rng = rng = Random(seed)
        self.modern, self.cpus = rng.random() < 0.4, rng.randint(1, 3)
        self.compacts, self.scanned = compacts, 0
        self.limit = rng.choice((0.6, 0.97))  # how full memory gets
        self.names = rng.choice((("DMA", "DMA32"), ("DMA32", "Normal")))
        self.more = 3 if self.names[0] == "DMA" else 2  # zones without frames
        quirks = (MERGES_RESERVED,) if self.modern else V5_10
        self.cfg = Config(
            zones=ZONES,
            start=ZONES,
            orders=ORDERS,
            pageblock_order=BLOCK_ORDER,
            cpus=self.cpus,
            high=6,
            batch=3,
            quirks=quirks,
        )
        self.m = BUDDY.build(self.cfg)
        self.lines, self.owned = [], []  # owned: (pfn, order), by tasks to free
        self.locks = [None] * len(ZONES)
        self.stacks = [[] for _ in range(self.cpus)]  # (work, level) running on a cpu
        self.state = [ON] * self.cpus

    # -------------------------------------------------------------- showing

    def show(self, cpu, level, text, comm="sh"):
        flags = "." + self.rng.choice(".N") + ".sh"[level] + "." * (1 + self.modern)
        task = f"{comm:>16}-{7 + cpu:<7}"
        self.lines.append(f"{task} [{cpu:03}] {flags} {len(self.lines):12}: {text}")
        if self.rng.random() < 0.1:
            self.lines.append(
                f"{task} [{cpu:03}] {flags} {len(self.lines):12}: kfree: ptr=1"
            )

    def page(self, pfn):
        if self.modern:
            hashed = ((pfn + 1) * 0x9E3779B97F4A7C15) & 0xFFFFFFFF
            return f"page={hashed:016x} pfn={pfn:#x}"
        return f"page={VMEMMAP + 64 * pfn:016x} pfn={pfn}"

    def inner(self, cpu, level, comm="sh"):
        """Show what the machine did under a zone's lock, others between."""
        events, told = list(self.m.events), []
        self.m.events.clear()
        for name, pfn, *rest in events:
            if name == "locked":
                refill = f"percpu_refill={int(rest[0] == 0)}"
                facts = f"order={rest[0]} migratetype={rest[1]} {refill}"
                told.append(f"mm_page_alloc_zone_locked: {self.page(pfn)} {facts}")
            elif name == "drained":
                facts = f"order=0 migratetype={rest[0]}"
                told.append(f"mm_page_pcpu_drain: {self.page(pfn)} {facts}")
            else:
                order, high, mt, other, changed = rest
                facts = (
                    f"alloc_order={order} fallback_order={high} "
                    f"pageblock_order={BLOCK_ORDER} alloc_migratetype={mt} "
                    f"fallback_migratetype={other} "
                    f"fragmenting={int(high < BLOCK_ORDER)} "
                    f"change_ownership={int(changed)}"
                )
                told.append(f"mm_page_alloc_extfrag: {self.page(pfn)} {facts}")
        for text in told:
            yield OFF
            self.show(cpu, level, text, comm)

    # -------------------------------------------------------------- working

    def locked(self, cpu, at, act, level, comm="sh"):
        """Do something under a zone's lock, with interrupts off."""
        yield at
        got = act()
        yield from self.inner(cpu, level, comm)
        self.locks[at] = None
        return got

    def alloc(self, cpu, level, order, mt, preferred, keep):
        """mm_page_alloc shows last, with interrupts on."""
        m, compound = self.m, order > 0 and self.rng.random() < 0.5
        gfp = GFP[mt] if preferred else f"{LOW_GFP[mt]}|GFP_{self.names[0]}"
        got = -1
        for at, flags, mark in self.tries(preferred):
            yield ON
            if not self.may_use(at, order, preferred, mark):
                continue
            if order == 0:
                line = m.zones[at].pagesets[cpu].lists[mt]
                if not line:
                    fill = lambda at=at, flags=flags: m.refill(cpu, at, mt, flags)
                    yield from self.locked(cpu, at, fill, level)
                if line:
                    got = m.alloc_pages(cpu, at, 0, mt, flags, False)
            else:
                take = lambda at=at, flags=flags: m.rmqueue_zone(at, order, mt, flags)
                got = yield from self.locked(cpu, at, take, level)
                if got >= 0:
                    m.own(got, order, mt, compound)
            if got >= 0:
                break
        yield ON
        gfp += "|__GFP_COMP" * compound
        page = self.page(got) if got >= 0 else "page=(null) pfn=0"
        facts = f"{page} order={order} migratetype={mt} gfp_flags={gfp}"
        self.show(cpu, level, f"mm_page_alloc: {facts}")
        if got >= 0:
            keep.append((got, order))

    def tries(self, preferred):
        """The first look may have two rounds; some requests may use what is kept."""
        walk = range(preferred, -1, -1)
        gentle = NOFRAGMENT if self.names[preferred] == "Normal" else 0
        yield from ((at, gentle, MARKS[at][1]) for at in walk)
        yield from ((at, 0, MARKS[at][1]) for at in walk if gentle)
        yield from ((at, 0, MARKS[at][0]) for at in walk)
        if self.rng.random() < 0.7:
            yield from ((at, 0, -FRAMES) for at in walk)

    def may_use(self, at, order, preferred, mark):
        zone = self.m.zones[at]
        reserve = RESERVES[at][preferred]
        lists = [7] * ORDERS  # rmqueue() looks itself
        return zone_watermark_ok(zone.nr_free_pages, order, mark, reserve, 0, lists)

    def free(self, cpu, level, pfn, order):
        """mm_page_free shows first, before the type is read, before the lock."""
        at, m = self.m.frames.zone_of(pfn), self.m
        self.show(cpu, level, f"mm_page_free: {self.page(pfn)} order={order}")
        yield ON
        if order == 0:
            m.free_prepare(pfn)
            yield ON
            yield from self.commit(cpu, level, at, pfn)
        else:
            mt = m.zones[at].type_of(pfn)
            yield ON
            give = lambda: m.zones[at].free_with_type(pfn, order, mt)
            del m.held[pfn]
            yield from self.locked(cpu, at, give, level)

    def commit(self, cpu, level, at, pfn):
        """Put a prepared page on a cpu's list, with interrupts off."""
        ps = self.m.zones[at].pagesets[cpu]
        high, ps.high = ps.high, NEVER
        assert self.m.free_commit(cpu, pfn) is None
        ps.high = high
        if ps.count >= high:
            give = lambda: self.m.drain(cpu, at, False)
            yield from self.locked(cpu, at, give, level)

    def free_list(self, cpu, level, pages):
        """All are prepared, then all committed with interrupts off."""
        for pfn in pages:
            self.show(cpu, level, f"mm_page_free: {self.page(pfn)} order=0")
            yield ON
            self.m.free_prepare(pfn)
            yield ON
        for i, pfn in enumerate(pages):
            fact = "order=0" if self.modern else "cold=0"
            text = f"mm_page_free_batched: {self.page(pfn)} {fact}"
            self.show(cpu, level, text)
            yield OFF
            at = self.m.frames.zone_of(pfn)
            yield from self.commit(cpu, level, at, pfn)
            yield ON if i % 4 == 3 else OFF

    def drain(self, cpu, comm):
        """A timer's work, or a hot-unplug's."""
        at, whole = self.rng.randrange(2), self.rng.random() < 0.5
        if self.m.zones[at].pagesets[cpu].count:
            give = lambda: self.m.drain(cpu, at, whole)
            yield from self.locked(cpu, at, give, 0, comm)

    def compact(self, cpu):
        """Free blocks are taken and given back unseen, then pagesets are drained."""
        at = self.rng.randrange(2)
        zone, self.scanned = self.m.zones[at], self.scanned + 32
        yield at
        taken = [(pfn, zone.pull(pfn)) for pfn in list(zone.place)[:4]]
        self.locks[at] = None
        for _ in range(self.rng.randrange(20)):
            yield ON
        for pfn, order in taken:
            yield at
            zone.free_with_type(pfn, order, zone.type_of(pfn))
            zone.nr_free_pages -= 1 << order
            self.locks[at] = None
        self.show(cpu, 0, "mm_page_alloc: page=(null) pfn=0 order=0 migratetype=1 "
                  "gfp_flags=GFP_NOWAIT", "kcompactd0")  # fmt: skip
        yield from self.drain(cpu, "kcompactd0")

    # -------------------------------------------------------------- scheduling

    def work(self, cpu, level):
        """Return something to do."""
        rng, owned = self.rng, self.owned
        if self.compacts and level == 0 and rng.random() < 0.05:
            return self.compact(cpu)
        if level == 0 and rng.random() < 0.05:
            return self.drain(cpu, "kworker/0:1")
        full = sum(1 << order for _, order in owned) / FRAMES
        if owned and rng.random() < (0.7 if full > self.limit else 0.1):
            singles = [each for each in owned if each[1] == 0]
            if len(singles) > 3 and rng.random() < 0.3:
                pages = rng.sample(singles, rng.randint(2, min(9, len(singles))))
                self.owned = [each for each in owned if each not in pages]
                return self.free_list(cpu, level, [pfn for pfn, _ in pages])
            return self.free(cpu, level, *owned.pop(rng.randrange(len(owned))))
        order = rng.choice((0, 0, 0, 0, 1, 2, 3))
        mt = rng.choice((0, 1, 1, 2)) if level == 0 else rng.choice((0, 0, 1))
        return self.alloc(cpu, level, order, mt, rng.choice((0, 1, 1)), owned)

    def run(self, works, interrupts):
        """Do so many pieces of work, and end when all are done."""
        rng = self.rng
        while works > 0 or any(self.stacks):
            cpu = rng.randrange(self.cpus)
            stack = self.stacks[cpu]
            level = stack[-1][1] + 1 if stack else 0
            may_begin = not stack or (self.state[cpu] == ON and level < 3)
            if works > 0 and may_begin and (not stack or rng.random() < interrupts):
                if not stack and rng.random() < interrupts:
                    level = rng.choice((1, 2))
                works -= 1
                self.state[cpu] = ON
                stack.append((self.work(cpu, level), level))
            if stack:
                self.step(cpu)

    def step(self, cpu):
        """Go on with what is on a cpu, unless it waits for a lock."""
        wanted = self.state[cpu]
        if wanted not in (ON, OFF):
            if self.locks[wanted] is not None:
                return
            self.locks[wanted], self.state[cpu] = cpu, OFF
        try:
            self.state[cpu] = next(self.stacks[cpu][-1][0])
        except StopIteration:
            self.stacks[cpu].pop()
            self.state[cpu] = ON

    # -------------------------------------------------------------- images

    def image(self):
        """Return the state as a debugger's script writes it."""
        s = BUDDY.abstract(self.m)
        names = [f"MIGRATE_{name}" for name in TYPES]
        zones = [
            self.zone(at, *each)
            for at, each in enumerate(zip(ZONES, s.zones, strict=True))
        ]
        lists = [[0, 1], [0, 0]]
        events = {"COMPACTFREE_SCANNED": self.scanned}
        node = {"nid": 0, "zones": zones, "zonelist0": lists, "lru": {}}
        node |= {"node_start_pfn": 0, "node_spanned_pages": FRAMES}
        node |= {"node_present_pages": FRAMES, "first_deferred_pfn": (1 << 64) - 1}
        return {
            "kernel": "6.12.1-riscv64" if self.modern else "5.10.0-32-cloud-amd64",
            "trace_entries": [len(self.lines)],
            "page_size": 4096,
            "sizeof_page": 64,
            **({} if self.modern else {"vmemmap_base": hex(VMEMMAP)}),
            "migratetypes": names,
            "max_pfn": FRAMES,
            "totalram_pages": FRAMES,
            "nodes": [node],
            "sections": [{"nr": 0, "pageblock_flags": list(s.types)}],
            "section_pages": 512,
            "pageblock_order": BLOCK_ORDER,
            "pageflags": {"PG_lru": 4, "PG_reserved": 12},
            "pages": {"columns": COLUMNS, "runs": list(self.runs(s))},
            "vm_event": events,
        }

    def zone(self, at, span, zone):
        areas = zip(zone.free, zone.nr_free, strict=True)
        return {
            "idx": at,
            "name": self.names[at],
            "zone_start_pfn": span.start,
            "spanned_pages": span.end - span.start,
            "present_pages": span.end - span.start,
            "managed_pages": zone.managed,
            "watermark": MARKS[at],
            "lowmem_reserve": RESERVES[at] + RESERVES[at][-1:] * self.more,
            "watermark_boost": 0,
            "nr_reserved_highatomic": 0,
            "vm_stat": {"NR_FREE_PAGES": zone.nr_free_pages},
            "free_area": [
                {"free_list": [list(x) for x in lists], "nr_free": nr}
                for lists, nr in areas
            ],
            "pageset": [
                {
                    "high": ps.high,
                    "batch": ps.batch,
                    "count": ps.count,
                    "lists": [[pfn for pfn, _ in line] for line in ps.lists],
                    "vm_stat_diff": [0],
                }
                for ps in zone.pagesets
            ],
        }

    def runs(self, s):
        free = {p for z in s.zones for lists in z.free for x in lists for p in x}
        held = {h.pfn: h for h in s.held}
        tail_of = {p: h.pfn for h in s.held if h.compound
                   for p in range(h.pfn + 1, h.end)}  # fmt: skip
        for pfn in range(FRAMES):
            lru = pfn in held and held[pfn].movable
            kind = -129 if pfn in free else -1
            head = tail_of.get(pfn, -1)
            yield [pfn, 1, hex(lru << 4), kind, int(pfn in held), head]


# Seeds of interleavings that a judge has once taken for violations.
RARE = (4137, 4183, 4290, 4293, 4409, 4529, 4915, 5075, 5399, 5405, 5695, 6230, 6627)
COLUMNS = ["pfn", "run_length", "flags", "mapcount_or_page_type", "refcount",
           "compound_head_pfn"]  # fmt: skip


def recorded(seed, tmp_path, *, interrupts=0.15, works=70, compacts=False):
    """Write a trace with the images before and after; return the kernel."""
    kernel = Kernel(seed, compacts=compacts)
    kernel.run(140, interrupts)
    kernel.lines.clear()
    first = kernel.image()
    kernel.run(works, interrupts)
    last = kernel.image()
    (tmp_path / "state-t0.json").write_text(json.dumps(first))
    (tmp_path / "state-t1.json").write_text(json.dumps(last))
    write(tmp_path, kernel.lines)
    return kernel


def write(tmp_path, lines):
    many = len(lines)
    head = (
        f"# tracer: nop\n#\n# entries-in-buffer/entries-written: {many}/{many} #P:1\n"
    )
    (tmp_path / "trace.txt").write_text(head + "".join(f"{x}\n" for x in lines))


def judged(tmp_path):
    return judge_trace(
        tmp_path / "trace.txt",
        start=tmp_path / "state-t0.json",
        end=tmp_path / "state-t1.json",
        alone=True,
    )


@pytest.mark.parametrize("seed", [*range(150), *RARE])
def test_every_trace_leads_to_its_image(seed, tmp_path):
    recorded(seed, tmp_path)
    run = judged(tmp_path)
    assert run.verdict is Verdict.BOUNDED, (
        run.cut,
        run.failure,
        run.extra["first_bad"],
    )
    assert run.extra["predicted"]["asked"] == run.extra["predicted"]["exact"] > 10
    assert run.extra["internal"]["seen"] == run.extra["internal"]["exact"]
    assert run.extra["lists"]["seen"] == run.extra["lists"]["equal"] > 0


@pytest.mark.parametrize("seed", range(200, 230))
def test_compaction_is_never_taken_for_a_violation(seed, tmp_path):
    kernel = recorded(seed, tmp_path, compacts=True)
    run = judged(tmp_path)
    assert run.verdict is not Verdict.VIOLATED, run.extra["first_bad"]
    if kernel.scanned and run.verdict is Verdict.INCONCLUSIVE:
        assert "compaction" in run.cut


def test_compaction_makes_most_traces_inconclusive(tmp_path):
    verdicts = []
    for seed in range(200, 215):
        recorded(seed, tmp_path, compacts=True)
        verdicts.append(judged(tmp_path).verdict)
    assert verdicts.count(Verdict.INCONCLUSIVE) > 7


@pytest.mark.parametrize("seed", range(300, 340))
def test_another_frame_number_is_found(seed, tmp_path):
    """One entry names another frame, by its number and by its pointer."""
    kernel = recorded(seed, tmp_path)
    rng = Random(seed)
    at = rng.choice([i for i, x in enumerate(kernel.lines) if re.search(PAGE, x)])
    page, pfn = re.search(PAGE, kernel.lines[at]).groups()
    other = rng.choice([p for p in range(FRAMES) if p != int(pfn, 0)])
    kernel.lines[at] = kernel.lines[at].replace(page, kernel.page(other))
    write(tmp_path, kernel.lines)
    run = judged(tmp_path)
    assert run.verdict is Verdict.VIOLATED, run.cut
    assert (
        run.extra["first_bad"]["expected"] or run.extra["first_bad"]["rule"] == "RECORD"
    )


def reversed_walk(kernel, preferred):
    """Try the lowest zone first."""
    yield from ((at, 0, MARKS[at][1]) for at in range(preferred + 1))


def no_watermarks(kernel, preferred):
    """Take what is there from the first zone, until there is no more."""
    kernel.limit = 0.72
    yield from ((at, 0, -FRAMES) for at in range(preferred, -1, -1))


def any_zone(kernel, preferred):
    """Do not look at the flags of a request."""
    yield from ((at, 0, MARKS[at][1]) for at in (1, 0))


@pytest.mark.parametrize(
    ("tries", "seed"),
    [(reversed_walk, 22), (no_watermarks, 22), (any_zone, 0), (any_zone, 1)],
)
def test_a_kernel_that_walks_its_zones_wrongly_is_caught(
    tries, seed, tmp_path, monkeypatch
):
    """These seeds show it: elsewhere another zone may have been possible."""
    monkeypatch.setattr(Kernel, "tries", tries)
    recorded(seed, tmp_path, works=200)
    run = judged(tmp_path)
    assert run.verdict is Verdict.VIOLATED
    assert run.extra["first_bad"]["rule"] == "ZL-ORDER"


def test_an_interrupt_overtakes_a_request_in_some_traces(tmp_path):
    """The traces hold what they are for."""
    seen = {"cpus": set(), "overtaken": 0, "unasked": 0, "steals": 0, "batched": 0}
    for seed in range(12):
        kernel = recorded(seed, tmp_path)
        notes = " ".join(judged(tmp_path).extra["notes"])
        text = "\n".join(kernel.lines)
        seen["cpus"].add(kernel.cpus)
        seen["overtaken"] += "overtook" in notes
        seen["unasked"] += "drained without" in notes
        seen["steals"] += "extfrag" in text
        seen["batched"] += "batched" in text
    assert seen.pop("cpus") == {1, 2, 3}
    assert all(seen.values()), seen


def test_a_trace_may_end_within_an_unasked_drain(tmp_path):
    """A sample cut anywhere is not wrong for what it does not show."""
    cut = 0
    for seed in range(60):
        kernel = recorded(seed, tmp_path)
        drains = [i for i, x in enumerate(kernel.lines) if "kworker" in x]
        for i in drains[:2] if kernel.cpus == 1 else ():
            write(tmp_path, kernel.lines[: i + 1])
            trace, start = tmp_path / "trace.txt", tmp_path / "state-t0.json"
            run = judge_trace(trace, start=start, alone=True)
            assert run.verdict is Verdict.BOUNDED, run.extra["first_bad"]
            cut += 1
    assert cut > 5


PAGE = r"mm_page_\w+: (page=[0-9a-f]{16} pfn=(\w+))"
