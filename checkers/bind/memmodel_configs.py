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
    FREES_NO_MAP,
    KEEPS_BUFFER,
    MAPNR_ABSOLUTE,
    ROUNDS_TO_MAX_ORDER,
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
        "nodes_shift": 2,
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
        "ops": (*BOOT, *HOTPLUG, *LOOKUPS),
    }
    return tiny(model, **{**usual, **fields})


TINY = {
    "tiny-flat": tiny(FLAT, frames=(4, 5, 8, 11, 13), pfn_offset=4),
    "tiny-flat-start": tiny(FLAT, frames=(1, 2, 6, 8), places=1, most_banks=1),
    "tiny-discontig": tiny(
        DISCONTIG, frames=(0, 3, 8, 11, 13), nids=(0, 3), places=1, most_banks=3
    ),
    "tiny-sparse": tiny(
        SPARSE, frames=(0, 5, 16, 19, 33), nids=(0, 3), failing=False, places=1
    ),
    "tiny-sparse-runs": tiny(SPARSE, frames=(0, 5, 11, 24), nids=(0, 3), ops=BOOT),
    "tiny-sparse-narrow": tiny(
        SPARSE, frames=(0, 5, 16, 19), nids=(0, 3), nr_pageflags=13, places=1
    ),
    "tiny-sparse-static": tiny(
        SPARSE, extreme=False, frames=(0, 9, 13, 32, 33), places=1
    ),
    "tiny-vmemmap": tiny(
        VMEMMAP, frames=(0, 5, 16, 19, 33), nids=(0, 3), failing=False
    ),
    "tiny-vmemmap-runs": tiny(
        VMEMMAP, frames=(0, 5, 11, 24), nids=(0, 3), places=1, ops=BOOT
    ),
    "tiny-vmemmap-pages": tiny(VMEMMAP, frames=(0, 9, 17), huge=False, ops=BOOT),
    "tiny-buffer": tiny(SPARSE, ops=BUFFER),
    "tiny-hotplug": hot(VMEMMAP, hot=PARTS),
    "tiny-hotplug-fails": hot(VMEMMAP, hot=((14, 4), (8, 2)), failing=True),
    "tiny-hotplug-sparse": hot(SPARSE, hot=WHOLE),
    "tiny-hotplug-sparse-fails": hot(SPARSE, hot=(NEW, (8, 16)), failing=True),
    "tiny-hotplug-narrow": hot(
        SPARSE, nids=(0, 3), nr_pageflags=13, hot=(NEW,), frames=(0, 8)
    ),
    "tiny-unused": tiny(
        FLAT,
        frames=(8, 10, 13, 17, 20),
        pfn_offset=8,
        arena=(Addr(0x48), Addr(0x1000)),  # not at a page's border
        pageblock_order=2,
        max_order=4,
        valid="block",
        frees_unused=True,
        ops=(*NODES, "FreeUnusedMemmap", "PfnValid"),
    ),
    "tiny-unused-sparse": tiny(
        SPARSE,
        frames=(0, 2, 7, 13),
        pageblock_order=2,
        valid="memory",
        frees_unused=True,
        places=1,
        ops=(*BOOT, "FreeUnusedMemmap", "PfnValid"),
    ),
}

# ------------------------------------------------------------------ real 5.10

V5_10 = {
    "v5.10-buffer": tiny(  # P61
        VMEMMAP, frames=(0, 5, 24), nids=(0, 3), places=1, quirks=(KEEPS_BUFFER,)
    ),
    "v5.10-unused": tiny(  # P63: arm before 5.10.92, arm64 still
        SPARSE,
        frames=(0, 2, 7, 13),
        pageblock_order=2,
        valid="memory",
        frees_unused=True,
        quirks=(ROUNDS_TO_MAX_ORDER,),
        places=1,
        ops=(*BOOT, "FreeUnusedMemmap", "PfnValid"),
    ),
    "v5.10-hotplug-sparse": hot(
        SPARSE, hot=(NEW,), failing=True, quirks=(FREES_NO_MAP,)
    ),
    "v5.10-flat": tiny(  # riscv since 5.10.x
        FLAT, frames=(4, 8, 13), pfn_offset=4, quirks=(MAPNR_ABSOLUTE,)
    ),
}

# ------------------------------------------------------------------ larger ones


def small(model: str, **fields: Any) -> Config:
    """Return a machine of 32 sections, with words of 32 bits, whose boot succeeds."""
    usual = {
        "width": 32,
        "physmem_bits": 12,
        "nodes_shift": 2,
        "nr_zones": 3,
        "zone_ends": (11, 90),
        "vmemmap": Addr(0xFFFF_0000),
        "arena": (Addr(0x1000), Addr(0x8_0000)),
        "frames": tuple(range(4, 140, 3)),
        "nids": (0, 1, 2),
        "most_banks": 5,
        "failing": False,
    }
    return tiny(model, **{**usual, **fields})


