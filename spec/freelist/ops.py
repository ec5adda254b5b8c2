"""The operations of the walk, all in one place."""

from __future__ import annotations

from .alloc import AllocInterleaved, AllocOnNode, AllocPages, GetPageFromFreelist
from .change import Free, SetBoost, SetReserve, Take
from .policy import AllocCurrent

OPS = (
    AllocPages,
    AllocOnNode,
    AllocInterleaved,
    AllocCurrent,
    GetPageFromFreelist,
    Free,
    Take,
    SetBoost,
    SetReserve,
)
