"""Which rights a request has, from its gfp flags and from who asks.

All of it is arithmetic on plain numbers, flag words in and flag words out.

Source: mm/page_alloc.c:gfp_to_alloc_flags, __gfp_pfmemalloc_flags (v5.10).
"""

from __future__ import annotations

from typing import Any

from ..linux import AllocFlags, Gfp
from .request import INTERRUPT, Config, Context, State

SHARED = Gfp.HIGH | Gfp.KSWAPD_RECLAIM  # the same bits in both kinds of flags
HARDIRQ = int(Context.HARDIRQ)
LOW_ZONES = Gfp.DMA | Gfp.DMA32  # a request with one of them has no normal zone


def alloc_flags(gfp: Any, context: Any) -> Any:
    """Return the alloc flags of a request, CMA aside: gfp_to_alloc_flags()."""
    shared = gfp & int(SHARED)
    if gfp & int(Gfp.ATOMIC):
        harder = 0 if gfp & int(Gfp.NOMEMALLOC) else int(AllocFlags.HARDER)
        return shared | harder
    if context & int(Context.REALTIME) and not context & int(INTERRUPT):
        return shared | int(AllocFlags.HARDER | AllocFlags.CPUSET)
    return shared | int(AllocFlags.CPUSET)


def reserve_flags(gfp: Any, context: Any) -> int:
    """Return the right to the reserves, 0 without: __gfp_pfmemalloc_flags()."""
    if gfp & int(Gfp.NOMEMALLOC):
        return 0
    if gfp & int(Gfp.MEMALLOC):
        return int(AllocFlags.NO_WATERMARKS)
    if context & int(Context.MEMALLOC) and context & int(INTERRUPT) != HARDIRQ:
        return int(AllocFlags.NO_WATERMARKS)
    if context & int(Context.VICTIM) and not context & int(INTERRUPT):
        return int(AllocFlags.OOM)
    return 0


def with_cma(cfg: Config, s: State, flags: Any) -> Any:
    """Return flags that let movable requests have CMA: current_alloc_flags()."""
    if cfg.cma and movable(s) and Context.NOCMA not in s.context:
        flags = flags | AllocFlags.CMA
    return AllocFlags(flags) if isinstance(flags, int) else flags


def movable(s: State) -> bool:
    """Say whether the request is for movable pages."""
    return s.gfp & (Gfp.MOVABLE | Gfp.RECLAIMABLE) == Gfp.MOVABLE


def first_flags(cfg: Config, s: State) -> Any:
    """Return the alloc flags with which the slow path begins."""
    return with_cma(cfg, s, alloc_flags(s.gfp, s.context))


def reserve_of(s: State) -> int:
    """Return the right to the reserves that a request has now."""
    return reserve_flags(s.gfp, s.context)
