"""Operator mutants of the memory models that change nothing, and why."""

from __future__ import annotations

SPEC = "spec.memmodel."
PLUG = "impl.memmodel.hotplug."
BOOT = "impl.memmodel.boot."
MODEL = "impl.memmodel.model.MemoryModel."
RUNS = "impl.memmodel.descriptors.Descriptors."
LAST = "No section behind the last frame of memory is present."
IN_ORDER = "Banks are in order, so that the first one of a node has its first frame."
JOINED = "Banks are joined already, and taking no frames out of them changes none."
PRESENT = "A section with a map is marked present already."
NO_LINK = "The lowest bit is a page flag, and no link."
NO_RUN = "Without a run its node is not read."
NO_PAGE = "Of no frames no whole page goes back."

EQUIVALENT: dict[str, str] = {
    f"{BOOT}free_area_init: 0 -> -1 (#2)": "Frame -1 is in no section.",
    f"{BOOT}free_area_init: 0 -> -1 (#3)": "No zone is below 0.",
    f"{BOOT}free_area_init: 1 -> 2 (#2)": LAST,
    f"{BOOT}free_area_init: -hole // per -> -hole * per": LAST,
    f"{BOOT}free_unused_memmap: prev_end < start -> prev_end <= start": NO_PAGE,
    f"{BOOT}init_unavailable_range: per - start % per -> per + start % per": (
        "A hole begins in a section with memory, or at a section's border."
    ),
    f"{BOOT}node_spans: 0 -> 1": IN_ORDER,
    f"{BOOT}node_spans: 0 -> -1": IN_ORDER,
    f"{BOOT}node_spans: 1 -> 0 (#2)": IN_ORDER,
    f"{BOOT}present_run: 1 -> 2": NO_RUN,
    f"{BOOT}present_run: 1 -> 0": NO_RUN,
    f"{BOOT}present_run: "
    "word & SECTION_MARKED_PRESENT -> word | SECTION_MARKED_PRESENT": (
        "Every section that boot knows is present."
    ),
    f"{BOOT}zone_parts: 1 -> 2": "Behind the last zone nothing is left of a range.",
    f"{RUNS}__init__: 0 -> 1": "What is before the first border is absent as well.",
    f"{RUNS}__init__: 0 -> -1": "No address is below 0.",
    f"{RUNS}fill: 1 -> 0 (#3)": "There both states are the same.",
    f"{RUNS}runs: 1 -> 2 (#2)": "Nothing is behind the last border.",
    f"{RUNS}runs: 1 -> 0 (#2)": "Nothing is behind the last border.",
    f"{MODEL}block_has_memory: 0 -> 1": (
        "No bank has the frame, so that as many end before it as begin."
    ),
    f"{MODEL}links: 0 -> 1": NO_LINK,
    f"{MODEL}section_mark_present: nr > self.highest -> nr >= self.highest": (
        "It is the same number."
    ),
    f"{PLUG}online_section: low < high -> low <= high": JOINED,
    f"{PLUG}sparse_add_section: 0 -> 1 (#2)": PRESENT,
    f"{SPEC}boot.FreeAreaInit.after: 0 -> -1": "Frame -1 is in no section.",
    f"{SPEC}boot.with_hole: low < high -> low <= high": (
        "Of no frames no links are written."
    ),
    f"{SPEC}change.places: low <= each[0] < high -> low <= each[0] <= high": (
        "What begins where the arena ends leaves the same room before it."
    ),
    f"{SPEC}hotplug.with_map_again: 0 -> 1": PRESENT,
    f"{SPEC}layout.layout_of: sections + nodes + zones + cpupid "
    "-> sections + nodes + zones - cpupid": (
        "The last cpu is there only if all fits anyway."
    ),
    f"{SPEC}lookup.PageLinks.choose: 0 -> 1": NO_LINK,
    f"{SPEC}lookup.page_to_pfn: 0 -> 1": NO_LINK,
    f"{SPEC}online.OfflineSection.after: 0 -> 1": PRESENT,
    f"{SPEC}online.OnlineSection.after: low < high -> low <= high": JOINED,
    f"{SPEC}online.has_no_hole: "
    "bank.start <= at < bank.end -> bank.start <= at <= bank.end": (
        "A first frame that is not valid is a hole, whichever bank it is behind."
    ),
    f"{SPEC}sparse.next_run: 0 -> 1": NO_RUN,
    f"{SPEC}sparse.next_run: 0 -> -1": NO_RUN,
    f"{SPEC}unused.unused_ranges: before < start -> before <= start": NO_PAGE,
}
