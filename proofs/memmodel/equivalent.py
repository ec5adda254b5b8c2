"""Operator mutants of the memory models that change nothing, and why."""

from __future__ import annotations

BOOT = "impl.memmodel.boot."
MODEL = "impl.memmodel.model.MemoryModel."
RUNS = "impl.memmodel.descriptors.Descriptors."
LAST = "No section behind the last frame of memory is present."
IN_ORDER = "Banks are in order, so that the first one of a node has its first frame."
SET_UP = "Only descriptors that are set up are asked, and these are found."

EQUIVALENT: dict[str, str] = {
    f"{BOOT}free_area_init: 0 -> -1 (#2)": "Frame -1 is in no section.",
    f"{BOOT}free_area_init: 0 -> -1 (#3)": "No zone is below 0.",
    f"{BOOT}free_area_init: 1 -> 2 (#2)": LAST,
    f"{BOOT}free_area_init: -hole // per -> -hole * per": LAST,
    f"{BOOT}free_unused_memmap: prev_end < start -> prev_end <= start": (
        "Of no frames no whole page goes back."
    ),
    f"{BOOT}init_unavailable_range: per - start % per -> per + start % per": (
        "A hole begins in a section with memory, or at a section's border."
    ),
    f"{BOOT}node_spans: 0 -> 1": IN_ORDER,
    f"{BOOT}node_spans: 0 -> -1": IN_ORDER,
    f"{BOOT}node_spans: 1 -> 0 (#2)": IN_ORDER,
    f"{BOOT}present_run: 1 -> 2": "Without a run its node is not read.",
    f"{BOOT}present_run: 1 -> 0": "Without a run its node is not read.",
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
    f"{MODEL}links: 0 -> 1": "The lowest bit is a page flag, and no link.",
    f"{MODEL}links: 0 -> -1": SET_UP,
    f"{MODEL}page_to_nid: 0 -> 1": SET_UP,
    f"{MODEL}page_to_nid: 0 -> -1": SET_UP,
    f"{MODEL}page_to_pfn: 0 -> 1": SET_UP,
    f"{MODEL}page_to_pfn: 0 -> -1": SET_UP,
    f"{MODEL}page_to_pfn: 0 -> 1 (#2)": SET_UP,
    f"{MODEL}page_to_pfn: 0 -> -1 (#2)": SET_UP,
    f"{MODEL}section_mark_present: nr > self.highest -> nr >= self.highest": (
        "It is the same number."
    ),
}
