"""What a boot log says about zones, apart from memblock's own lines.

Every number keeps the line that says it.  Addresses become page frame numbers.

Source: mm/page_alloc.c:free_area_init, zone_pcp_init, mem_init_print_info,
free_reserved_area, build_all_zonelists (v5.10); mm/mm_init.c (v6.12).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os import PathLike
from typing import TypeAlias

from .memblock_log import message_of
from .text import read_lines
from .zoneinfo import Number

PAGE_SHIFT = 12
K = 1 << (PAGE_SHIFT - 10)  # KiB of a page
LONGEST = 1 << 14  # characters of a line that may hold a fact

_ARCHITECTURE = r"(amd64|x86_64|arm64|aarch64|riscv64|686-pae|686)"
_SPAN = r"\[mem 0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})\]"
Match: TypeAlias = re.Match[str]


@dataclass(frozen=True, slots=True)
class Span:
    """Frames [start, end) that a line names."""

    start: int
    end: int
    line: int

    @property
    def pages(self) -> int:
        """Return the number of frames."""
        return self.end - self.start


@dataclass(slots=True)
class Reckoned:
    """What is reckoned of a node's zone before any page is free."""

    memmap: Number | None = None
    reserved: Number | None = None
    present: Number | None = None
    batch: Number | None = None


@dataclass(slots=True)
class Freed:
    """Memory that is given to the page allocator later: its name and its pages."""

    what: str
    pages: int
    line: int


@dataclass
class BootLog:
    """The facts of one boot."""

    path: str
    banner: str = ""  # of Linux version: what follows these words
    banner_line: int = 0
    arch: str = ""
    words: list[str] = field(default_factory=list)  # of the command line
    words_line: int = 0
    zones: dict[str, Span] = field(default_factory=dict)  # in the kernel's order
    nodes: list[tuple[int, Span]] = field(default_factory=list)  # memory
    movable: dict[int, Number] = field(default_factory=dict)
    totalpages: dict[int, Number] = field(default_factory=dict)
    reckoned: dict[tuple[int, str], Reckoned] = field(default_factory=dict)
    built: Number | None = None  # Total pages of the zonelists
    memory: dict[str, Number] = field(default_factory=dict)  # KiB
    freed: list[Freed] = field(default_factory=list)
    cma: list[Span] = field(default_factory=list)
    ramdisk: list[Span] = field(default_factory=list)
    deferred: dict[int, int] = field(default_factory=dict)  # node -> line
    cpus: Number | None = None
    node_cpus: dict[int, int] = field(default_factory=dict)  # by the firmware
    allocator_up: int = 0  # the line after which memblock gives nothing more
    drivers_up: int = 0  # the line that comes just before the initcalls
    boots: list[int] = field(default_factory=list)  # lines where one begins
    rebuilt: list[Number] = field(default_factory=list)  # later Total pages
    odd: list[tuple[int, str]] = field(default_factory=list)  # what no kernel prints
    firmware_map: bool = False  # there is an e820 map: this is x86
    node: int = 0  # the one that lines speak of

    @property
    def release(self) -> tuple[int, int] | None:
        """Return major and minor of the kernel's release, where it is said."""
        match = re.match(r"(\d{1,4})\.(\d{1,4})", self.banner, re.ASCII)
        return (int(match[1]), int(match[2])) if match else None

    @property
    def complete(self) -> bool:
        """Say whether the log goes on until the kernel's init memory is free."""
        return any("unused kernel" in each.what for each in self.freed)

    @property
    def x86_64(self) -> bool:
        """Say whether this is a 64-bit x86."""
        known = self.arch in ("amd64", "x86_64")
        return known or (self.firmware_map and not self.arch)

    @property
    def page_struct(self) -> int:
        """Return sizeof(struct page), by the architecture."""
        return 40 if self.arch.startswith("686") else 64

    def option(self, name: str) -> str | None:
        """Return the last value of a word of the command line."""
        values = [w.partition("=")[2] for w in self.words if w.split("=")[0] == name]
        return values[-1] if values else None


# ------------------------------------------------------------------ reading

_Take = Callable[[BootLog, int, Match], None]


def pfn(address: str) -> int:
    """Return the frame of an address."""
    return int(address, 16) >> PAGE_SHIFT


def span_of(start: str, last: str, line: int) -> Span:
    """Return the frames of a printed range, whose end is included."""
    return Span(pfn(start), (int(last, 16) + 1) >> PAGE_SHIFT, line)


