"""Operator mutants of the walk over zones that change nothing, and why."""

PAIR = "Order and type are both -1 where there is no block."
NONE = "Where ZONE_DMA32 is, ZONE_NORMAL is not the lowest zone."
LOOK = "What the first look does not let go the full test does, with the same numbers."
CMA = "MIGRATE_CMA is 4, or -1 where there is none."
LENGTH = "A number and its negative are equally long."
TASK = "-1 has become the task's node by then."
WORDS = "It changes the words of a complaint only."
SIGN = "Only the sign says that both bits were set."
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
    "impl.watermark.zone_watermark_fast: 0 -> 1 (#3)": CMA,
    "impl.watermark.zone_watermark_fast: cma >= 0 -> cma > 0": CMA,
    "impl.watermark.zone_watermark_fast: min -> max": LOOK,
    "impl.watermark.zone_watermark_ok: cma >= 0 -> cma > 0": CMA,
    "impl.watermark.zone_watermark_ok: 0 -> 1": CMA,
    "impl.watermark.zone_watermark_ok: cma >= 0 -> cma > 0 (#2)": CMA,
    "impl.watermark.zone_watermark_ok: 0 -> 1 (#3)": CMA,
    "spec.watermark.has_block: cma >= 0 -> cma > 0": CMA,
    "spec.watermark.has_block: 0 -> 1": CMA,
    "spec.watermark.plenty: cma >= 0 -> cma > 0": CMA,
    "spec.watermark.plenty: 0 -> 1 (#2)": CMA,
    "spec.watermark.watermark_ok: cma >= 0 -> cma > 0": CMA,
    "spec.watermark.watermark_ok: 0 -> 1": CMA,
}
