"""memblock, the allocator of early boot: two sorted arrays of regions.

Read `regions` first (what the arrays are, how a range enters, leaves and doubles them),
then `search` (where room is found), then the operations: `ranges`, `whole`, `alloc`,
`handover`, `questions`, gathered in `ops`.  `always` says what holds of every state and
step, `sometimes` what must be seen.  Source: mm/memblock.c (v5.10).
"""
