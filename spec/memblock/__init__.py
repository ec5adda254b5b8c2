"""memblock, the allocator of early boot: two sorted arrays of regions.

`regions` says what the arrays are and how a range enters, leaves and doubles them;
`search` where room is found; `ops` the operations; `always` what holds of every state
and step.  Source: mm/memblock.c (v5.10).
"""
