"""Which zone a request falls into, and when it may: the walk over a zonelist.

Read `request` first (what a request asks for: highest zone, zonelist, flags), then
`zones` (what a zone shows to the walk), `walk` (get_page_from_freelist), the operations
in `alloc`, `policy`, `change`.  `others` says what an allocator that is not Linux may
do, `always` what holds of every state and step, `sometimes` what must be seen.

Source: mm/page_alloc.c, include/linux/gfp.h, include/linux/mmzone.h (v5.10).
"""
