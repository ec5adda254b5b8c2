"""What sparse_init() asks memblock for, as three real kernels logged it.

Each boot is done with the memory of the log; every request of the specification must
be a line of the log, in order, with its size, alignment and node.
"""

import lzma
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mmoracle.checkers.bind.memmodel_configs import ARM64, RISCV64, X86_64, linux
from mmoracle.spec.linux import Addr
from mmoracle.spec.memmodel.boot import MemoryPresent
from mmoracle.spec.memmodel.ops import EMPTY
from mmoracle.spec.memmodel.sparse import SparseInitNid
from mmoracle.spec.memmodel.state import Asked, Bank, Phase, Took

TRACES = Path(__file__).parents[1] / "data" / "traces"
REQUEST = re.compile(
    r"memblock_alloc_\w+: (\d+) bytes align=(0x[0-9a-f]+) nid=(-?\d+) .*"
    r" (sparse_init\w*|sparse_index_alloc|memmap_alloc)\+"
)
NODE = re.compile(r" node +0: \[mem 0x([0-9a-f]+)-0x([0-9a-f]+)\]")
KERNELS = {
    "x86_64-5.10-256M": linux(**X86_64),
    "arm64-5.10-512M": linux(**ARM64),
    "riscv64-6.12-512M": replace(linux(**RISCV64), sizeof_section=32),  # page_ext
}


def logged(machine):
    """Return the requests of a log, and its memory."""
    with lzma.open(TRACES / machine / "dmesg.txt.xz", "rt", errors="replace") as log:
        text = log.read()
    requests = [
        (int(size), int(align, 16), int(nid))
        for size, align, nid, _ in REQUEST.findall(text)
    ]
    spans = [(int(a, 16), int(b, 16) + 1) for a, b in NODE.findall(text)]
    return requests, [Bank(0, a >> 12, b >> 12) for a, b in dict(spans).items()]


def booted(cfg, banks):
    """Return what boot asks for, and the state when all sections have maps."""
    s, events = EMPTY, []
    for bank in banks:
        s, told = MemoryPresent(bank).run(cfg, s)
        events += told.events
    low = cfg.arena[0] & -cfg.map_bytes
    op = SparseInitNid(Addr(low + 64), Addr(low + 4 * cfg.map_bytes), Addr(0))
    s, told = op.run(cfg, s)
    return s, [*events, *told.events]


@pytest.mark.parametrize("machine", KERNELS)
def test_boot_asks_for_what_a_real_kernel_asked_for(machine):
    """The array of tables, one table, the usage records, the buffer of all maps.

    |           | array      | table | records | buffer           |
    | x86_64    | 16,384     | 4,096 | 2 * 56  | 4 MiB by 2 MiB   |
    | arm64     | 8,192      | 4,096 | 336     | 16 MiB by 16 MiB |
    | riscv64   | 33,554,432 | 4,096 | 4 * 56  | 8 MiB by 2 MiB   |
    """
    requests, banks = logged(machine)
    assert len(requests) == 4
    s, events = booted(KERNELS[machine], banks)
    asked = [(x.size, x.align, x.nid) for x in events if isinstance(x, Asked)]
    assert asked == requests
    assert s.phase is Phase.MAPPED


@pytest.mark.parametrize("machine", KERNELS)
def test_the_buffer_is_used_up_by_the_maps(machine):
    cfg, (_, banks) = KERNELS[machine], logged(machine)
    _, events = booted(cfg, banks)
    took = [each.size for each in events if isinstance(each, Took)]
    sections = {
        nr
        for b in banks
        for nr in range(b.start >> cfg.shift, ((b.end - 1) >> cfg.shift) + 1)
    }
    assert sum(took) == len(sections) * cfg.map_bytes
    assert set(took) == {cfg.piece}
