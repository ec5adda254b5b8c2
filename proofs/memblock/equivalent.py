"""Operator mutants in memblock that no theorem can refute, and why."""

NOTHING = "A region that ends where the rest begins leaves the rest as it is."
FORGETS = "A search that remembers less passes the same gaps again, and finds the same."
FIRST_PAGE = "No search looks below the first page."
REFUSED = "A gap that is too narrow is offered, and the fit refuses it."
ROOM = "An array that is only searched is copied, with far more slots than it needs."
EITHER = "Only whether two counts of edits differ is asked, before the first search."

WIDER = "A wider window holds more regions that are merged already, and stay so."

ANYWHERE = "As an upper bound 0 and 1 both mean anywhere."
NO_ARRAY = "No array lives in the first page."
NO_RANGE = "Where a range holds no region nothing is put, or what was there."
FIRST_ROW = "There is one row, or the first of them is wanted."
COUNTED = "Only whether the count has changed is asked."
TRIED = "Trying to record a block says the same as that a slot is free."
NO_SLOTS = "No array has fewer slots than none."
BARE = "An empty array takes rows at any place."
UNCOVERED = "No region lies inside a part that none covers."
AT_FIRST = "Before the first region there is nothing that it could join."
NO_SIGN = "The length of a number does not count its sign."
WORDING = "Only the words of a refusal change."
BELOW_0 = "No gap is narrower than nothing, and no region begins below 0 or ends there."

ANSWERS, MEMBLOCK = "impl.memblock.answers.Answers.", "impl.memblock.memblock.Memblock."
RANGES, SEARCH = "impl.memblock.ranges.Ranges.", "impl.memblock.search.Search."
SPEC = "spec.memblock."
FIND = f"{SEARCH}memblock_find_in_range_node: "
PASSED = "len(reserved.passed) > 64"
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
    f"{ANSWERS}can_record: self.reserved.cnt < self.reserved.max"
    " -> self.reserved.cnt > self.reserved.max": TRIED,
    f"{ANSWERS}why_not_array: 0 -> 1 (#2)": FIRST_PAGE,
    f"{ANSWERS}why_not_array: 0 -> -1 (#2)": FIRST_PAGE,
    f"{ANSWERS}why_not_array: 0 -> 1 (#3)": ANYWHERE,
    f"{MEMBLOCK}change: 0 -> 1 (#2)": NO_RANGE,
    f"{MEMBLOCK}change: 0 -> -1 (#2)": NO_RANGE,
    f"{MEMBLOCK}change: 0 -> 1 (#3)": NO_RANGE,
    f"{MEMBLOCK}change: 0 -> -1 (#3)": WIDER,
    f"{MEMBLOCK}memblock_alloc_internal: 0 -> 1": FIRST_PAGE,
    f"{MEMBLOCK}memblock_alloc_internal: 0 -> -1": FIRST_PAGE,
    f"{MEMBLOCK}memblock_cap_memory_range: 0 -> 1": NO_ARRAY,
    f"{MEMBLOCK}memblock_cap_memory_range: 0 -> -1": NO_ARRAY,
    f"{MEMBLOCK}memmap_init_reserved_pages: 0 -> -1": NO_SLOTS,
    f"{RANGES}place_array: 0 -> 1 (#2)": FIRST_PAGE,
    f"{RANGES}place_array: 0 -> -1 (#2)": FIRST_PAGE,
    f"{RANGES}shielding: 0 -> 1": BARE,
    f"{RANGES}shielding: 0 -> -1": BARE,
    f"{RANGES}shielding: 0 -> 1 (#2)": BARE,
    f"{RANGES}shielding: 0 -> -1 (#2)": BARE,
    f"{RANGES}take_dummy: 0 -> 1 (#2)": BARE,
    f"{RANGES}take_dummy: 0 -> -1 (#2)": BARE,
    f"{ROWS}insert_parts: 0 -> 1 (#3)": UNCOVERED,
    f"{ROWS}insert_parts: 0 -> -1 (#3)": UNCOVERED,
    f"{ROWS}insert_parts: 1 -> 0 (#3)": UNCOVERED,
    f"{ROWS}merge_regions: max -> min": AT_FIRST,
    f"{ROWS}merge_regions: 0 -> -1": AT_FIRST,
    f"{ROWS}splice: self.edits += 1 -> self.edits -= 1": COUNTED,
    f"{ROWS}splice: 1 -> 2": COUNTED,
    f"{ROWS}split: 1 -> 2": FIRST_ROW,
    f"{ROWS}split: 0 -> -1": FIRST_ROW,
    f"{SEARCH}candidates: 0 -> -1": BELOW_0,
    f"{SEARCH}for_each_free_mem_range: 0 -> -1": BELOW_0,
    f"{SEARCH}fits: 0 -> -1": FIRST_PAGE,
    f"{FIND}3 -> 4": FORGETS,
    f"{FIND}4 -> 5": FORGETS,
    f"{FIND}4 -> 3": FORGETS,
    f"{SEARCH}resume: {PASSED} -> len(reserved.passed) >= 64": FORGETS,
    f"{SEARCH}resume: {PASSED} -> len(reserved.passed) < 64": FORGETS,
    f"{SEARCH}resume: 64 -> 65": FORGETS,
    f"{SEARCH}resume: 64 -> 63": FORGETS,
    f"{SEARCH}resume: max -> min": FORGETS,
    f"{SPEC}change.shown: answer is None -> answer is not None": WORDING,
    f"{SPEC}handover.InitReservedPages.run: 0 -> -1": NO_SLOTS,
    f"{SPEC}handover.blocks: start_pfn & -start_pfn -> start_pfn | -start_pfn": NO_SIGN,
    f"{SPEC}search.Told.array: 0 -> 1 (#3)": FIRST_PAGE,
    f"{SPEC}search.Told.array: 0 -> -1 (#3)": FIRST_PAGE,
    f"{SPEC}search.Told.array: 0 -> 1 (#4)": ANYWHERE,
    f"{SPEC}search.Told.finish: 1 -> 2": WORDING,
    f"{SPEC}search.Told.finish: 1 -> 0": WORDING,
    f"{SPEC}search.alloc_internal: 0 -> 1": FIRST_PAGE,
    f"{SPEC}search.alloc_internal: 0 -> -1": FIRST_PAGE,
    f"{SPEC}search.array_windows: 0 -> 1 (#2)": FIRST_PAGE,
    f"{SPEC}search.array_windows: 0 -> -1 (#2)": FIRST_PAGE,
    f"{SPEC}search.fits: 0 -> -1": FIRST_PAGE,
    f"{SPEC}search.gaps: 0 -> -1": BELOW_0,
    f"{SPEC}search.highest_fit: end >= request.size -> end > request.size": FIRST_PAGE,
    f"{SPEC}whole.cap_range: 0 -> 1": NO_ARRAY,
    f"{SPEC}whole.cap_range: 0 -> -1": NO_ARRAY,
}
