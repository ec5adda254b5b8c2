"""Reclaim on one's own node, before memory of another is taken: node_reclaim().

It is worth while with more clean page cache or slab than the node shall keep; only
tasks that may sleep do it, on their own node or on one without processors.

Source: mm/vmscan.c:node_reclaim, __node_reclaim, node_pagecache_reclaimable (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..linux import (
    RECLAIM_UNMAP,
    RECLAIM_WRITE,
    Gfp,
    NodeReclaim,
)
from . import shrink
from .events import Returns, Shrink, Went
from .state import Cache, Config, Control, Local, Request, State


def unmapped_pages(lru: Any, mapped: Any) -> Any:
    """Return the page cache that nobody maps; more may be mapped than is listed."""
    return lru - mapped if lru > mapped else 0


def pagecache_reclaimable(mode: int, c: Cache) -> int:
    """Return the page cache that reclaim may free in a mode.

    All of it where it may be unmapped, without the dirty pages where none is written.
    """
    pages = c.file if mode & RECLAIM_UNMAP else unmapped_pages(c.lru, c.mapped)
    return pages if mode & RECLAIM_WRITE else unmapped_pages(pages, c.dirty)


def refusal(
    mode: int, c: Cache, request: Request, away: bool, locked: bool
) -> int | None:
    """Return why a node is not scanned, none if it is.

    `away` says that the node has processors and the task runs on none of them.
    """
    little = pagecache_reclaimable(mode, c) <= c.min_unmapped
    if little and c.slab <= c.min_slab:
        return int(NodeReclaim.FULL)
    may_sleep = bool(request.gfp & Gfp.DIRECT_RECLAIM)
    if not may_sleep or request.memalloc or away or locked:
        return int(NodeReclaim.NOSCAN)
    return None


def begin(
    cfg: Config, s: State, node: int, request: Request, mode: int, c: Cache
) -> Went:
    """Scan a node, unless slab alone made it worth while: __node_reclaim()."""
    sc = Control(
        order=request.order,
        highest=request.highest,
        gfp=request.gfp,
        goal=max(1 << request.order, cfg.cluster),
        priority=cfg.local_priority,
        may_writepage=bool(mode & RECLAIM_WRITE),
    )
    if pagecache_reclaimable(mode, c) <= c.min_unmapped:
        return done(s, request, 0)
    return scan(replace(s, memalloc=True), Local(request, sc, node))


def scan(s: State, task: Local) -> Went:
    """Have the node scanned."""
    task = replace(task, scan=shrink.begin(task.node, task.sc))
    return replace(s, task=task), (Shrink(task.node),)


def done(s: State, request: Request, number: int) -> Went:
    """Return a number; the task is what it was before."""
    return replace(s, task=None, memalloc=request.memalloc), (Returns(number),)


def scanned(s: State, task: Local) -> Went:
    """Scan harder until the request's pages are free or all was scanned."""
    sc = task.sc
    enough = sc.reclaimed >= 1 << sc.order
    if enough or not sc.priority:
        return done(s, task.request, int(enough))
    return scan(s, replace(task, sc=replace(sc, priority=sc.priority - 1)))
