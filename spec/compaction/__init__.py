"""Direct compaction: two scanners meet, movable pages go up, a free block is made.

`parts` is what there is, `blocks` the free lists below, `defer` when a zone is worth a
try, `sources` the migrate scanner, `targets` the free scanner, `zone_run` one zone's
run, `ops` the operations, `always` and `sometimes` what holds and what must be seen.
"""
