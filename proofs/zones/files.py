"""Files of /proc/sys/vm, boosts, and memory that comes when the machine runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.zones import ZONES
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.zones_files import (
    any_scale,
    fraction_of_seven,
    small_zones_too,
    unboost_all,
)
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Whole
from mmoracle.impl.zones import marks as machine
from mmoracle.impl.zones.machine import System as Machine
from mmoracle.spec.zones import hotplug, marks
from mmoracle.spec.zones.hotplug import OnlinePages
from mmoracle.spec.zones.layout import Range
from mmoracle.spec.zones.state import (
    Config,
    Part,
    System,
    Zone,
)
from mmoracle.spec.zones.tune import (
    Boost,
    Unboost,
    WriteBoostFactor,
    WriteFraction,
    WriteMinFreeKbytes,
    WriteReserveRatio,
    WriteScaleFactor,
)

from ..sides import both_do_alike, equal
from .sizes import BASE, NONE, as_they_are, one_node, small, zone

# ------------------------------------------------------------------ boosts, files


def boosts_come_and_go_alike(
    top: Any, managed: Any, high: Any, boost: Any, pages: Any
) -> Any:
    """On both sides a boost grows within its bound, and falls to 0 and no further."""
    z = zone(managed, marks=(0, 0, high), boost=boost)
    s = one_node(z, NONE)
    down = Unboost(0, 0, pages)
    left = down.after(BASE, s, None).nodes[0].zones[0].boost
    slow = replace(s, tunables=replace(s.tunables, factor=1))
    return every(
        both_do_alike(ZONES, BASE, s, Boost(0, 0)),
        both_do_alike(ZONES, BASE, slow, Boost(0, 0)),
        machine.most_boost(high, 15000, 512) == marks.most_boost(high, 15000, 512),
        both_do_alike(ZONES, BASE, s, down),
        either(left + pages == boost, every(left == 0, boost <= pages)),
    )


def never_down(self: Machine, nid: int, index: int, pages: Any) -> None:
    """Leave a boost that kswapd has served, on the machine."""


def files_take_the_same_numbers(
    top: Any, number: Any, less: Any, managed: Any, boost: Any
) -> Any:
    """A number in bounds is taken, another is refused, and then nothing changes."""
    m, value = ZONES.load(BASE, one_node(zone(managed), NONE)), number - less
    pairs = (
        (WriteMinFreeKbytes(value), m.takes_kbytes, 0),
        (WriteScaleFactor(value), m.takes_scale, 1),
        (WriteFraction(value), m.takes_fraction, 0),
        (WriteBoostFactor(value), m.takes_factor, 0),
    )
    claims = []
    for op, takes, least in pairs:
        taken = op.choose(BASE, one_node(NONE)) is None
        claims += [taken == bool(takes(value)), not taken or value >= least]
    s = one_node(zone(managed), zone(managed, boost=boost))
    claims.append(both_do_alike(ZONES, BASE, s, WriteBoostFactor(value)))
    return every(*claims)


def ratios_are_written_alike(top: Any, one: Any, two: Any, three: Any) -> Any:
    """A ratio of 0 or less keeps nothing; reserves and totals follow on both sides."""
    claims = []
    for ratios in ((256, 32), (1, 0), (-3, 7)):
        z = zone(one, marks=(0, 0, three), boost=3)
        s = one_node(z, zone(two, marks=(0, 0, 1)))
        claims.append(both_do_alike(ZONES, BASE, s, WriteReserveRatio(ratios)))
    return every(*claims)


def kept_twice(pgdat: Any) -> Any:
    """Count a boost twice in what is not for the page cache, on the machine."""
    return right_total(pgdat) + sum((z.boost for z in pgdat.zones), start=0)


def kept_of_all(managed: Any, reserves: Any, zone: int, high: Any) -> Any:
    """Count reserves beyond what a zone manages."""
    return max((*reserves[zone:], 0)) + high


right_total = machine.totalreserve


def min_free_kbytes_is_picked_alike(
    top: Any, root: Any, user: Any, old: Any, none: Any
) -> Any:
    """Between 128 kB and 256 MB by the root, or as it was where a user wrote more."""
    told = user if none == 0 else -1
    kbytes = marks.picked_kbytes(root, told, old)
    return every(
        kbytes == machine.picked_kbytes(root, told, old),
        either(kbytes == old, every(kbytes >= 128, kbytes <= 262144, root > told)),
        either(root <= told, root < 128, root > 262144, kbytes == root),
    )


def one_bit(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a bit at the end."""
    return (words[-1] < 2,)


def users_always(root: Any, user: Any, old: Any) -> Any:
    """Forget what a user wrote."""
    return marks.clamp_kbytes(root)


def at_the_users(root: Any, user: Any, old: Any) -> Any:
    """Pick anew where a user wrote just that, on the machine."""
    return min(max(root, 128), 262144) if root >= user else old


# ------------------------------------------------------------------ hotplug


