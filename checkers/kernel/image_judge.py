"""Judging one memory image: the specification's invariants, and what images add.

Source: include/linux/mmzone.h, include/linux/page-flags.h (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter

from mmoracle.spec.buddy.zones import Config, Memory, cached
from mmoracle.spec.core import Invariant, sentence

from ..bind.buddy import BUDDY
from ..verdict import Failure, Run, Verdict
from .image import Image, read_image
from .image_rules import RULES
from .image_sections import counts

SHOWN = 5  # complaints of one rule that are told
FIRST = "BUD-ZONE"
TOLD = 8  # complaints of all rules that a reader is told


def judge_image(path: Path) -> Run:
    """Check every invariant on one image."""
    began = perf_counter()
    image = read_image(path)
    found = dict(complaints(image))
    checked = len(invariants()) + len(RULES)
    failure = None
    if found:
        rule, (_, whys) = next(iter(found.items()))
        failure = Failure(rule, f"{path}: {whys[0]}", ())
    return Run(
        subsystem=BUDDY.name,
        engine="state",
        config="linux",
        fidelity="exact",
        verdict=Verdict.VIOLATED if found else Verdict.BOUNDED,
        scope=str(path),
        steps=checked,
        seconds=perf_counter() - began,
        failure=failure,
        extra={
            "kernel": image.kernel,
            "entry": image.entry,
            "checked": checked,
            "holds": holds(image),
            **counts(image.map),
            "violated": [
                {"rule": rule, "sentence": claim, "complaints": list(whys)}
                for rule, (claim, whys) in found.items()
            ],
            "first_bad": {"rule": failure.rule, "why": failure.why}
            if failure
            else None,
            "notes": [
                f"{rule}: {why}" for rule, (_, whys) in found.items() for why in whys
            ][1:TOLD],
            "sentence": found[failure.rule][0] if failure else None,
            "told": [
                ("kernel", f"{image.kernel}, before trace entry {image.entry:,}"),
                ("checked", f"{checked} invariants, {len(found)} broken"),
                *((f"zone {each['name']}", told(each)) for each in holds(image)),
                ("memory map", told_map(image)),
            ],
        },
    )


def complaints(image: Image) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """Yield (rule, (sentence, complaints)) for every rule that is broken.

    Frames outside their zone have no page block, so that little else can be asked.
    """
    for invariant in invariants():
        whys = list(islice(invariant.check(image.cfg, image.state), SHOWN))
        if whys:
            yield invariant.id, (sentence(invariant.check), whys)
            if invariant.id == FIRST:
                return
    for rule in RULES:
        whys = list(islice(rule.check(image), SHOWN))
        if whys:
            yield rule.id, (rule.sentence, whys)


def invariants() -> list[Invariant[Config, Memory]]:
    """Return the specification's invariants that an image can be asked, in order.

    What watermarks may be is asked of each zone by itself, by a rule of that name.
    """
    own = {rule.id for rule in RULES}
    known = [each for each in BUDDY.invariants if each.id not in own]
    return sorted(known, key=lambda each: each.id != FIRST)


def holds(image: Image) -> list[dict[str, object]]:
    """Return what each zone holds, as plain data."""
    return [
        {
            "name": place.name,
            "node": place.node,
            "managed": zone.managed,
            "free": zone.nr_free_pages,
            "blocks": sum(zone.nr_free),
            "waiting": len(cached(zone)),
            "held": zone.managed - zone.nr_free_pages - len(cached(zone)),
            "nr_free": list(zone.nr_free),
        }
        for place, zone in zip(image.places, image.state.zones, strict=True)
    ]


def told(zone: dict[str, object]) -> str:
    """Return what a zone holds, for a reader."""
    return (
        f"{zone['managed']:,} frames: {zone['held']:,} held, {zone['free']:,} free in "
        f"{zone['blocks']:,} blocks, {zone['waiting']:,} in pagesets"
    )


def told_map(image: Image) -> str:
    """Return what the memory map is, for a reader."""
    found = counts(image.map)
    return f"{found['sections']:,} sections, {found['valid pfns']:,} valid pfns"
