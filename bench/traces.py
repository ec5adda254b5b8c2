"""Judging a kernel's trace: against merely reading and splitting the same lines.

The trace is that of a machine under `../shared/traces`, or the piece in `tests/data`.
"""

from __future__ import annotations

import lzma
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from table import Side, Table, Times, factor, fastest

from mmoracle.checkers.kernel.ftrace import page_events
from mmoracle.checkers.kernel.kmem_judge import judge_trace

HOUSE = Path(__file__).parent.parent
NAME = "x86_64-5.10-256M"
SHARED = Path(os.environ.get("MMORACLE_SHARED", HOUSE.parent / "shared")) / "traces"
SAMPLE = HOUSE / "tests" / "data" / "pages"
PARTS = (8, 4, 2, 1)  # the trace, and fractions of it
MEASURE = """
import sys
from pathlib import Path
from mmoracle.checkers.kernel.kmem_judge import judge_trace
start = Path(sys.argv[2]) if len(sys.argv) > 2 else None
judge_trace(Path(sys.argv[1]), start=start, alone=True)
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


def folder() -> Path:
    """Return where the trace to measure is."""
    return next(p / NAME for p in (SHARED, SAMPLE) if (p / NAME).is_dir())


@contextmanager
def unpacked(packed: Path) -> Iterator[Path]:
    """Lend the trace as plain text."""
    with TemporaryDirectory() as room:
        plain = Path(room) / "trace.txt"
        plain.write_bytes(lzma.decompress(packed.read_bytes()))
        yield plain


def split(path: Path) -> None:
    """Read a trace's lines and split each into words: what any reader must do."""
    opening = lzma.open if path.suffix == ".xz" else open
    with opening(path, "rt") as file:
        for line in file:
            line.split()


def parse(path: Path) -> None:
    """Read a trace's page events."""
    for _ in page_events(path):
        pass


def timed(work: partial[object]) -> Times:
    """Return how long a piece of work takes."""
    began = perf_counter()
    work()
    return {"": perf_counter() - began}


def sides(trace: Path, start: Path) -> dict[str, Side]:
    """Return what is done with the same lines, by name."""
    works: dict[str, partial[object]] = {
        "read and split": partial(split, trace),
        "read its page events": partial(parse, trace),
        "judge permissively": partial(judge_trace, trace, alone=True),
        "judge exactly": partial(judge_trace, trace, start=start, alone=True),
    }
    return {name: partial(timed, work) for name, work in works.items()}


def rates(repeats: int) -> Table:
    """Compare judging with merely reading, packed and as plain text."""
    home = folder()
    packed, start = home / "trace.txt.xz", home / "state-t0.json.xz"
    rows = []
    with unpacked(packed) as plain:
        lines = sum(1 for _ in plain.open("rb"))
        for form, trace in (("xz", packed), ("plain", plain)):
            best = fastest(sides(trace, start), repeats)
            base = best["read and split"][""]
            for name, times in best.items():
                seconds = times[""]
                rows.append(
                    [
                        f"{name}, {form}",
                        f"{lines / seconds:,.0f}",
                        factor(base / seconds),
                    ]
                )
    head = ("work", "lines/s", "rate relative to read and split")
    note = (
        f"{lines:,} lines of {NAME}. A rate below 1 is slower than reading the same "
        "file line by line and splitting each line into words."
    )
    return Table("Traces of page events", head, rows, note)


def memory(parts: tuple[int, ...]) -> Table:
    """Show how much memory traces of growing length take."""
    home = folder()
    rows = []
    with unpacked(home / "trace.txt.xz") as plain:
        lines = plain.read_bytes().splitlines(keepends=True)
        for part in parts:
            piece = plain.with_name("piece.txt")
            piece.write_bytes(b"".join(lines[: len(lines) // part]))
            exact = peak(str(piece), str(home / "state-t0.json.xz"))
            rows.append(
                [f"{len(lines) // part:,}", f"{exact} MiB", f"{peak(str(piece))} MiB"]
            )
    head = ("lines", "judged exactly", "judged permissively")
    note = (
        "The greatest resident size of a process that judges one trace and no more. It "
        "grows with the frames that were touched, up to the memory of the machine that "
        "was traced; what is remembered of entries does not grow."
    )
    return Table("Memory against the length of a trace", head, rows, note)


def peak(*arguments: str) -> int:
    """Return the greatest resident size in MiB of judging one trace (Linux)."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout) // 1024


def tables(quick: bool) -> list[Table]:
    """Return the rates, and the memory against the length."""
    return [
        rates(1 if quick else 5),
        memory(PARTS[:1] + PARTS[-1:] if quick else PARTS),
    ]