def see_pages(log: BootLog, line: int, start: str, last: str) -> None:
    """Note a printed range that is not made of whole pages."""
    for address in (int(start, 16), int(last, 16) + 1):
        if address % (1 << PAGE_SHIFT):
            log.odd.append((line, f"{address:#x} is not where a page begins"))


def see_kbytes(log: BootLog, line: int, kbytes: int) -> None:
    """Note an amount that is not made of whole pages."""
    if kbytes % K:
        log.odd.append((line, f"{kbytes}K are no whole pages"))


def take_banner(log: BootLog, line: int, match: Match) -> None:
    """Take the line that names the release."""
    log.boots.append(line)
    name_kernel(log, line, match[1])


def name_kernel(log: BootLog, line: int, banner: str) -> None:
    """Take what the kernel calls itself."""
    if not log.banner:
        log.banner, log.banner_line = banner, line
        found = re.search(_ARCHITECTURE, banner)
        log.arch = found[1] if found else ""


def take_words(log: BootLog, line: int, match: Match) -> None:
    """Take the command line; the longer of two says more."""
    words = match[1].split()
    if len(words) > len(log.words):
        log.words, log.words_line = words, line


def take_zone(log: BootLog, line: int, match: Match) -> None:
    """Take one of the zone ranges; an empty zone begins where the last one ended."""
    if log.nodes or match[1] in log.zones:
        return
    if match[2]:
        see_pages(log, line, match[2], match[3])
    end = max((zone.end for zone in log.zones.values()), default=0)
    span = span_of(match[2], match[3], line) if match[2] else Span(end, end, line)
    log.zones[match[1]] = span


def take_node(log: BootLog, line: int, match: Match) -> None:
    """Take a range of memory of a node."""
    see_pages(log, line, match[2], match[3])
    log.nodes.append((int(match[1]), span_of(match[2], match[3], line)))


def take_movable(log: BootLog, line: int, match: Match) -> None:
    """Take where ZONE_MOVABLE begins on a node."""
    if not log.nodes:
        see_pages(log, line, match[2], "fff")
        log.movable[int(match[1])] = Number(pfn(match[2]), line)


def take_totalpages(log: BootLog, line: int, match: Match) -> None:
    """Take the pages of a node; the lines that follow speak of its zones."""
    log.node = int(match[1])
    log.totalpages[log.node] = Number(int(match[2]), line)


def take_reckoned(log: BootLog, line: int, match: Match) -> None:
    """Take what is reckoned of a zone."""
    zone = log.reckoned.setdefault((log.node, match[1]), Reckoned())
    number = Number(int(match[2]), line)
    if match[4]:
        zone.present, zone.batch = number, Number(int(match[4]), line)
    elif match[3].startswith("used"):
        zone.memmap = number
    else:
        zone.reserved = number


def take_built(log: BootLog, line: int, match: Match) -> None:
    """Take the pages that the zonelists hold; again where memory is added later."""
    number = Number(int(match[1]), line)
    if log.built is None:
        log.built = number
    else:
        log.rebuilt.append(number)


def take_memory(log: BootLog, line: int, match: Match) -> None:
    """Take the line of mem_init: KiB by name."""
    log.memory = {
        "available": Number(int(match[1]), line),
        "total": Number(int(match[2]), line),
    }
    for number, name in re.findall(r"([0-9]{1,18})K ([a-z-]+)", match[3], re.ASCII):
        log.memory[name] = Number(int(number), line)
    for name in ("available", "total", "reserved", "cma-reserved"):
        see_kbytes(log, line, log.memory[name].value if name in log.memory else 0)


