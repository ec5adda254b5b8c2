"""Operator mutants of nodes and zones that change nothing, and why."""

NODELESS = "A node without memory has empty zones by the other way, too."
BEHIND = "Descriptors never begin to wait at frame 0: a section comes first."
OFFLINE = "Nothing asks for the frames of a node that is not online."
NOTHING = "A node without memory has no frame that could wait."
HIGH = "ZONE_HIGHMEM is never the lowest zone, and -1 where there is none."
LISTS = "Every node's list has all zones with pages."
EARLIER = "Equal starts were answered before."
ITSELF = "The first block begins below its own end."
SAME = "Where both are the same it does not matter which is taken."
FIRST = "The first node is taken whatever stood there; no cost is 0."
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
ABOVE = "A zone that spans a frame ends above 0."
TOUCHING = "A range that only touches the node has no frame of it."

EQUIVALENT = {
    "impl.zones.boot.Boot.calculate_pages: 0 -> -1": NODELESS,
    "impl.zones.boot.Boot.calculate_pages: 0 -> -1 (#2)": NODELESS,
    "impl.zones.boot.Boot.calculate_pages: 0 -> 1": NODELESS,
    "impl.zones.boot.Boot.calculate_pages: 0 -> 1 (#2)": NODELESS,
    "impl.zones.boot.Boot.defer_init: 0 -> 1": BEHIND,
    "impl.zones.boot.Boot.defer_init: first >= 0 -> first > 0": BEHIND,
    "impl.zones.boot.Boot.free_area_init: 1 -> 2 (#5)": OFFLINE,
    "impl.zones.boot.Boot.free_area_init_node: 0 -> -1": NOTHING,
    "impl.zones.boot.Boot.is_highmem: 0 -> -1": HIGH,
    "impl.zones.boot.Boot.is_highmem: 0 -> 1": HIGH,
    "impl.zones.boot.Boot.is_highmem: self.high < 0 -> self.high <= 0": HIGH,
    "impl.zones.boot.Boot.nr_free_zone_pages: 0 -> -1 (#2)": LISTS,
    "impl.zones.fill.cmp_memblk: a[0] < b[0] -> a[0] <= b[0]": EARLIER,
    "impl.zones.fill.numa_fill_memblks: 1 -> 0 (#7)": ITSELF,
    "impl.zones.fill.numa_fill_memblks:"
    " covered < block[0] -> covered <= block[0]": SAME,
    "impl.zones.lists.Orders.find_next_best_node: 0 -> -1": FIRST,
    "impl.zones.lists.Orders.find_next_best_node: 0 -> 1 (#2)": FIRST,
    "impl.zones.lists.Orders.find_next_best_node: 1 -> 2": FIRST,
    "impl.zones.lists.Orders.find_next_best_node: least < 0 -> least <= 0": FIRST,
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
    "impl.zones.nodes.Frames.first_deferred: 1 -> 2": SIGN,
    "impl.zones.nodes.Frames.first_deferred: low >= high -> low > high": EMPTY,
    "impl.zones.nodes.Pgdat.last: 1 -> 0": NOTHING,
    "impl.zones.nodes.Pgdat.last: 1 -> 0 (#2)": ABOVE,
    "impl.zones.nodes.Pgdat.last: 1 -> 2": NOTHING,
    "impl.zones.nodes.Pgdat.last: 1 -> 2 (#2)": ABOVE,
    "impl.zones.nodes.spanned: 0 -> -1": NODELESS,
    "impl.zones.nodes.spanned: 0 -> -1 (#2)": NODELESS,
    "impl.zones.nodes.spanned: 0 -> 1": NODELESS,
    "impl.zones.nodes.spanned: 0 -> 1 (#2)": NODELESS,
    "impl.zones.nodes.spanned: end < node[0] -> end <= node[0]": TOUCHING,
    "impl.zones.nodes.spanned: start > node[1] -> start >= node[1]": TOUCHING,
    "spec.zones.fill.compare: a > b -> a >= b": EARLIER,
    "spec.zones.fill.fill_range: 1 -> 0 (#2)": ITSELF,
    "spec.zones.fill.fill_range:"
    " covered < grown[i].start -> covered <= grown[i].start": SAME,
    "spec.zones.layout.Layout.index: 1 -> 2": HIGH,
    "spec.zones.layout.Layout.is_highmem: 0 -> -1": HIGH,
    "spec.zones.layout.Layout.is_highmem: 0 -> 1": HIGH,
    "spec.zones.layout.Layout.is_highmem: self.highmem < 0 -> self.highmem <= 0": HIGH,
    "spec.zones.marks.beyond_high: managed > high -> managed >= high": SAME,
    "spec.zones.marks.kept: 0 -> -1": KEPT,
    "spec.zones.marks.may_boost: 0 -> -1": FACTOR,
    "spec.zones.marks.may_boost: 0 -> 1 (#2)": BLOCK,
}