def a_zone_grows_over_a_part_alike(
    top: Any, start: Any, pages: Any, first: Any, size: Any
) -> Any:
    """Node and zone cover old and new frames, the new ones are managed, none is lost.

    A zone that spanned nothing spans the part.
    """
    old = Zone(start, pages, pages, pages, reserve=(0, 0))
    s = one_node(NONE, old)
    if pages != 0:
        s = replace(s, memory=(Range(0, start, start + pages),))
    s = replace(s, nodes=(replace(s.nodes[0], start=start, end=start + pages),))
    part = Part(0, 1, first, size)
    m, after = ZONES.load(BASE, s), hotplug.with_part(s, part)
    m.memory_add((0, first, first + size, False, False))
    m.resize(m.pgdat[0], m.pgdat[0].zones[1], first, first + size)
    got, node = ZONES.abstract(m).nodes[0], after.nodes[0]
    seen, z = got.zones[1], node.zones[1]
    low = first if first < start else start
    return every(
        equal((got.start, got.end), (node.start, node.end)),
        equal((seen.start, seen.spanned), (z.start, z.spanned)),
        equal(ZONES.abstract(m).memory, after.memory),
        z.managed == pages + size,
        either(pages == 0, z.start == low),
        either(pages == 0, z.end >= start + pages),
        z.end >= first + size,
        z.start <= first,
    )


def apart(top: Any, start: Any, pages: Any, first: Any, size: Any) -> Iterable[Any]:
    """Assume a part that is not there yet."""
    away = either(first + size <= start, start + pages <= first)
    return (size >= 1, away, either(pages != 0, start == 0))


def only_whole_sections_come(top: Any, start: Any, pages: Any) -> Any:
    """Other parts are refused by both sides."""
    m = ZONES.load(BASE, one_node(NONE, NONE))
    due = OnlinePages(Part(0, 1, start, pages)).choose(BASE, one_node(NONE)) is None
    whole = every(pages >= 1, start % BASE.section == 0, pages % BASE.section == 0)
    return every(due == bool(m.takes_pages(start, pages)), agree(due, whole))


def starts_count(self: Machine, start: Any, pages: Any) -> bool:
    """Look at the start of a part alone, on the machine."""
    return bool(pages > 0) and bool(start % self.section == 0)


def half_sections(self: OnlinePages, cfg: Config, s: System) -> Any:
    """Take half a section, too."""
    half = replace(cfg, section=cfg.section // 2)
    return right_choose(self, half, s)


def from_its_start(start: Any, end: Any, part: Part) -> tuple[Any, Any]:
    """Grow a range upwards only."""
    return start, max(end, part.end)


def resize_upwards(self: Machine, pgdat: Any, zone: Any, start: Any, end: Any) -> None:
    """Let a zone span what is behind it only, on the machine."""
    right_resize(self, pgdat, zone, max(start, zone.start), end)


right_choose, right_resize = OnlinePages.choose, Machine.resize

# ------------------------------------------------------------------ the lemmas


def away(top: int, values: Values) -> Values:
    """Bend words into a zone and a part behind it or before it."""
    start, pages, first, size = (word % 90 for word in values)
    if not pages:
        return 0, 0, first, size + 1
    return (
        (start, pages, start + pages + first, size + 1)
        if first % 2
        else (
            start + size + 1,
            pages,
            start,
            size + 1,
        )
    )


def bent_last(top: int, values: Values) -> Values:
    """Bend the last word into a bit."""
    return (*values[:-1], values[-1] % 2)


FILES = (
    Lemma(
        claim=boosts_come_and_go_alike,
        provers=(Symbolic(Whole), Sampled(small)),
        mistakes=(
            Mistake(Machine, "unboost", unboost_all),
            Mistake(Machine, "unboost", never_down),
            Mistake(machine, "may_boost", small_zones_too, bug="P70"),
        ),
    ),
    Lemma(
        claim=files_take_the_same_numbers,
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(Machine, "takes_fraction", fraction_of_seven),
            Mistake(Machine, "takes_scale", any_scale),
        ),
    ),
    Lemma(
        claim=ratios_are_written_alike,
        size="2 zones, 3 rows of ratios",
        provers=(Symbolic(Whole), Sampled(small)),
        mistakes=(
            Mistake(machine, "totalreserve", kept_twice),
            Mistake(marks, "kept", kept_of_all),
        ),
    ),
    Lemma(
        claim=min_free_kbytes_is_picked_alike,
        given=one_bit,
        provers=(Symbolic(Whole), Sampled(bent_last)),
        mistakes=(
            Mistake(marks, "picked_kbytes", users_always),
            Mistake(machine, "picked_kbytes", at_the_users),
        ),
    ),
    Lemma(
        claim=a_zone_grows_over_a_part_alike,
        given=apart,
        provers=(Symbolic(Whole), Sampled(away)),
        mistakes=(
            Mistake(hotplug, "stretched", from_its_start),
            Mistake(Machine, "resize", resize_upwards),
        ),
    ),
    Lemma(
        claim=only_whole_sections_come,
        size="sections of 32768 pages",
        provers=(Symbolic(Whole), Sampled(small)),
        mistakes=(
            Mistake(OnlinePages, "choose", half_sections),
            Mistake(Machine, "takes_pages", starts_count),
        ),
    ),
)