def take_freed(log: BootLog, line: int, match: Match) -> None:
    """Take memory that is freed after the boot needed it."""
    see_kbytes(log, line, int(match[2]))
    log.freed.append(Freed(match[1], int(match[2]) // K, line))


def take_cma(log: BootLog, line: int, match: Match) -> None:
    """Take an area that is set aside for contiguous allocations."""
    add_area(log, line, match[2], match[1])


def take_pool(log: BootLog, line: int, match: Match) -> None:
    """Take such an area that the device tree names."""
    add_area(log, line, match[1], match[2])


def add_area(log: BootLog, line: int, address: str, mib: str) -> None:
    """Keep an area once, whichever lines speak of it."""
    start = pfn(address)
    if not any(each.start == start for each in log.cma):
        log.cma.append(Span(start, start + (int(mib) << 20 - PAGE_SHIFT), line))


def take_ramdisk(log: BootLog, line: int, match: Match) -> None:
    """Take where the initrd lies; it may be moved, the last line holds."""
    span = Span(pfn(match[1]), (int(match[2], 16) >> PAGE_SHIFT) + 1, line)
    log.ramdisk.append(span)


def take_deferred(log: BootLog, line: int, match: Match) -> None:
    """Take that a node's last pages came late."""
    log.deferred[int(match[1])] = line


def take_cpus(log: BootLog, line: int, match: Match) -> None:
    """Take how many CPUs run."""
    log.cpus = Number(int(match[1]), line)


def take_node_cpu(log: BootLog, line: int, match: Match) -> None:
    """Take that a CPU is of a node."""
    node = int(match[1])
    log.node_cpus[node] = log.node_cpus.get(node, 0) + 1


def take_firmware_map(log: BootLog, line: int, match: Match) -> None:
    """Take that the firmware gave an e820 map."""
    log.firmware_map = True


def take_nothing(log: BootLog, line: int, match: Match) -> None:
    """Take a line that only marks a moment."""


_N = "([0-9]{1,18})"
_FORMS: tuple[tuple[str, str, _Take], ...] = (
    ("Linux", r"Linux version (.+)", take_banner),
    ("Command", r"Command line: (.*)", take_words),
    ("Kernel c", r"Kernel command line: (.*)", take_words),
    ("", rf"(\w+) +(?:{_SPAN}|empty)", take_zone),
    ("node ", rf"node +([0-9]{{1,9}}): {_SPAN}", take_node),
    ("Node ", r"Node ([0-9]{1,9}): 0x([0-9a-f]{1,16})", take_movable),
    ("On node", rf"On node ([0-9]{{1,9}}) totalpages: {_N}", take_totalpages),
    (
        "",
        rf"(\w+) zone: {_N} pages"
        rf"(?: (used for memmap|reserved)|, LIFO batch:{_N})",
        take_reckoned,
    ),
    ("Built", rf"Built .* zonelists.*Total pages: {_N}", take_built),
    ("Memory:", rf"Memory: {_N}K/{_N}K available(.*)", take_memory),
    ("Freeing", rf"Freeing (.+?) memory: {_N}K", take_freed),
    ("cma:", rf"cma: Reserved {_N} MiB at 0x([0-9a-f]{{1,16}})(?: .*)?", take_cma),
    (
        "Reserved mem",
        rf"Reserved memory: created CMA memory pool at 0x([0-9a-f]{{1,16}}), size {_N}"
        " MiB",
        take_pool,
    ),
    ("RAMDISK", rf"RAMDISK: {_SPAN}", take_ramdisk),
    ("Allocated", rf"Allocated new RAMDISK: {_SPAN}", take_ramdisk),
    ("node ", r"node ([0-9]{1,9}) deferred pages initialised in .*", take_deferred),
    ("smp:", rf"smp: Brought up [0-9]+ nodes?, {_N} CPUs?", take_cpus),
    ("SRAT:", r"SRAT: PXM \w+ -> APIC \w+ -> Node ([0-9]{1,9})", take_node_cpu),
    (
        "ACPI:",
        r"ACPI: (?:NUMA: )?SRAT: PXM \w+ -> (?:MPIDR|APIC) \w+ -> Node ([0-9]{1,9})",
        take_node_cpu,
    ),
    ("BIOS-e820:", r"BIOS-e820: .*", take_firmware_map),
    ("SLUB:", r"SLUB: .*", take_nothing),
    ("devtmpfs:", r"devtmpfs: initialized", take_nothing),
)
_READ = tuple((head, re.compile(form, re.ASCII), take) for head, form, take in _FORMS)


def read_boot_log(path: str | PathLike[str]) -> BootLog:
    """Return what a log says; raise `BadText` if it is no text."""
    return boot_log_of(str(path), read_lines(path))


def boot_log_of(path: str, lines: Iterable[str]) -> BootLog:
    """Return what the lines of a log say."""
    log = BootLog(path)
    for number, text in enumerate(lines, 1):
        if len(text) <= LONGEST and "memblock_" not in text[:60]:
            take_line(log, number, message_of(text).strip())
    return log


def take_line(log: BootLog, number: int, text: str) -> None:
    """Take one message, if it says a fact; those of a second boot are another's."""
    if len(log.boots) > 1:
        return
    for head, form, take in _READ:
        if text.startswith(head) and (match := form.fullmatch(text)):
            take(log, number, match)
            if head in ("SLUB:", "Memory:"):
                log.allocator_up = log.allocator_up or number
            elif head == "devtmpfs:":
                log.drivers_up = log.drivers_up or number
            return
