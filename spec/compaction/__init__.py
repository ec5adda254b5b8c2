"""Direct compaction: two scanners meet, movable pages go up, a free block is made.

`parts` is what there is, `blocks` the free lists below, `defer` when a zone is worth a
try, `hints` when page blocks are looked at again, `sources` the migrate scanner,
`targets` the free scanner, `zone_run` one zone's run.  The operations: `deferral` and
questions, `requests` begin a run, `rounds` of a zone, `scanners` within a round,
`meanwhile` what others do; `answers` is what they share, `ops` lists them all; `always`
and `sometimes` what holds and what must be seen.
"""