SMALL_PARTS = tuple(
    (8 * nr + 2 * first, 2 * parts)
    for nr in (16, 17, 18, 31)
    for first, parts in ((0, 1), (1, 3), (0, 4), (3, 4), (0, 8))
)
SMALL_WHOLE = tuple((8 * nr, 8 * n) for nr in (16, 17, 19, 31) for n in (1, 2))

SMALL = {
    "small-flat": small(FLAT, pfn_offset=4, nids=(0,)),
    "small-discontig": small(DISCONTIG),
    "small-sparse": small(SPARSE, hot=SMALL_WHOLE, ops=(*BOOT, *LOOKUPS, *HOTPLUG)),
    "small-vmemmap": small(VMEMMAP, hot=SMALL_PARTS, ops=(*BOOT, *LOOKUPS, *HOTPLUG)),
    "small-buffer": small(SPARSE, ops=BUFFER),
}


def linux(**fields: Any) -> Config:
    """Return a real machine; allocations do not fail, so that walks go far."""
    ops = (*BOOT, "AllocNodeMemMap", "FreeUnusedMemmap", *HOTPLUG, *LOOKUPS)
    usual = {"failing": False, "most_banks": 4, "nids": (0, 1), "ops": ops}
    return Config(**{**usual, **fields})


def frames_of(*addresses: int) -> tuple[int, ...]:
    """Return the frames of addresses."""
    return tuple(each >> 12 for each in addresses)


MIB, GIB = 1 << 20, 1 << 30
PC = frames_of(
    0x1000,
    0x9F000,
    MIB,
    0xFFD7000,
    0x7FFF_0000,
    3 * GIB,
    4 * GIB,
    4 * GIB + 64 * MIB,
    5 * GIB,
    8 * GIB + 128 * MIB,
)
VIRT = frames_of(
    GIB, GIB + 2 * MIB, GIB + 512 * MIB, 2 * GIB, 3 * GIB + 256 * MIB, 4 * GIB, 6 * GIB
)
DRAM = frames_of(
    2 * GIB,
    2 * GIB + 2 * MIB,
    2 * GIB + 512 * MIB,
    3 * GIB,
    4 * GIB + 128 * MIB,
    6 * GIB,
)
SECTION = 1 << 15
ONE_SECTION = ((70 * SECTION, SECTION),)

X86_64: dict[str, Any] = {
    "frames": PC,
    "last_cpupid": 21,  # 8 bits of the process, 13 of the cpu
    "hot": ((64 * SECTION, SECTION), (66 * SECTION + 512, 1024), (68 * SECTION, 512)),
}
ARM64: dict[str, Any] = {
    "frames": VIRT,
    "section_bits": 30,
    "physmem_bits": 48,
    "huge": False,
    "nodes_shift": 2,
    "nr_zones": 4,
    "zone_ends": frames_of(2 * GIB, 4 * GIB),
    "vmemmap": Addr(0xFFFF_FDFF_FE00_0000),
    "arena": (Addr(0xFFFF_0000_0000_1000), Addr(0xFFFF_4000_0000_0000)),
    "hot": ((8 << 18, 1 << 18), ((9 << 18) + 512, 1024)),
}
RISCV64: dict[str, Any] = {
    "frames": DRAM,
    "physmem_bits": 56,
    "huge": False,
    "nodes_shift": 2,
    "nr_zones": 3,
    "zone_ends": frames_of(4 * GIB),
    "vmemmap": Addr(0xFFFF_FFCF_0000_0000),
    "arena": (Addr(0xFFFF_FFE0_0000_1000), Addr(0xFFFF_FFFF_0000_0000)),
    "hot": ((64 * SECTION, SECTION), (66 * SECTION + 512, 1024)),
}
RISCV_FLAT = {**RISCV64, "nodes_shift": 0, "nids": (0,), "hot": ()}

LINUX = {
    "linux-x86_64": linux(**X86_64),
    "linux-x86_64-la57": linux(**{**X86_64, "physmem_bits": 52}),
    "linux-x86_64-sparse": linux(
        **{
            **X86_64,
            "model": SPARSE,
            "nodes_shift": 6,
            "hot": ((64 * SECTION, SECTION),),
        }
    ),
    "linux-arm64": linux(**ARM64),
    "linux-arm64-5.12": linux(
        **{**ARM64, "section_bits": 27, "hot": ((70 << 15, 1 << 15),)}
    ),
    "linux-arm64-sparse": linux(
        **{**ARM64, "model": SPARSE, "valid": "memory", "frees_unused": True, "hot": ()}
    ),
    "linux-riscv64": linux(**RISCV64),
    "linux-riscv64-flat": linux(
        **{**RISCV_FLAT, "model": FLAT, "pfn_offset": (2 * GIB) >> 12}
    ),
    "linux-discontig": linux(
        **{**X86_64, "model": DISCONTIG, "nodes_shift": 6, "hot": ()}
    ),
}

CONFIGS = {**TINY, **V5_10, **SMALL, **LINUX}
