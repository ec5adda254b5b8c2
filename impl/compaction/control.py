"""What a run knows: struct compact_control, struct capture_control, and the request.

Source: mm/internal.h (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import CompactPriority, CompactResult

from .frames import Zone

ULONG_MAX = (1 << 64) - 1
ASYNC, SYNC_LIGHT = 0, 1


class Control:
    """struct compact_control, and the variables of compact_zone()."""

    def __init__(
        self, zone: Zone, order: int, migratetype: int, fs: bool, prio: int | None
    ) -> None:
        hardest = prio == CompactPriority.SYNC_FULL
        self.zone = zone
        self.order = self.search_order = order
        self.migratetype = migratetype
        self.fs = fs
        self.mode = ASYNC if prio == CompactPriority.ASYNC else SYNC_LIGHT
        self.direct_compaction = prio is not None
        self.whole_zone = self.ignore_skip_hint = hardest
        self.ignore_block_suitable = hardest
        self.migrate_pfn = self.free_pfn = 0
        self.freepages: list[int] = []  # the next one last
        self.migratepages: list[int] = []  # likewise
        self.nr_freepages = 0
        self.nr_migratepages = 0
        self.fast_start_pfn = self.fast_search_fail = 0
        self.contended = self.rescan = False
        self.last_migrated_pfn = 0
        self.update_cached = False
        self.nr_failed = 0
        self.enomem = False
        self.ret = CompactResult.CONTINUE
        self.fatal = False  # fatal_signal_pending()

    def anew(self, zone: Zone, prio: int | None) -> Control:
        """Return the control of the same run before a zone. O(1)."""
        other = Control(zone, self.order, self.migratetype, self.fs, prio)
        other.fatal = self.fatal
        return other

    @property
    def picky(self) -> bool:
        """Say whether an aligned block is given up at the first failure. O(1)."""
        return self.direct_compaction and self.mode == ASYNC

    def lock(self, busy: bool) -> None:
        """Take a lock; an asynchronous run notes that it had to wait. O(1).

        Source: mm/compaction.c:compact_lock_irqsave (v5.10).
        """
        if busy and self.mode == ASYNC:
            self.contended = True


class Request:
    """A call of try_to_compact_pages(), with its capture_control, or of kcompactd."""

    def __init__(self, prio: int | None, highest: int, flags: int, at: int) -> None:
        self.prio, self.highest, self.flags, self.at = prio, highest, flags, at
        self.phase = "zone"
        self.rc = CompactResult.SKIPPED
        self.captured = -1  # *capture
        self.zone: Zone | None = None  # of the capture_control
        self.order = 0
        self.page = -1
