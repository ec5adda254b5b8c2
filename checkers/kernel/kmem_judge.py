"""Judging a trace of page events: exactly from a memory image, else permissively.

Source: include/trace/events/kmem.h (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from ..bind.buddy import BUDDY, SHIFT, Machine
from ..verdict import Run
from .ftrace import MARK, CutTrace, Event, page_events
from .image import Image, read_image
from .json_path import At
from .kmem_ahead import Ahead, with_ahead
from .kmem_course import Course, run_of
from .kmem_end import compare
from .kmem_exact import Exact
from .kmem_facts import (
    Bad,
    Tally,
    Unknown,
    Violated,
    is_actor,
    place_in,
    shown,
)
from .kmem_ledger import Ledger
from .kmem_pointers import Pointers
from .kmem_ways import Ways
from .kmem_zones import Walk
from .snapshots import TYPES, Window, mark, window
from .text import BadText, read_json
from .zoneinfo import read_zoneinfo

SOON = 1 << 12  # entries until a thread that took pages unseen shows itself

Progress = Callable[[dict[str, int]], None]


def judge_trace(
    path: Path,
    *,
    start: Path | None = None,
    end: Path | None = None,
    proc: Path | None = None,
    alone: bool = False,
    progress: Progress = lambda tally: None,
) -> Run:
    """Judge one trace; with `start`, exactly, and up to `end`.

    Unless `alone`, what is not given is looked for beside the files that are: a later
    image of the same kernel, and the folder `proc` with snapshots.
    """
    began, beside = perf_counter(), list[str]()
    if not alone and start is not None and end is None:
        end = later_image(start)
        beside += [f"the later image {end}"] if end is not None else []
    if not alone and proc is None and (path.parent / "proc").is_dir():
        proc = path.parent / "proc"
        beside.append(f"the snapshots in {proc}")
    if start is None:
        course = permissive(path, proc, progress)
    else:
        image = read_image(start)
        last = read_image(end) if end is not None else None
        course = exact(path, image, last, proc, progress)
    course.seconds = perf_counter() - began
    course.beside = beside
    return run_of(course)


def later_image(start: Path) -> Path | None:
    """Return the last image that lies beside one and was taken after it, if any is."""
    family = "".join(c for c in start.name.partition("-")[0] if c.isalnum())
    others = [p for p in start.parent.glob(f"{family}-*.json*") if p != start]
    first, latest = entry_of(start), None
    for path in sorted(others):
        entry = entry_of(path)
        if entry > first:
            first, latest = entry, path
    return latest


def entry_of(path: Path) -> int:
    """Return the first trace entry after an image, -1 for a file that is none."""
    try:
        return sum(At(path, read_json(path))["trace_entries"].numbers())
    except BadText:
        return -1


@contextmanager
def ending(course: Course) -> Iterator[None]:
    """Write down how following a trace ends, if before its last entry."""
    try:
        yield
    except CutTrace as cut:
        course.cut, course.cut_entry = str(cut), course.tally.entries
    except Unknown as unknown:
        course.cut, course.cut_entry = unknown.why, unknown.entry
    except Violated as violated:
        course.bad = violated.bad


# ------------------------------------------------------------------ permissive


def permissive(path: Path, proc: Path | None, progress: Progress) -> Course:
    """Follow a trace with no start: who holds what."""
    infos = sorted(proc.glob("*/zoneinfo")) if proc is not None else []
    ledger = Ledger(read_zoneinfo(infos[0]) if infos else ())
    pointers = Pointers()
    course = Course(path, "allowed", ledger.tally)
    with ending(course):
        for batch in page_events(path, progress=progress):
            pointers.watch(batch)
            ledger.follow(batch)
    blame(course, pointers)
    return course


# ------------------------------------------------------------------ exact


class Follower:
    """A machine on its way through a trace, with the snapshots that it passes."""

    def __init__(
        self, image: Image, proc: Path | None, end: Image | None, course: Course
    ) -> None:
        machine: Machine = BUDDY.load(image.cfg, image.state)
        self.image, self.proc = image, proc
        self.last = end.entry if end is not None else None
        self.x = Ways(image, machine, Walk(image, end))
        self.x.passed = self.look
        self.course = course
        course.tally = self.x.tally
        self.window: Window | None = None

    def run(self, batches: Iterable[tuple[list[Event], Ahead]]) -> list[Exact]:
        """Follow every batch up to the last entry that is wanted; return the ends."""
        for batch, ahead in batches:
            if self.last is not None and batch[-1][6] >= self.last:
                batch = [event for event in batch if event[6] < self.last]
                self.batch(batch, ahead)
                break
            self.batch(batch, ahead)
        return self.x.end()

    def batch(self, batch: list[Event], ahead: Ahead) -> None:
        """Follow a batch, looking at every state while a snapshot is being made."""
        if self.proc is None:
            self.x.follow(batch, ahead)
            return
        plain: list[Event] = []
        for event in batch:
            snap = mark(str(event[4])) if event[0] == MARK else None
            if snap is None and self.window is None:
                plain.append(event)
                continue
            self.x.follow(plain, ahead)
            plain = []
            if snap is not None:
                self.snapshot(*snap, event)
            else:
                self.x.follow([event], ahead)
            for way in self.x.ways:
                self.look(way)
        self.x.follow(plain, ahead)

    def look(self, way: Exact) -> None:
        """Look at a state, if a snapshot is being made and no lock is held."""
        if self.window is not None and not any(way.due):
            self.window.look(Seen(self.image, way.m))

    def snapshot(self, name: str, begins: bool, event: Event) -> None:
        """Begin to look for a snapshot's lines, or say that one was not found."""
        assert self.proc is not None
        if begins and event[6] >= self.image.entry:
            self.window = window(self.proc, name, event[6])
            return
        found, self.window = self.window, None
        if found is None:
            return
        told = self.course.snapshots
        told["seen"] = told.get("seen", 0) + found.seen
        left = len(found.rows) + len(found.cells)
        told["equal"] = told.get("equal", 0) + found.seen - left
        if left:
            why = f"{found.left()} in snapshot {name}"
            why += f", no state between entries {found.begun} and {event[6]} has that"
            text = shown(event[7])
            raise Violated(Bad(entry=event[6], rule="PROC", why=why, text=text))


