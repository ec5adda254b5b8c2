"""Reclaim as a machine: every operation by its kernel name, and taking one back.

Source: mm/vmscan.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import kswapd
from .count import get_scan_count
from .direct import Asked, Cached, Task
from .pgdat import ScanControl, ShrinkNode
from .vmscan import Nodes

TASK = -1
Saved = list[tuple[Any, list[tuple[str, Any]]]]


class Reclaim:
    """The zones, the nodes with their kswapds, and the task that reclaims."""

    def __init__(
        self,
        nodes: Nodes,
        zonelist: tuple[int, ...],
        *,
        local_priority: int,
        pageblock_order: int,
        mask: int,
        notes_low: bool,
    ) -> None:
        self.nodes, self.zones = nodes, nodes.zones
        self.task = Task(nodes, zonelist, local_priority)
        self.pageblock_order = pageblock_order
        self.mask, self.notes_low = mask, notes_low

    # -------------------------------------------------------------- tasks

    def try_to_free_pages(self, asked: Asked) -> None:
        """Have a task reclaim.  O(zonelist)."""
        self.task.try_to_free_pages(asked)

    def resume(self, woken: bool, fatal: bool) -> None:
        """Have a task that waits look whether it may go on.  O(zonelist)."""
        self.task.resume(woken, fatal)

    def node_reclaim(
        self, nid: int, asked: Asked, mode: int, c: Cached, away: bool, locked: bool
    ) -> None:
        """Have a task reclaim on its own node.  O(1)."""
        self.task.node_reclaim(nid, asked, mode, c, away, locked)

    # -------------------------------------------------------------- answers

    def scanner(self, who: int) -> tuple[ShrinkNode | None, ScanControl | None]:
        """Return the scan of the task or of a node's kswapd.  O(1)."""
        it = self.task if who == TASK else self.nodes.nodes[who]
        return it.shrink, it.sc

    def shrunk(
        self,
        who: int,
        file: Sequence[int],
        anon: Sequence[int],
        scanned: int,
        inactive: int,
        skipped: bool,
        low: bool,
    ) -> None:
        """Take what a scan has freed, and go on.  O(zonelist)."""
        at, sc = self.scanner(who)
        if at is None or sc is None:
            return
        self.nodes.shrink_lists(at, sc, file, anon, scanned, skipped, low)
        if not self.nodes.shrunk(at, sc, inactive):
            self.node_done(who, sc)

    def suitable(self, who: int, suits: int) -> None:
        """Take what compaction says of a zone, and go on.  O(zonelist)."""
        if who == TASK:
            self.task.suited(suits)
            return
        at, sc = self.scanner(who)
        if at is None or sc is None:
            return
        if not self.nodes.suited(at, sc, suits):
            self.node_done(who, sc)

    def node_done(self, who: int, sc: ScanControl) -> None:
        """Go on after a node was scanned.  O(zonelist)."""
        if who != TASK:
            pgdat = self.nodes.nodes[who]
            kswapd.balance_scanned(self.nodes, pgdat, sc, self.pageblock_order)
        elif self.task.asked is not None:
            self.task.node_done(self.task.asked)

    # -------------------------------------------------------------- kswapd

    def wakeup_kswapd(
        self, at: int, order: int, gfp: int, highest: int, allowed: bool
    ) -> None:
        """Have a zone's kswapd run, if it must.  O(zones)."""
        zone = self.zones[at]
        if zone.managed and allowed:
            kswapd.wakeup_kswapd(self.nodes, zone, gfp, order, highest)

    def run_kswapd(self, nid: int) -> None:
        """Let a kswapd run up to where it stops.  O(zones)."""
        kswapd.run(self.nodes, self.nodes.nodes[nid], self.pageblock_order)

    # -------------------------------------------------------------- zones

    def take(self, at: int, pages: int, file: bool, anon: bool) -> None:
        """Use free pages.  O(1)."""
        zone = self.zones[at]
        pages = min(pages, zone.free)
        zone.free -= pages
        if file:
            zone.file += pages
        elif anon:
            zone.anon += pages

    def free(self, at: int, pages: int) -> None:
        """Give held pages back.  O(1)."""
        zone = self.zones[at]
        held = zone.managed - zone.free - zone.file - zone.anon
        zone.free += held if held < pages else pages

    def boost(self, at: int, pages: int) -> None:
        """Boost a zone's marks up to a number of pages.  O(1)."""
        zone = self.zones[at]
        if zone.boost < pages:
            zone.boost = pages

    def merge(self, at: int, order: int) -> None:
        """Have a zone's largest free block be of an order.  O(1)."""
        self.zones[at].block = order

    def get_scan_count(
        self,
        is_file: bool,
        size: int,
        low: int,
        least: int,
        usage: int,
        online: bool,
        aim: tuple[int, int, int, bool, bool, bool, bool],
        priority: int,
        again: bool,
    ) -> tuple[int, bool]:
        """Return the pages of a list to scan, and if memory.low spared some.  O(1)."""
        return get_scan_count(
            is_file,
            size,
            low,
            least,
            usage,
            online,
            aim,
            priority,
            again,
            mask=self.mask,
            cluster=self.nodes.cluster,
            notes_low=self.notes_low,
        )

    # -------------------------------------------------------------- taking back

    def save(self) -> Saved:
        """Return all that an operation may change.  O(zones)."""
        scans = [self.scanner(who) for who in range(TASK, len(self.nodes.nodes))]
        things: list[Any] = [self.nodes, self.task, *self.zones, *self.nodes.nodes]
        things += [each for pair in scans for each in pair if each is not None]
        return [(each, values(each)) for each in things]

    def restore(self, saved: Saved) -> None:
        """Put back what was saved.  O(zones)."""
        for thing, fields in saved:
            for name, was in fields:
                setattr(thing, name, was)
        self.nodes.events.clear()


def values(thing: Any) -> list[tuple[str, Any]]:
    """Return an object's attributes with their values.  O(attributes)."""
    names = getattr(thing, "__slots__", None) or vars(thing)
    return [(name, getattr(thing, name)) for name in names]
