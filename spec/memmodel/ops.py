"""The operations on memory maps, all in one place.

Source: mm/sparse.c, mm/page_alloc.c, include/asm-generic/memory_model.h (v5.10).
"""

from __future__ import annotations

from .boot import AllocNodeMemMap, FreeAreaInit, MemoryPresent
from .buffer import BufferAlloc, BufferFini, BufferInit
from .hotplug import AddPages, RemovePages
from .lookup import PageLinks, PageToPfn, PfnToPage, PfnValid
from .online import OfflineSection, OnlineSection
from .sparse import SparseInitNid
from .state import MemMap
from .unused import FreeUnusedMemmap

OPS = (
    MemoryPresent,
    SparseInitNid,
    AllocNodeMemMap,
    FreeAreaInit,
    FreeUnusedMemmap,
    BufferInit,
    BufferAlloc,
    BufferFini,
    AddPages,
    RemovePages,
    OnlineSection,
    OfflineSection,
    PfnValid,
    PfnToPage,
    PageToPfn,
    PageLinks,
)
EMPTY = MemMap()
QUESTIONS = (PfnValid, PfnToPage, PageToPfn, PageLinks)
