"""Operator mutants of the page allocator that change nothing, and why."""

NONE = "Any negative number says that there is none."
TOO_LARGE = "No list of such an order is looked at, so that none is found."
LARGEST = "No block is larger than the largest order."
SMALLER = "Smaller blocks of a range merge to the same ones."
SAME = "Nothing is done for an empty range, or for halves that are alike."
ROUNDED = "The batch is rounded to the same power of two."
NUMBERS = "The number of CMA is 4, or -1 where there is none."
ONE_ZONE = "A zone that has halves is the only one."
BLOCK = "Nothing is wrong exactly if there is a block."
TURN = "A turn that gives nothing comes first, and the next list is the same."
UNKNOWN = "It is a flag that nothing asks for."
LEAST = "Orders below the smallest one are the smallest."
KIND = "Any number but 0 tells an owner from a free block."
EITHER = "Any order of two halves will do if it is always the same."
NOBODY = "Nobody asks about the frame behind the last."
ALONE = "One block covers a frame, if any does."
ALIKE = "All zones have the same orders."
NOT_ZERO = "The code of an owner has a reference in it, so that it is never 0."
FOUND = "The list that was found first ends the search."
ITSELF = "The block is all that moves of its page block."
AMONG = "Its own zone is found among all of them as well."
BEFORE = "A zone that begins there has no block before it, and ends before the page."
AGAIN = "A block that begins there is looked at again, and is no more movable."
BEHIND = "A block that begins behind the range has no frame in it."
UNASKED = "Nobody asks where the last piece ends."
WORDING = "It is only told in the words of a refusal."

ALLOCATOR, HELD = "impl.buddy.allocator.Blocks.", "impl.buddy.held.Frames."
ZONE, MIGRATE = "impl.buddy.zone.Zone.", "impl.buddy.migrate.Mobility."
PCP, PEEK = "impl.buddy.pcp.", "impl.buddy.peek."
SPEC = "spec.buddy."
BOTH = "no is not None or block is None -> no is not None and block is None"

