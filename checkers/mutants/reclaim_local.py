"""Mistakes in reclaim on a task's own node before it goes to others."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import direct
from mmoracle.impl.reclaim.direct import Asked, Cached, Task
from mmoracle.spec.linux import RECLAIM_UNMAP, RECLAIM_WRITE

_node_done = Task.node_done
_start_local = Task.start_local
_node_reclaim = Task.node_reclaim


def cache_with_dirty(mode: int, c: Cached) -> int:
    """Count dirty pages although none may be written."""
    return c.file if mode & RECLAIM_UNMAP else max(0, c.lru - c.mapped)


def cache_with_mapped(mode: int, c: Cached) -> int:
    """Count mapped pages although none may be unmapped."""
    dirty = 0 if mode & RECLAIM_WRITE else c.dirty
    return max(0, c.file - dirty)


def cache_below_zero(mode: int, c: Cached) -> int:
    """Let more mapped or dirty pages than there are make a huge count."""
    pages = c.file if mode & RECLAIM_UNMAP else c.lru - c.mapped
    return (pages if mode & RECLAIM_WRITE else pages - c.dirty) % (1 << 64)


def local_anyhow(task: Task, nid: int, asked: Asked, *rest: Any) -> None:
    """Reclaim for tasks that have PF_MEMALLOC already."""
    _node_reclaim(task, nid, asked._replace(memalloc=False), *rest)


def local_for_all(
    task: Task,
    nid: int,
    asked: Asked,
    mode: int,
    c: Cached,
    away: bool,
    locked: bool,
) -> None:
    """Reclaim on a node whose processors are others'."""
    _node_reclaim(task, nid, asked, mode, c, False, locked)


def local_unlocked(
    task: Task,
    nid: int,
    asked: Asked,
    mode: int,
    c: Cached,
    away: bool,
    locked: bool,
) -> None:
    """Reclaim on a node on which somebody reclaims already."""
    _node_reclaim(task, nid, asked, mode, c, away, False)


def local_without_slab(
    task: Task, nid: int, asked: Asked, mode: int, c: Cached, *rest: Any
) -> None:
    """Take a node with little cache for full, whatever slab it has."""
    _node_reclaim(task, nid, asked, mode, c._replace(slab=0), *rest)


def local_without_memalloc(task: Task, nid: int, asked: Asked, mode: int) -> None:
    """Reclaim on one's own node without PF_MEMALLOC."""
    _start_local(task, nid, asked, mode)
    task.memalloc = asked.memalloc


def local_writes(task: Task, nid: int, asked: Asked, mode: int) -> None:
    """Write pages in a mode that does not."""
    _start_local(task, nid, asked, mode)
    task.sc.may_writepage = True


def local_wants_a_block(task: Task, nid: int, asked: Asked, mode: int) -> None:
    """Scan for no more than the request's pages at a time."""
    _start_local(task, nid, asked, mode)
    task.sc.nr_to_reclaim = 1 << asked.order


def local_goes_on(task: Task, asked: Asked) -> None:
    """Go on until a whole cluster is free, though the request has its pages."""
    sc = task.sc
    if task.local >= 0 and sc.nr_reclaimed < sc.nr_to_reclaim and sc.priority > 0:
        sc.priority -= 1
        task.shrink = task.nodes.shrink_node(task.local, sc)
        return
    _node_done(task, asked)


# ------------------------------------------------------------------ the zoo

LOCAL = "tiny-local"
STATE, RESULT = "EXACT-STATE", "RCL-RESULT"
DONE = "node_done"
CACHE = "node_pagecache_reclaimable"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("local-dirty", RESULT, LOCAL, direct, CACHE, cache_with_dirty),
    ("local-mapped", RESULT, LOCAL, direct, CACHE, cache_with_mapped),
    ("local-wraps", RESULT, LOCAL, direct, CACHE, cache_below_zero),
    ("local-nested", "RCL-MEMALLOC", LOCAL, Task, "node_reclaim", local_anyhow),
    ("local-away", RESULT, LOCAL, Task, "node_reclaim", local_for_all),
    ("local-locked", RESULT, LOCAL, Task, "node_reclaim", local_unlocked),
    ("local-no-slab", RESULT, LOCAL, Task, "node_reclaim", local_without_slab),
    (
        "local-no-memalloc",
        "RCL-MEMALLOC",
        LOCAL,
        Task,
        "start_local",
        local_without_memalloc,
    ),
    ("local-writes", STATE, LOCAL, Task, "start_local", local_writes),
    ("local-a-block", STATE, LOCAL, Task, "start_local", local_wants_a_block),
    ("local-goes-on", RESULT, LOCAL, Task, DONE, local_goes_on),
)
