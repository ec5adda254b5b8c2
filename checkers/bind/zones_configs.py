"""The machines to try: tiny ones explored completely, real maps at random.

Those named `v5.10` have one of the behaviours of real 5.10 that break a rule.
"""

from __future__ import annotations

from mmoracle.spec.zones.state import Config

from .zones_real import (
    BEYOND,
    LINUX_ARM64,
    LINUX_RISCV,
    LINUX_X86,
    SERVER,
    SMALL,
    SMALL_BOOT,
    TIB16,
)
from .zones_tiny import (
    BOOST,
    BORDERS,
    DEFERRED,
    DESCENDING,
    FACTORS,
    FEW,
    FILL,
    GAPS,
    GROWN,
    HIGHMEM,
    HOLES,
    HOTPLUG,
    HUGEPAGES,
    LIMITS,
    MIRROR,
    MOVABLE,
    NO_MMU,
    NO_SPARSE,
    NUMA,
    PERCENT,
    SIZES,
    SPREAD,
    SYSCTL,
    TINY,
    UMA,
)

CONFIGS: dict[str, Config] = {
    "tiny": TINY,
    "tiny-sysctl": SYSCTL,
    "tiny-boost": BOOST,
    "tiny-factors": FACTORS,
    "tiny-limits": LIMITS,
    "tiny-sizes": SIZES,
    "tiny-hugepages": HUGEPAGES,
    "tiny-highmem": HIGHMEM,
    "tiny-descending": DESCENDING,
    "tiny-holes": HOLES,
    "tiny-no-sparse": NO_SPARSE,
    "tiny-grown": GROWN,
    "tiny-no-mmu": NO_MMU,
    "tiny-numa": NUMA,
    "tiny-gaps": GAPS,
    "tiny-few": FEW,
    "tiny-uma": UMA,
    "tiny-movable": MOVABLE,
    "tiny-spread": SPREAD,
    "tiny-percent": PERCENT,
    "tiny-mirror": MIRROR,
    "tiny-deferred": DEFERRED,
    "tiny-borders": BORDERS,
    "tiny-hotplug": HOTPLUG,
    "tiny-fill": FILL,
    "small": SMALL,
    "small-boot": SMALL_BOOT,
    "linux-x86_64": LINUX_X86,
    "linux-arm64": LINUX_ARM64,
    "linux-riscv64": LINUX_RISCV,
    "linux-server": SERVER,
    "v5.10-movable": BEYOND,
    "v5.10-16T": TIB16,
}