@dataclass(frozen=True)
class Seen:
    """A state of the machine as /proc shows it."""

    image: Image
    m: Machine

    def nr_free(self, node: int, zone: str) -> list[int] | None:
        """Return the free blocks of each order, none for a zone that is not there."""
        at = self.at(node, zone)
        return None if at is None else self.m.zones[at].nr_free

    def of_type(self, node: int, zone: str, kind: str, order: int) -> int | None:
        """Return the free blocks of one type and order."""
        at, mt = self.at(node, zone), self.image.types.get(TYPES[kind], -1)
        if at is None or mt < 0:
            return None
        return len(self.m.zones[at].lists[order << SHIFT | mt])

    def at(self, node: int, zone: str) -> int | None:
        """Return the place of a zone, none for one that is not there."""
        names = [(place.node, place.name) for place in self.image.places]
        return names.index((node, zone)) if (node, zone) in names else None


def exact(
    path: Path,
    image: Image,
    last: Image | None,
    proc: Path | None,
    progress: Progress,
) -> Course:
    """Follow a trace from one image, to another where there is one."""
    course = Course(path, "exact", Tally())
    follower = Follower(image, proc, last, course)
    read = 0

    def count(tally: dict[str, int]) -> None:
        nonlocal read
        read = tally.get("entries", read)
        progress(tally)

    with ending(course):
        ends = follower.run(with_ahead(page_events(path, progress=count)))
        if last is not None and read < last.entry:
            why = f"the trace ends before entry {last.entry}, where {last.path} is"
            course.cut, course.cut_entry = why, read
        elif last is not None:
            compare_end(course, [way.m for way in ends], last)
    if course.bad is not None:
        pointers = Pointers(image.vmemmap, image.sizeof_page)
        reread(course, pointers, image.entry)
        if not blame(course, pointers):
            excuse(course, image, last)
    return course


def compare_end(course: Course, ends: list[Machine], last: Image) -> None:
    """Compare the states that may have been reached with a later image."""
    found = [compare(BUDDY.abstract(machine), last) for machine in ends]
    c = next((each for each in found if not each.first), found[0])
    course.compared = c
    if c.first:
        raise Violated(
            Bad(
                entry=course.tally.entries,
                rule="EXACT-STATE",
                why=f"after the last entry, {c.first} from the image {last.path}",
                expected=c.expected,
                got=c.got,
            )
        )


def excuse(course: Course, image: Image, last: Image | None) -> None:
    """Take a difference for unseen work of somebody else's, if it may be that."""
    assert course.bad is not None
    why = unseen(course, image, last)
    if why:
        course.cut, course.cut_entry = f"{course.bad.why}: {why}", course.bad.entry
        course.bad = None


def unseen(course: Course, image: Image, last: Image | None) -> str:
    """Return who may have changed what no event shows, if anybody may.

    Compaction takes pages off the free lists; its threads show in other events, and
    where they show in none, the images' counters say whether it ran.
    """
    assert course.bad is not None
    if image.deferred:
        return "pagesets are sized anew once the rest of memory is initialised"
    if image.cfg.has_cma:
        return "cma_alloc() takes pages off the lists"
    if course.tally.reserve is not None:
        asked = f"an atomic request at entry {course.tally.reserve} found little memory"
        return f"{asked}, and may have reserved a page block"
    first = first_of_an_actor(course.path, image.entry)
    if first is not None and first[6] <= course.bad.entry + SOON:
        name = shown(first[7][:16])
        return f"compaction takes pages, and {name} was at work from entry {first[6]}"
    if first is None and last is not None and last.compacted > image.compacted:
        return "compaction takes pages, and the later image counts some"
    return ""


def first_of_an_actor(path: Path, start: int) -> Event | None:
    """Return the first entry of a thread that takes pages off the lists, if any."""
    for batch in page_events(path):
        for event in batch:
            if event[6] >= start and is_actor(event[7]):
                return event
    return None


# ------------------------------------------------------------------ blame


def reread(course: Course, pointers: Pointers, start: int) -> None:
    """Look at the pointers of all entries from `start` up to the one that is wrong."""
    assert course.bad is not None
    try:
        for batch in page_events(course.path):
            followed = [event for event in batch if event[6] >= start]
            pointers.watch(followed, course.bad.entry)
            if batch[-1][6] > course.bad.entry:
                return
    except BadText:
        return


def blame(course: Course, pointers: Pointers) -> bool:
    """Name the entry whose own two names for a frame disagree; say if there is one.

    It is the cause of what goes wrong later; where nothing does, it is wrong itself.
    """
    found, bad = pointers.contradiction(), course.bad
    if found is None or (bad is not None and found[0][6] > bad.entry):
        return False
    event, frame = found
    rule, why = "RECORD", f"its page pointer is that of pfn {frame}"
    if bad is not None:
        rule = bad.rule
        if bad.entry == event[6]:
            why = f"{bad.why}; {why}"
        else:
            why = f"{why}; so entry {bad.entry} goes wrong: {bad.why}"
    course.bad = Bad(
        entry=event[6],
        rule=rule,
        why=why,
        expected=f"pfn {frame}",
        got=place_in(event),
        text=shown(event[7]),
    )
    course.cut, course.cut_entry = "", None
    return True
