"""Operator mutants of the walk over zones that change nothing, and why."""

PAIR = "Order and type are both -1 where there is no block."
NONE = "Where ZONE_DMA32 is, ZONE_NORMAL is not the lowest zone."
LOOK = "What the first look does not let go the full test does, with the same numbers."
CMA = "MIGRATE_CMA is 4, or -1 where there is none."
LENGTH = "A number and its negative are equally long."
TASK = "-1 has become the task's node by then."
WORDS = "It changes the words of a complaint only."
SIGN = "Only the sign says that both bits were set."
LOW = "ALLOC_WMARK_LOW is 1."
NO_ORDER = "Of no blocks nobody asks the order."
NO_BLOCK = "Any number below 0 says that there is no block."
NO_ROOM = "Where nothing may be there is no room, by however much it is missed."
ALONE = "In a list of one, the first place and the last are the same."
SAME = "Both orders are the same then."
NODE = "No node has a number below 0."

EQUIVALENT = {
    "impl.freelist.alloc.FreeLists.has_page: 0 -> -1": PAIR,
    "impl.freelist.alloc.FreeLists.has_page: 0 -> 1": PAIR,
    "impl.freelist.alloc.FreeLists.nofragment: 1 -> 0": NONE,
    "impl.freelist.alloc.FreeLists.nofragment: 1 -> 2": NONE,
    "impl.freelist.alloc.FreeLists.prepare_alloc_pages: 0 -> 1 (#2)": CMA,
    "impl.freelist.alloc.FreeLists.prepare_alloc_pages:"
    " self.cma >= 0 -> self.cma > 0": CMA,
    "impl.freelist.alloc.FreeLists.settle_current:"
    " nodes & -nodes -> nodes | -nodes": LENGTH,
    "impl.freelist.alloc.FreeLists.settle_node: 0 -> -1": TASK,
    "impl.freelist.answers.why_not: 0 -> -1 (#2)": WORDS,
    "impl.freelist.answers.why_not: 0 -> 1 (#2)": WORDS,
    "impl.freelist.request.gfp_migratetype: 1 -> 2": SIGN,
    "impl.freelist.request.next_node_in: mask & -mask -> mask | -mask": LENGTH,
    "impl.freelist.request.offset_il_node: mask & -mask -> mask | -mask": LENGTH,
    "impl.freelist.walk.Walker.get_page_from_freelist: 1 -> 2": NODE,
    "impl.freelist.walk.Walker.node_reclaim: 0 -> -1": NO_ORDER,
    "impl.freelist.walk.Walker.node_reclaim: 0 -> -1 (#3)": NO_ROOM,
    "impl.freelist.walk.Walker.node_reclaim: 0 -> 1": NO_ORDER,
    "impl.freelist.walk.Walker.take: 1 -> 2 (#2)": NO_BLOCK,
    "impl.freelist.walk.Walker.uses_pageset: 0 -> 1": CMA,
    "impl.freelist.walk.Walker.uses_pageset: self.cma < 0 -> self.cma <= 0": CMA,
    "impl.freelist.zone.Zone.__init__: 0 -> 1 (#2)": CMA,
    "impl.freelist.zone.Zone.__init__: cma >= 0 -> cma > 0": CMA,
    "impl.freelist.zone.Zone.find_block: 0 -> -1": ALONE,
    "impl.freelist.zone.Zone.find_block: 0 -> 1 (#2)": CMA,
    "impl.freelist.zone.Zone.find_block:"
    " least < pageblock_order -> least <= pageblock_order": SAME,
    "impl.freelist.zone.Zone.find_block: self.cma >= 0 -> self.cma > 0": CMA,
    "impl.watermark.zone_watermark_fast: 0 -> 1 (#3)": CMA,
    "impl.watermark.zone_watermark_fast: cma >= 0 -> cma > 0": CMA,
    "impl.watermark.zone_watermark_fast: min -> max": LOOK,
    "impl.watermark.zone_watermark_ok: 0 -> 1": CMA,
    "impl.watermark.zone_watermark_ok: 0 -> 1 (#3)": CMA,
    "impl.watermark.zone_watermark_ok: cma >= 0 -> cma > 0": CMA,
    "impl.watermark.zone_watermark_ok: cma >= 0 -> cma > 0 (#2)": CMA,
    "spec.freelist.alloc.AllocOnNode.settled: 0 -> -1": TASK,
    "spec.freelist.request.fast_flags: 0 -> 1": LOW,
    "spec.freelist.walk.get_page_from_freelist: 1 -> 2": NODE,
    "spec.freelist.zones.room: 0 -> -1": NO_ROOM,
    "spec.watermark.has_block: 0 -> 1": CMA,
    "spec.watermark.has_block: cma >= 0 -> cma > 0": CMA,
    "spec.watermark.plenty: 0 -> 1 (#2)": CMA,
    "spec.watermark.plenty: cma >= 0 -> cma > 0": CMA,
    "spec.watermark.watermark_ok: 0 -> 1": CMA,
    "spec.watermark.watermark_ok: cma >= 0 -> cma > 0": CMA,
}
