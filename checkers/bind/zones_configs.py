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
    DEFERRED,
    DESCENDING,
    FEW,
    FILL,
    GAPS,
    HIGHMEM,
    HOLES,
    HOTPLUG,
    HUGEPAGES,
    MIRROR,
    MOVABLE,
    NO_MMU,
    NO_SPARSE,
    NUMA,
    SYSCTL,
    TINY,
    UMA,
)

CONFIGS: dict[str, Config] = {
    "tiny": TINY,
    "tiny-sysctl": SYSCTL,
    "tiny-boost": BOOST,
    "tiny-hugepages": HUGEPAGES,
    "tiny-highmem": HIGHMEM,
    "tiny-descending": DESCENDING,
    "tiny-holes": HOLES,
    "tiny-no-sparse": NO_SPARSE,
    "tiny-no-mmu": NO_MMU,
    "tiny-numa": NUMA,
    "tiny-gaps": GAPS,
    "tiny-few": FEW,
    "tiny-uma": UMA,
    "tiny-movable": MOVABLE,
    "tiny-mirror": MIRROR,
    "tiny-deferred": DEFERRED,
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
