"""The slow path of the page allocator, as a state machine that asks and is answered.

Where the free lists gave nothing, the kernel asks others in turn: the free lists again
with other rights, compaction, reclaim, the OOM killer.  Each operation is the answer to
one such question; its result is the next question, or the end.

Source: mm/page_alloc.c:__alloc_pages_slowpath (v5.10).
"""
