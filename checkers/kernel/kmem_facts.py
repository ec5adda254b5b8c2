"""What is found out about a trace of page events, whichever way it is followed."""

from __future__ import annotations

from dataclasses import dataclass, field

from .ftrace import (
    ALLOC,
    BATCHED,
    DRAIN,
    EXTFRAG,
    FREE,
    LOCKED,
    Event,
)

NAMES = {
    ALLOC: "mm_page_alloc",
    FREE: "mm_page_free",
    BATCHED: "mm_page_free_batched",
    LOCKED: "mm_page_alloc_zone_locked",
    DRAIN: "mm_page_pcpu_drain",
    EXTFRAG: "mm_page_alloc_extfrag",
}
ACTORS = (b"kcompactd", b"khugepaged")  # threads that move pages off the lists


@dataclass(frozen=True, kw_only=True)
class Bad:
    """An entry that cannot be right: the rule, what was due and what stands there."""

    entry: int
    rule: str
    why: str
    expected: str = ""
    got: str = ""
    text: str = ""


class Violated(Exception):  # noqa: N818  (a verdict, not an error)
    """The trace is wrong from an entry on."""

    def __init__(self, bad: Bad) -> None:
        super().__init__(bad.why)
        self.bad = bad


class Unknown(Exception):  # noqa: N818  (a verdict, not an error)
    """From an entry on the record no longer says enough; the text says why."""

    def __init__(self, entry: int, why: str) -> None:
        super().__init__(why)
        self.entry = entry
        self.why = why


@dataclass
class Tally:
    """What was judged, and how it turned out."""

    entries: int = 0  # the number of the last entry judged, plus one
    events: int = 0  # page events judged
    asked: int = 0  # allocations
    exact: int = 0  # whose frame was predicted, or is one that may be
    seen: int = 0  # internal events: refills, drains, steals
    internal: int = 0  # that came as predicted
    zoned: int = 0  # allocations whose zone was judged
    placed: int = 0  # whose zone is the only one that they can have fallen into
    freed: int = 0  # frees that match what was held
    reserve: int | None = None  # the first entry whose request may have used one
    notes: dict[str, int] = field(default_factory=dict)  # what happened -> how often

    def note(self, what: str) -> None:
        """Count something that a reader should know."""
        self.notes[what] = self.notes.get(what, 0) + 1


def is_actor(line: bytes) -> bool:
    """Say whether an entry is from a thread that moves pages off the lists."""
    task = line[:16].lstrip()
    return task.startswith(ACTORS)


def shown(line: bytes) -> str:
    """Return an entry as a reader sees it, without its padding."""
    return " ".join(line.decode("utf-8", "replace").split())


def lost(event: Event) -> str:
    """Return how many events a trace says that it lost."""
    many = event[4] if isinstance(event[4], int) and event[4] else "some"
    return f"{many} events are lost before this entry"


def place_in(event: Event) -> str:
    """Return what an event says of its block."""
    kind, pfn, order, mt = event[:4]
    facts = [f"pfn {pfn}"]
    facts += [f"order {order}"] if order > 0 else []
    facts += [f"type {mt}"] if mt >= 0 else []
    return f"{NAMES.get(kind, 'an event')} of {' '.join(facts)}"


def wrong(event: Event, rule: str, why: str, expected: str = "") -> Violated:
    """Return the verdict on an event that cannot be right."""
    return Violated(
        Bad(
            entry=event[6],
            rule=rule,
            why=why,
            expected=expected,
            got=place_in(event),
            text=shown(event[7]),
        )
    )
