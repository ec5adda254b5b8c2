"""Operator mutants in memblock that no theorem can refute, and why."""

NOTHING = "A region that ends where the rest begins leaves the rest as it is."
FORGETS = "A search that remembers less passes the same gaps again, and finds the same."
FIRST_PAGE = "No search looks below the first page."
REFUSED = "A gap that is too narrow is offered, and the fit refuses it."
ROOM = "An array that is only searched is copied, with far more slots than it needs."
EITHER = "Only whether two counts of edits differ is asked, before the first search."

WIDER = "A wider window holds more regions that are merged already, and stay so."

ROWS = "impl.memblock.regions.MemblockType."

EQUIVALENT = {
    "spec.memblock.arrays.passed: r.end <= base -> r.end < base": NOTHING,
    "impl.memblock.memblock.Memblock.change: 1 -> 2": WIDER,
    "impl.memblock.memblock.Memblock.change: 1 -> 2 (#2)": WIDER,
    "impl.memblock.memblock.Memblock.change: i < j -> i <= j": WIDER,
    f"{ROWS}insert_parts: 1 -> 2": WIDER,
    f"{ROWS}insert_parts: 1 -> 2 (#4)": WIDER,
    f"{ROWS}merge_regions: 1 -> 2": WIDER,
    f"{ROWS}merge_regions: 1 -> 2 (#2)": WIDER,
    f"{ROWS}gap: 0 -> 1": FIRST_PAGE,
    f"{ROWS}gap: 0 -> -1": FIRST_PAGE,
    f"{ROWS}gap: i < len(self.bases) -> i > len(self.bases)": FORGETS,
    f"{ROWS}reopen: end - start -> end + start": FORGETS,
    f"{ROWS}reopen: end - size -> end + size": FORGETS,
    f"{ROWS}reopen: 1 -> 0": FORGETS,
    f"{ROWS}wide_gaps: stop - start -> stop + start": REFUSED,
    f"{ROWS}wide_gaps: 0 -> -1": REFUSED,
    f"{ROWS}__init__: 0 -> 1 (#3)": EITHER,
    f"{ROWS}__init__: 0 -> -1 (#3)": EITHER,
    f"{ROWS}__init__: 0 -> 1 (#4)": EITHER,
    f"{ROWS}__init__: 0 -> -1 (#4)": EITHER,
    "impl.memblock.ranges.Ranges.shielding: 1 -> 2 (#2)": ROOM,
    "impl.memblock.ranges.Ranges.shielding: 64 -> 65": ROOM,
    "impl.memblock.ranges.Ranges.shielding: 64 -> 63": ROOM,
    "impl.memblock.ranges.Ranges.place_array: 0 -> 1 (#3)": FIRST_PAGE,
    "impl.memblock.ranges.Ranges.place_array: 0 -> -1 (#3)": FIRST_PAGE,
}
