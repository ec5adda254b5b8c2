"""The page allocator's core: blocks of frames in a zone, and the lists that hold them.

Read `zones` first (what there is), then `blocks` (merging and splitting), `migrate`
(one type of request takes from another), `pcp` (the per-cpu lists), then the
operations in `alloc`, `free` and `manage`, gathered in `ops`.  `others` says what an
allocator that is not Linux may do.  `always` says what holds of every state and step,
`sometimes` what must be seen.  Source: mm/page_alloc.c, mm/page_isolation.c (v5.10).
"""
