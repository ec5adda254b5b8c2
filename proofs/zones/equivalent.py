"""Operator mutants of nodes and zones that change nothing, and why."""

BEHIND = "Descriptors never begin to wait at frame 0: a section comes first."
OFFLINE = "Nothing asks for the frames of a node that is not online."
NOTHING = "A node without memory has no frame that could wait."
LISTS = "Every node's list has all zones with pages."
EARLIER = "Equal starts were answered before."
ITSELF = "The first block begins below its own end."
SAME = "Where both are the same it does not matter which is taken."
FIRST = "The first node is taken whatever stood there."
APART = "New memory does not overlap what is there."
SECTION = "A section has more than one page."
ROOT = "The root of 1 is found bit by bit as well."
EVEN = "One bit more at the top is never taken."
LOWEST = "Below the lowest zone there is none that would keep anything."
FACTOR = "By a factor of 0 there is no boost anyway."
BLOCK = "A boost is a page block at least, which has more than a page."
KEPT = "A zone keeps 0 from its own requests, and never less."
SMALL = "Batches of 0 and 1 round to the same power of two."
AGAIN = "A part of more than all is reckoned again for the first node."
SIGN = "Only the sign says that there is none."
EMPTY = "An empty range has no frame at which descriptors could wait."
COUNTED = "An empty range has no frame to count."
FRACTION = "-1 is refused anyway: it is less than the least fraction."
ABOVE = "A zone that spans a frame ends above 0."

EQUIVALENT = {
    "impl.zones.boot.Boot.__init__: 1 -> 2": SIGN,
    "impl.zones.boot.Boot.defer_init: 0 -> 1": BEHIND,
    "impl.zones.boot.Boot.defer_init: first >= 0 -> first > 0": BEHIND,
    "impl.zones.boot.Boot.free_area_init: 1 -> 2 (#5)": OFFLINE,
    "impl.zones.boot.Boot.free_area_init_node: 0 -> -1": NOTHING,
    "impl.zones.boot.Boot.nr_free_zone_pages: 0 -> -1 (#2)": LISTS,
    "impl.zones.fill.cmp_memblk: a[0] < b[0] -> a[0] <= b[0]": EARLIER,
    "impl.zones.fill.numa_fill_memblks: 1 -> 0 (#7)": ITSELF,
    "impl.zones.fill.numa_fill_memblks:"
    " covered < block[0] -> covered <= block[0]": SAME,
    "impl.zones.lists.Orders.find_next_best_node: 0 -> -1": FIRST,
    "impl.zones.lists.Orders.find_next_best_node: 1 -> 2": FIRST,
    "impl.zones.machine.System.lowmem_reserve_ratio_sysctl: 1 -> 0": SAME,
    "impl.zones.machine.System.memory_add: 1 -> 2 (#2)": APART,
    "impl.zones.machine.System.resize:"
    " start < pgdat.start -> start <= pgdat.start": SAME,
    "impl.zones.machine.System.resize: start < zone.start -> start <= zone.start": SAME,
    "impl.zones.machine.System.set_recommended_min_free_kbytes:"
    " wanted > self.min_free_kbytes -> wanted >= self.min_free_kbytes": SAME,
    "impl.zones.machine.System.takes_pages: 0 -> 1": SECTION,
    "impl.zones.marks.int_sqrt: 1 -> 0": ROOT,
    "impl.zones.marks.int_sqrt: 1 -> 0 (#3)": EVEN,
    "impl.zones.marks.int_sqrt: x <= 1 -> x < 1": ROOT,
    "impl.zones.marks.int_sqrt: x.bit_length() - 1 -> x.bit_length() + 1": EVEN,
    "impl.zones.marks.lowmem_reserve: 1 -> 0": LOWEST,
    "impl.zones.marks.mark_gap: gap > part >> 2 -> gap >= part >> 2": SAME,
    "impl.zones.marks.may_boost: 0 -> -1": FACTOR,
    "impl.zones.marks.may_boost: 0 -> 1 (#2)": BLOCK,
    "impl.zones.marks.may_boost: factor > 0 -> factor >= 0": FACTOR,
    "impl.zones.marks.totalreserve: 0 -> -1 (#2)": KEPT,
    "impl.zones.marks.totalreserve: kept < zone.managed -> kept <= zone.managed": SAME,
    "impl.zones.marks.zone_batchsize: 1 -> 0 (#3)": SMALL,
    "impl.zones.marks.zone_batchsize: 2 -> 1": SMALL,
    "impl.zones.marks.zone_batchsize:"
    " batch << page_shift > 1 << 20 -> batch << page_shift >= 1 << 20": SAME,
    "impl.zones.movable.spread: required // share -> required * share": AGAIN,
    "impl.zones.movable.walk_node: start < usable -> start <= usable": SAME,
    "impl.zones.nodes.Frames.absent: end <= start -> end < start": SAME,
    "impl.zones.nodes.Frames.first_deferred: low >= high -> low > high": EMPTY,
    "impl.zones.nodes.Pgdat.last: 1 -> 0 (#2)": ABOVE,
    "impl.zones.nodes.Pgdat.last: 1 -> 2 (#2)": ABOVE,
    "spec.zones.fill.compare: a > b -> a >= b": EARLIER,
    "spec.zones.fill.fill_range: 1 -> 0 (#2)": ITSELF,
    "spec.zones.fill.fill_range:"
    " covered < grown[i].start -> covered <= grown[i].start": SAME,
    "spec.zones.marks.beyond_high: managed > high -> managed >= high": SAME,
    "spec.zones.marks.kept: 0 -> -1": KEPT,
    "spec.zones.marks.may_boost: 0 -> -1": FACTOR,
    "spec.zones.marks.may_boost: 0 -> 1 (#2)": BLOCK,
    "spec.zones.movable.movable_starts: r.start < r.end -> r.start <= r.end": COUNTED,
    "spec.zones.movable.one_pass: required // nodes -> required * nodes": AGAIN,
    "spec.zones.movable.take_range: start < usable -> start <= usable": SAME,
    "spec.zones.nodes.FreeAreaInit.made: 1 -> 2": OFFLINE,
    "spec.zones.nodes.make_node: 0 -> -1": NOTHING,
    "spec.zones.nodes.make_node: 0 -> 1 (#2)": BEHIND,
    "spec.zones.nodes.make_node: first < 0 -> first <= 0": BEHIND,
    "spec.zones.spans.first_deferred: start >= end -> start > end": EMPTY,
    "spec.zones.spans.give_to_movable:"
    " start < movable_pfn < end -> start < movable_pfn <= end": SAME,
    "spec.zones.tune.WriteFraction.valid: 0 -> -1": FRACTION,
}
