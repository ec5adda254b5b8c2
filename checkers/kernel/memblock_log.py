"""What the boot log of a real kernel says about memblock.

`memblock=debug` makes a kernel log every call that changes a region list, every
request for memory and, now and then, both lists whole. `read_log` turns such a log
into entries, in order, in constant memory. It never guesses: whatever looks like a
memblock message and is not a whole one becomes a `Torn` entry.

Kernel: mm/memblock.c (memblock_dbg, memblock_dump).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .memblock_entry import (
    Doubled,
    Entry,
    NotDoubled,
    Range,
    Request,
    Row,
    State,
    Table,
    Torn,
    Width,
)
from .memblock_state import read_debugfs, read_state

__all__ = [
    "Doubled",
    "Entry",
    "NotDoubled",
    "Range",
    "Request",
    "Row",
    "State",
    "Table",
    "Torn",
    "Width",
    "message_of",
    "read_debugfs",
    "read_log",
    "read_state",
    "word_width",
]


LONGEST_MESSAGE = 8192  # the kernel's own limit is near 1024, a command line's 4096

_WHAT = {
    "memblock_add": "add",
    "memblock_add_node": "add",
    "memblock_reserve": "reserve",
    "__memblock_reserve": "reserve",
    "memblock_free": "free",
    "memblock_phys_free": "free",
    "memblock_remove": "remove",
    "memblock_physmem_add": "physmem_add",
    "memblock_free_late": "free_late",
    "__memblock_free_late": "free_late",
}
_REQUESTS = {
    "memblock_alloc_try_nid",
    "memblock_alloc_try_nid_raw",
    "memblock_alloc_exact_nid_raw",
    "memblock_alloc_node",
    "memblock_phys_alloc_range",
    "memblock_phys_alloc_try_nid",
}
_LISTS = ("memory", "reserved", "physmem")

_ADDRESS = "0x([0-9a-f]{16}|[0-9a-f]{8})"
_SPAN = rf"\[{_ADDRESS}-{_ADDRESS}\]"
_NUMBER = "([0-9]{1,20})"
_HEX = "0x([0-9a-f]{1,16})"
_NID = "(-?[0-9]{1,9})"
_CALLER = r"([\w.$]+\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[[^\]]*\])?|0x[0-9a-f]+)"

_INTEREST = re.compile(
    r"mem|MEMBLOCK|reserved|messages|Linux version|-0x|align=0x|[\0\x1b]"
)
_NOISE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\0")
_PREFIX = re.compile(
    r"(?:[^\[<]*?\bkernel(?:\[[0-9]+\])?: ?|[^\[<]*(?=<[0-9]{1,3}>\[)"
    r"|[^\[]*(?=\[ *[0-9]+\.[0-9]+\]))?"
    r"(?:kern *:\w+ *: ?)?(?:[0-9]+,[0-9]+,[0-9]+,[^;]*;)?"
    r"(?:<[0-9]{1,3}>)?(?:\[(?!0x)[^\[\]]{0,40}\] ?)*\s*"
)
_RANGE = re.compile(
    rf"(\w+): {_SPAN}(?: nid={_NID})?(?: flags[=:]? ?(?:0x)?([0-9a-f]{{1,8}}))?"
    rf" {_CALLER}",
    re.ASCII,
)
_REQUEST = re.compile(
    rf"(\w+): {_NUMBER} bytes align={_HEX}(?: nid={_NID})?"
    rf" from={_ADDRESS} max_addr={_ADDRESS} {_CALLER}",
    re.ASCII,
)
_DOUBLED = re.compile(
    rf"memblock: (\w+) (?:array )?is doubled to {_NUMBER} at {_SPAN}", re.ASCII
)
_NOT_DOUBLED = re.compile(
    rf"memblock: Failed to double (\w+) array from {_NUMBER} to {_NUMBER} entries !",
    re.ASCII,
)
_SIZES = re.compile(rf"memory size = {_ADDRESS} reserved size = {_ADDRESS}")
_COUNT = re.compile(rf"(memory|reserved|physmem)\.cnt\s+= {_HEX}")
_ROW = re.compile(
    rf"(memory|reserved|physmem)\[{_HEX}\]\s+{_SPAN}, {_ADDRESS} bytes"
    rf"(?: on node {_NID})? flags: {_HEX}"
)
_TABLE_LINE = re.compile(r"(?:memory|reserved|physmem)(?:\[0x|\.c| size =)")
_TRACE_OR_OPTION = re.compile(r"memblock=|_*memblock_\w+\+0x[0-9a-f]+/0x[0-9a-f]+")
_BURIED = re.compile(
    r"memblock_\w{1,40}: (?:\[|[0-9])|MEMBLOCK conf|memblock: \w{1,20} is doubled"
    r"|(?:memory|reserved)\[0x[0-9a-f]{1,8}\]\s?\[0x"
    r"|-0x[0-9a-f]{8,16}\] [\w.$]{1,80}\+0x|^\w{0,40}:? ?[0-9]{1,20} bytes align=0x"
)
_STUMPS = {"mem", "memb", "membl", "memblo", "membloc"}
_LOST = re.compile(r"\*\* [0-9]+ printk messages dropped|Missed [0-9]+ kernel messages")


def read_log(lines: Iterable[str]) -> Iterator[Entry]:
    """Yield what a kernel log says about memblock, line by line; skip the rest."""
    reader = _Reader()
    for number, text in enumerate(lines, 1):
        if _INTEREST.search(text):
            reader.feed(number, text)
            yield from reader.drain()
    reader.close_table()
    yield from reader.drain()


def word_width(lines: Iterable[str]) -> int:
    """Return how many bits an address has in a log; 64 when the log has none."""
    widths = (entry.bits for entry in read_log(lines) if isinstance(entry, Width))
    return next(widths, 64)


def message_of(text: str) -> str:
    """Return a log line without the marks that printk, journals and consoles add."""
    text = _NOISE.sub("", text).strip()
    match = _PREFIX.match(text)
    if match is None or "memblock_" in match[0]:
        return text
    return text[match.end() :]


@dataclass
class _Draft:
    """A table that is still being printed."""

    line: int
    sizes: tuple[int, int] | None = None
    sizes_line: int = 0
    counts: list[int] = field(default_factory=list)
    count_lines: list[int] = field(default_factory=list)
    rows: list[list[Row]] = field(default_factory=list)

    def missing(self) -> str:
        """Return what the table still lacks, or nothing."""
        if self.sizes is None:
            return "the line of sizes"
        for name, count, rows in zip(_LISTS, self.counts, self.rows, strict=False):
            if len(rows) < count and not self.adds_up(name, rows):
                return f"{name}[{len(rows):#x}]"
        return "" if len(self.counts) >= 2 else f"{_LISTS[len(self.counts)]}.cnt"

    def adds_up(self, name: str, rows: list[Row]) -> bool:
        """Say whether rows are all there by their bytes, whatever the count says."""
        if self.sizes is None or name == "physmem":
            return False
        total = self.sizes[_LISTS.index(name)]
        return sum(row.size for row in rows) == total

    def set_sizes(self, line: int, match: re.Match[str]) -> str:
        self.sizes_line = line
        if self.sizes is not None:
            return "a second line of sizes"
        self.sizes = int(match[1], 16), int(match[2], 16)
        return ""

    def set_count(self, line: int, match: re.Match[str]) -> str:
        expected = self.missing() or ("physmem.cnt", "the end")[len(self.counts) > 2]
        if f"{match[1]}.cnt" != expected:
            return f"{match[1]}.cnt stands where {expected} should"
        self.counts.append(int(match[2], 16))
        self.count_lines.append(line)
        self.rows.append([])
        return ""

    def add_row(self, line: int, match: re.Match[str]) -> str:
        found = f"{match[1]}[{int(match[2], 16):#x}]"
        here = _LISTS[len(self.counts) - 1] if self.counts else ""
        if not here or found != f"{here}[{len(self.rows[-1]):#x}]":
            return f"{found} stands where {self.missing() or 'the end'} should"
        base, size = int(match[3], 16), _size(match[3], match[4])
        nid = None if match[6] is None else int(match[6])
        printed, flags = int(match[5], 16), int(match[7], 16)
        self.rows[-1].append(Row(line, base, size, nid, flags, printed))
        return ""

    def table(self) -> Table | Torn:
        """Return the whole table, or what it lacks."""
        if self.sizes is None or self.missing():
            return Torn(self.line, f"the table breaks off before {self.missing()}")
        memory, reserved, physmem = (*map(tuple, self.rows), ())[:3]
        return Table(
            self.line,
            *self.sizes,
            memory,
            reserved,
            physmem,
            sizes_line=self.sizes_line,
            counts=tuple(zip(self.count_lines, self.counts, strict=True)),
        )


class _Reader:
    """The few things that must be remembered from one line to the next."""

    def __init__(self) -> None:
        self.out: list[Entry] = []
        self.bits = 0
        self.draft: _Draft | None = None
        self.in_broken_table = False
        self.saw_boot = False
        self.saw_memblock = False

    def drain(self) -> list[Entry]:
        out, self.out = self.out, []
        return out

    def feed(self, line: int, text: str) -> None:
        """Take one line of the log; a message glued to another is taken as its own."""
        if len(text) > LONGEST_MESSAGE:
            if "memblock_" in text or "MEMBLOCK" in text:
                self.torn(line, "the line is longer than any kernel message", text)
            return
        while text:
            text = self.message(line, message_of(text))

    def message(self, line: int, text: str) -> str:
        """Take one message and return what is glued to it."""
        if text.startswith(("memblock", "__memblock")):
            return self.operation(line, text)
        if text.startswith("MEMBLOCK"):
            self.header(line, text)
        elif _TABLE_LINE.match(text):
            self.table_line(line, text)
        elif text.startswith("Linux version "):
            self.boot(line)
        elif _LOST.search(text):
            self.torn(line, "the kernel lost messages", text)
        elif text in _STUMPS or _BURIED.search(text):
            self.torn(line, "a memblock message is cut or mixed with another", text)
        return ""

    def torn(self, line: int, why: str, text: str) -> None:
        self.begin(line)
        shown = text if len(text) <= 100 else text[:97] + "..."
        self.out.append(Torn(line, f"{why}: {shown.strip()!r}"))

    def boot(self, line: int) -> None:
        self.close_table()
        if self.saw_memblock:
            self.out.append(Torn(line, "a second boot begins here"))
        self.saw_boot = True

    def begin(self, line: int) -> None:
        """End the table before a new message; see that the log begins at the boot."""
        self.in_broken_table = False
        self.close_table()
        if not self.saw_boot and not self.saw_memblock:
            why = "the log begins after the boot: no 'Linux version' line comes first"
            self.out.append(Torn(line, why))
        self.saw_memblock = True

    def close_table(self) -> None:
        if self.draft is not None:
            table, self.draft = self.draft.table(), None
            self.in_broken_table = isinstance(table, Torn)
            self.out.append(table)

    def mixed(self, line: int, *addresses: str) -> bool:
        """Learn the width of an address, or tell that these have another one."""
        widths = {4 * len(address) for address in addresses}
        if self.bits == 0 and len(widths) == 1:
            self.bits = widths.pop()
            self.out.append(Width(line, self.bits))
            return False
        return widths != {self.bits}

    def operation(self, line: int, text: str) -> str:
        entry: Entry | None = None
        rest, addresses = "", ("", "")
        if match := _RANGE.fullmatch(text):
            entry, addresses = _range(line, match), (match[2], match[3])
        elif match := _REQUEST.fullmatch(text):
            entry, addresses = _request(line, match), (match[5], match[6])
        elif match := _DOUBLED.match(text):
            entry, addresses = _doubled(line, match), (match[3], match[4])
            rest = text[match.end() :]
        elif match := _NOT_DOUBLED.fullmatch(text):
            entry = NotDoubled(line, match[1], int(match[2]))
        elif _TRACE_OR_OPTION.match(text):
            return ""
        if entry is None:
            self.torn(line, "not a whole memblock message of a known kind", text)
            return ""
        self.begin(line)
        if addresses[0] and self.mixed(line, *addresses):
            self.torn(line, "an address has the wrong number of digits", text)
        else:
            self.out.append(entry)
        return rest

    def header(self, line: int, text: str) -> None:
        if text != "MEMBLOCK configuration:":
            self.torn(line, "not a whole memblock message of a known kind", text)
            return
        self.begin(line)
        self.draft = _Draft(line)

    def table_line(self, line: int, text: str) -> None:
        if self.draft is not None:
            why = self.table_fault(line, self.draft, text)
        else:
            why = "" if self.in_broken_table else "a table has no beginning"
        if why:
            self.draft = None
            self.torn(line, why, text)
            self.in_broken_table = True

    def table_fault(self, line: int, draft: _Draft, text: str) -> str:
        """Add one line to the table, or return why it does not fit."""
        if match := _COUNT.fullmatch(text):
            return draft.set_count(line, match)
        if match := _SIZES.fullmatch(text):
            mixed = self.mixed(line, match[1], match[2])
            why = draft.set_sizes(line, match)
        elif match := _ROW.fullmatch(text):
            mixed = self.mixed(line, match[3], match[4], match[5])
            why = draft.add_row(line, match)
        else:
            return "not a whole line of a table"
        return "an address has the wrong number of digits" if mixed else why


def _size(base: str, end: str) -> int:
    """Return the size of a printed range, as a word of the printed width."""
    return (int(end, 16) - int(base, 16) + 1) % (1 << 4 * len(base))


def _range(line: int, match: re.Match[str]) -> Range | None:
    function, base, end, nid, flags, caller = match.groups()
    if function not in _WHAT:
        return None
    return Range(
        line,
        _WHAT[function],
        int(base, 16),
        _size(base, end),
        caller,
        function,
        None if nid is None else int(nid),
        None if flags is None else int(flags, 16),
    )


def _request(line: int, match: re.Match[str]) -> Request | None:
    function, size, align, nid, min_addr, max_addr, caller = match.groups()
    if function not in _REQUESTS:
        return None
    kinds = (kind for kind in ("phys", "raw") if kind in function)
    return Request(
        line,
        function,
        int(size),
        int(align, 16),
        -1 if nid is None else int(nid),
        int(min_addr, 16),
        int(max_addr, 16),
        caller,
        "exact" in function,
        next(kinds, "zeroed"),
    )


def _doubled(line: int, match: re.Match[str]) -> Doubled:
    return Doubled(line, match[1], int(match[2]), int(match[3], 16), int(match[4], 16))
