"""The machines whose memory maps are tried: tiny ones completely, real ones at random.

A tiny machine has words of 16 bits, pages of 16 bytes and descriptors of 8; a section
is 8 frames in 4 parts, page blocks are 2 or 4 frames.  All follow the `fixed` profile;
those named `v5.10` have behaviours of real 5.10 that break a law.
"""

from __future__ import annotations

from typing import Any

from mmoracle.spec.linux import Addr
from mmoracle.spec.memmodel.state import (
    DISCONTIG,
    FLAT,
    SPARSE,
    VMEMMAP,
    Config,
)

LOOKUPS = ("PfnValid", "PfnToPage", "PageToPfn", "PageLinks")
BOOT = ("MemoryPresent", "SparseInitNid", "FreeAreaInit")
NODES = ("MemoryPresent", "AllocNodeMemMap", "FreeAreaInit")
BUFFER = ("BufferInit", "BufferAlloc", "BufferFini")
HOTPLUG = ("AddPages", "RemovePages", "OnlineSection", "OfflineSection")


def tiny(model: str, **fields: Any) -> Config:
    """Return a machine of four sections of eight frames, with words of 16 bits."""
    usual = {
        "model": model,
        "width": 16,
        "page_shift": 4,
        "section_bits": 7,
        "physmem_bits": 9,
        "subsection_bits": 5,
        "sizeof_page": 8,
        "sizeof_section": 8,
        "cache_bytes": 8,
        "pmd_bits": 5,
        "max_order": 3,
        "pageblock_order": 1,
        "nodes_shift": 1,
        "nr_zones": 2,
        "nr_pageflags": 10,
        "zone_ends": (11,),
        "vmemmap": Addr(0xFE00),
        "arena": (Addr(0x40), Addr(0x1000)),
        "ops": (*(BOOT if model in (SPARSE, VMEMMAP) else NODES), *LOOKUPS),
    }
    return Config(**{**usual, **fields})


NEW = (8, 8)  # a section of its own
PARTS = ((8, 2), (10, 6), NEW, (6, 2), (9, 2), (8, 1), (30, 4), (0, 8))
WHOLE = (NEW, (0, 8), (12, 8), (8, 4), (24, 16))


def hot(model: str, **fields: Any) -> Config:
    """Return a machine whose memory comes and goes after boot."""
    usual = {
        "frames": (0, 5, 8),
        "most_banks": 1,
        "places": 1,
        "failing": False,
        "ops": (*BOOT, *HOTPLUG),
    }
    return tiny(model, **{**usual, **fields})


TINY = {
    "tiny-flat": tiny(FLAT, frames=(4, 5, 8, 11, 13), pfn_offset=4),
    "tiny-flat-start": tiny(FLAT, frames=(1, 2, 6, 8), places=1, most_banks=1),
    "tiny-discontig": tiny(
        DISCONTIG, frames=(0, 3, 8, 11, 13), nids=(0, 1), places=1, most_banks=3
    ),
    "tiny-sparse": tiny(SPARSE, frames=(0, 5, 16, 19, 33), nids=(0, 1), failing=False),
    "tiny-sparse-runs": tiny(SPARSE, frames=(0, 5, 11, 24), nids=(0, 1), ops=BOOT),
    "tiny-sparse-narrow": tiny(
        SPARSE, frames=(0, 5, 16, 19), nids=(0, 1), nr_pageflags=13, places=1
    ),
    "tiny-sparse-static": tiny(SPARSE, extreme=False, frames=(0, 9, 13), places=1),
    "tiny-vmemmap": tiny(
        VMEMMAP, frames=(0, 5, 16, 19, 33), nids=(0, 1), failing=False
    ),
    "tiny-vmemmap-runs": tiny(
        VMEMMAP, frames=(0, 5, 11, 24), nids=(0, 1), places=1, ops=BOOT
    ),
    "tiny-vmemmap-pages": tiny(VMEMMAP, frames=(0, 9, 17), huge=False, ops=BOOT),
    "tiny-buffer": tiny(SPARSE, ops=BUFFER),
    "tiny-hotplug": hot(VMEMMAP, hot=PARTS),
    "tiny-hotplug-fails": hot(VMEMMAP, hot=((14, 4), (8, 2)), failing=True),
    "tiny-hotplug-sparse": hot(SPARSE, hot=WHOLE),
    "tiny-hotplug-sparse-fails": hot(SPARSE, hot=(NEW, (8, 16)), failing=True),
    "tiny-unused": tiny(
        FLAT,
        frames=(4, 6, 9, 13, 16),
        pfn_offset=4,
        pageblock_order=2,
        max_order=4,
        valid="block",
        frees_unused=True,
        ops=(*NODES, "FreeUnusedMemmap", "PfnValid"),
    ),
    "tiny-unused-sparse": tiny(
        SPARSE,
        frames=(0, 2, 5, 13, 16, 19),
        pageblock_order=2,
        valid="memory",
        frees_unused=True,
        places=1,
        ops=(*BOOT, "FreeUnusedMemmap", "PfnValid"),
    ),
}

CONFIGS = {**TINY}
