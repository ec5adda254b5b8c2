"""What a user set in /proc/sys/vm, where a record or the command line says it.

A record may hold `sysctl.txt` beside a zoneinfo, lines `vm.name = value`; or, beside
the folders of its snapshots, `writes.txt`: lines `value > /proc/sys/vm/name`, perhaps
`(refused)`, and lines that end in `-> folder` for the snapshot made then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .boot_log import BootLog
from .text import BadText, read_lines

_LINE = re.compile(r"vm\.(\w+)\s*=\s*(.*?)\s*", re.ASCII)
_WORD = re.compile(r"sysctl[./]vm[./](\w+)=(.*)", re.ASCII)
_WRITE = re.compile(r"([0-9 \t]+) > /proc/sys/vm/(\w+)", re.ASCII)
_NUMBERS = re.compile(r"[0-9]{1,18}(?:[\s,]+[0-9]{1,18})*", re.ASCII)
_CPUS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", re.ASCII)
KNOWN = (
    "min_free_kbytes",
    "watermark_scale_factor",
    "watermark_boost_factor",
    "lowmem_reserve_ratio",
    "percpu_pagelist_fraction",
    "percpu_pagelist_high_fraction",
)


@dataclass
class Settings:
    """Values that are said, and where; a value that is not said is None or empty."""

    source: str = ""
    values: dict[str, tuple[int, ...]] = field(default_factory=dict)
    node_cpus: dict[int, int] = field(default_factory=dict)

    def one(self, name: str) -> int | None:
        """Return a setting that is one number."""
        value = self.values.get(name)
        return value[0] if value else None

    @property
    def min_free_kbytes(self) -> int | None:
        """Return min_free_kbytes as it is now."""
        return self.one("min_free_kbytes")

    @property
    def scale(self) -> int | None:
        """Return watermark_scale_factor."""
        return self.one("watermark_scale_factor")

    @property
    def boost_factor(self) -> int:
        """Return watermark_boost_factor."""
        said = self.one("watermark_boost_factor")
        return 15000 if said is None else said

    def ratios(self, own: tuple[int, ...]) -> tuple[int, ...]:
        """Return lowmem_reserve_ratio; `own` is the kernel's."""
        said = self.values.get("lowmem_reserve_ratio", ())
        return (said + own[len(said) :])[: len(own)]

    @property
    def fraction(self) -> int:
        """Return percpu_pagelist_fraction."""
        return self.one("percpu_pagelist_fraction") or 0

    def cpus_of(self, node: int, online: int) -> int:
        """Return the CPUs that a node's pages are split between."""
        return self.node_cpus.get(node, 0) or max(1, online)


def settings_of(log: BootLog, zoneinfo: Path) -> Settings:
    """Return the settings in force when a zoneinfo was read."""
    found = Settings()
    for word in log.words:
        if match := _WORD.fullmatch(word):
            keep(found, match[1], match[2])
            found.source = f"line {log.words_line}"
    file = zoneinfo.parent / "sysctl.txt"
    if file.is_file():
        for number, text in enumerate(read_lines(file), 1):
            match = _LINE.fullmatch(text.strip())
            if match and not keep(found, match[1], match[2]):
                raise BadText(file, number, f"vm.{match[1]} is no number")
        found.source = file.name
    take_writes(found, zoneinfo)
    if log.cpus is not None and sum(log.node_cpus.values()) == log.cpus.value:
        found.node_cpus = dict(log.node_cpus)
    for folder in (zoneinfo.parent / "node", zoneinfo.parent.parent / "node"):
        for each in sorted(folder.glob("node*/cpulist")):
            node = each.parent.name.removeprefix("node")
            if node.isdecimal():
                found.node_cpus[int(node)] = cpus_in(each)
    return found


def take_writes(found: Settings, zoneinfo: Path) -> None:
    """Take what was written before a snapshot, where the record tells it."""
    file = zoneinfo.parent.parent / "writes.txt"
    written: list[tuple[str, str]] = []
    for text in read_lines(file) if file.is_file() else ():
        if match := _WRITE.fullmatch(text.strip()):
            written.append((match[2], match[1]))
        elif text.strip() == "(refused)" and written:
            written.pop()
        elif f" {text.strip()}".endswith(f" -> {zoneinfo.parent.name}"):
            for name, value in written:
                keep(found, name, value)
            found.source = file.name if written else found.source


def cpus_in(path: Path) -> int:
    """Return how many CPUs a list as `0-3,8` names; 0 for an empty one."""
    count = 0
    if path.stat().st_size:
        for part in "".join(read_lines(path)).strip().split(","):
            match = _CPUS.fullmatch(part)
            count += int(match[2] or match[1]) - int(match[1]) + 1 if match else 0
    return count


def keep(found: Settings, name: str, text: str) -> bool:
    """Keep a setting that matters; say whether it is what it should be.

    Of a setting of several numbers, those that are not written stay.
    """
    if name not in KNOWN:
        return True
    if not _NUMBERS.fullmatch(text):
        return False
    values = tuple(map(int, re.split(r"[\s,]+", text)))
    found.values[name] = values + found.values.get(name, ())[len(values) :]
    return True
