"""The gfp flags of a trace, as their value: GFP_KERNEL|__GFP_ZERO.

Source: include/trace/events/mmflags.h:__def_gfpflag_names (v5.10).
"""

from __future__ import annotations

from functools import lru_cache

from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_HIGHUSER,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOFS,
    GFP_NOIO,
    GFP_NOWAIT,
    GFP_USER,
    Gfp,
)

TRANSHUGE_LIGHT = (
    GFP_HIGHUSER_MOVABLE | Gfp.COMP | Gfp.NOMEMALLOC | Gfp.NOWARN
) & ~Gfp.RECLAIM
NAMES = {
    "GFP_TRANSHUGE": TRANSHUGE_LIGHT | Gfp.DIRECT_RECLAIM,
    "GFP_TRANSHUGE_LIGHT": TRANSHUGE_LIGHT,
    "GFP_HIGHUSER_MOVABLE": GFP_HIGHUSER_MOVABLE,
    "GFP_HIGHUSER": GFP_HIGHUSER,
    "GFP_USER": GFP_USER,
    "GFP_KERNEL_ACCOUNT": GFP_KERNEL | Gfp.ACCOUNT,
    "GFP_KERNEL": GFP_KERNEL,
    "GFP_NOFS": GFP_NOFS,
    "GFP_ATOMIC": GFP_ATOMIC,
    "GFP_NOIO": GFP_NOIO,
    "GFP_NOWAIT": GFP_NOWAIT,
    "GFP_DMA": Gfp.DMA,
    "GFP_DMA32": Gfp.DMA32,
    "none": Gfp.NONE,
} | {f"__GFP_{name}": flag for name, flag in Gfp.__members__.items()}
ZONE_BITS = Gfp.DMA | Gfp.HIGHMEM | Gfp.DMA32 | Gfp.MOVABLE


@lru_cache(maxsize=4096)
def gfp_of(text: bytes) -> Gfp | None:
    """Return the flags that a text names, none where it has a name of another kernel.

    Bits without a name stand at the end as a hexadecimal number and are not kept.
    """
    names = text.decode("ascii", "replace").split("|")
    known = all(name in NAMES or name.startswith("0x") for name in names)
    return known_flags(text) if known else None


@lru_cache(maxsize=4096)
def known_flags(text: bytes) -> Gfp:
    """Return the flags that a text names in the words of 5.10; others are left out."""
    flags = Gfp.NONE
    for name in text.decode("ascii", "replace").split("|"):
        flags |= NAMES.get(name, Gfp.NONE)
    return flags