EQUIVALENT = {
    ALLOCATOR + "alloc_pages: 1 -> 2": NONE,
    ALLOCATOR + "rmqueue: 1 -> 2": NONE,
    ALLOCATOR + "rmqueue_zone: 1 -> 2": NONE,
    ALLOCATOR + "cover: 1 -> 2 (#3)": NONE,
    ALLOCATOR + "why_not_get: 1 -> 2": NONE,
    ALLOCATOR + "why_not_split: 1 -> 2": NONE,
    ALLOCATOR + "set_private: 1 -> 2": NONE,
    HELD + "zone_of: 1 -> 2": NONE,
    HELD + "zone_of: 1 -> 2 (#2)": NONE,
    HELD + "holder_of: 1 -> 2 (#4)": NONE,
    HELD + "holder_of: 1 -> 2 (#5)": NONE,
    HELD + "mistake: 1 -> 2": NONE,
    MIGRATE + "rmqueue: 1 -> 2": NONE,
    PCP + "rmqueue_pcplist: 1 -> 2": NONE,
    PEEK + "peek: 1 -> 2": NONE,
    PEEK + "first: 1 -> 2 (#2)": NONE,
    PEEK + "peek_zone: 1 -> 2": NONE,
    ZONE + "rmqueue_smallest: 1 -> 2 (#3)": NONE,
    ZONE + "absorb: 1 -> 2": NONE,
    ZONE + "absorb: 1 -> 2 (#2)": NONE,
    ZONE + "is_buddy: 1 -> 2": NONE,
    ZONE + "is_buddy: 1 -> 2 (#2)": NONE,
    "impl.buddy.manage.PageAllocator.unisolate: 1 -> 2": NONE,
    ALLOCATOR + "alloc_pages: order >= self.orders -> order > self.orders": TOO_LARGE,
    PEEK + "peek: order >= m.orders -> order > m.orders": TOO_LARGE,
    ALLOCATOR + "alloc_exact: 0 -> 1": UNKNOWN,
    ALLOCATOR + "free_core: 1 -> 2": SMALLER,
    ALLOCATOR + "free_core: 1 << order -> 1 >> order": SMALLER,
    ALLOCATOR + "free_core: 1 -> 2 (#5)": SMALLER,
    SPEC + "free.blocks_of: 1 -> 2 (#3)": SMALLER,
    HELD + "fill: start < end -> start <= end": SAME,
    ZONE + "rmqueue_smallest: high > order -> high >= order": SAME,
    SPEC + "halves.sorted_tree: one <= other -> one < other": SAME,
    SPEC + "halves.sorted_tree: one <= other -> one >= other": EITHER,
    HELD
    + "is_known: self.base <= pfn < self.top"
    + " -> self.base <= pfn <= self.top": NOBODY,
    PCP + "zone_batchsize: 256 -> 257": ROUNDED,
    PCP + "zone_batchsize: 256 -> 255": ROUNDED,
    SPEC + "pcp.zone_batchsize: 4096 -> 4097": ROUNDED,
    PCP + "round_robin: 0 -> -1": TURN,
    ALLOCATOR
    + "uses_pageset: self.zones[at].cma >= 0 -> self.zones[at].cma > 0": NUMBERS,
    ALLOCATOR + "uses_pageset: 0 -> 1": NUMBERS,
    "impl.buddy.manage.PageAllocator.take_page_off: 0 -> -1 (#2)": ALONE,
    SPEC + "manage.GetPage.run: " + BOTH: BLOCK,
    SPEC + "manage.SplitPage.run: " + BOTH: BLOCK,
    SPEC + "manage.SetPrivate.run: " + BOTH: BLOCK,
    SPEC + "free.FreePrepare.run: 0 -> -1": LEAST,
    SPEC + "halves.half: 0 -> -1": ONE_ZONE,
    SPEC + "halves.join: 0 -> -1": ONE_ZONE,
    SPEC + "halves.join: 0 -> -1 (#2)": ONE_ZONE,
    SPEC + "halves.least: 0 -> -1": ONE_ZONE,
    SPEC + "halves.least: 0 -> -1 (#2)": ONE_ZONE,
    SPEC + "halves.least: 0 -> -1 (#6)": ONE_ZONE,
    SPEC + "halves.part: 0 -> -1": ONE_ZONE,
    SPEC + "halves.part: 0 -> -1 (#3)": ONE_ZONE,
    SPEC + "halves.split: 0 -> -1": ONE_ZONE,
    SPEC + "halves.split: 0 -> -1 (#2)": ONE_ZONE,
    SPEC + "halves.least: 1 -> 2": KIND,
    HELD + "holder_of: 0 -> -1": ALIKE,
    HELD + "holder_of: 1 -> 2": LARGEST,
    HELD + "holder_of: code >= 0 -> code > 0": NOT_ZERO,
    HELD + "holder_of: 0 -> 1 (#2)": NOT_ZERO,
    HELD + "mistake: code >= 0 -> code > 0": NOT_ZERO,
    HELD + "mistake: 0 -> 1": NOT_ZERO,
    HELD + "movable_in: pfn < end -> pfn <= end": BEHIND,
    "impl.buddy.manage.PageAllocator.has_unmovable_pages: "
    "0 <= head < pfn -> 0 <= head <= pfn": AGAIN,
    MIGRATE + "fallback_block: 1 -> 2 (#3)": FOUND,
    PEEK + "peek_zone: high >= zone.pageblock_order"
    " -> high > zone.pageblock_order": ITSELF,
    ZONE + "merge_likely: whole >= self.start -> whole > self.start": AMONG,
    ZONE + "merge_likely: z.start <= whole < z.end -> z.start < whole < z.end": BEFORE,
    SPEC + "free.frames_reserved: 1 -> 2 (#2)": UNASKED,
    SPEC + "free.frames_reserved: 1 -> 0 (#2)": UNASKED,
    SPEC + "others.judge_block: size - free -> size + free": WORDING,
    SPEC + "zones.Config.cma: 1 -> 2 (#2)": NONE,
    SPEC + "zones.Config.isolate: 1 -> 2 (#2)": NONE,
}
