"""CBMC on the kernel's own lib/rbtree.c: `run.py KERNEL CBMC [-n N] [-t SECONDS]`.

Prints one line for insertion and one for erasure: how many items, the verdict, seconds
of wall and of processor, the most memory, the size of the question, and how far loops
are unwound.  A verdict counts only with every unwinding assertion proved, and these are
asked for.  With --broken one colour in a copy of the file is changed, so that the
checker is seen to refute.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

HERE = Path(__file__).resolve().parent
MOST = 5  # items in tree.h
DEPTH = (0, 1, 2, 2, 3, 3)  # of the highest red-black tree of so many nodes


@dataclass(frozen=True)
class Run:
    """One run of the checker, and what it cost."""

    verdict: str
    seconds: float
    processor: float
    megabytes: float
    size: str  # variables and clauses


def unwound(operation: str, items: int) -> dict[str, int]:
    """Return how often each loop and recursion is unwound; one too few is reported."""
    deep, before = DEPTH[items], DEPTH[items - 1]
    loops = {
        "put_all.0": items + 1,
        "put.0": before + 1,
        "__rb_insert.0": 2,
        "height": deep + 1,
    }
    if operation == "erase":
        loops |= {"__rb_erase_augmented.0": deep, "____rb_erase_color.0": deep}
    return loops


def command(args: argparse.Namespace, operation: str, source: Path) -> list[str]:
    """Return the command line."""
    loops = unwound(operation, args.items)
    return [
        "nice",
        "-n",
        "19",
        str(args.cbmc),
        f"-DNR={args.items}",
        *("-I", str(HERE / "stubs"), "-I", str(args.kernel / "include")),
        str(HERE / f"rbtree_{operation}.c"),
        str(source),
        "--unwindset",
        ",".join(f"{name}:{times}" for name, times in loops.items()),
        *("--unwinding-assertions", "--slice-formula"),
    ]


PAINTED = {"insert": r"(NULL),\s*RB_BLACK", "erase": r"(root),\s*RB_BLACK"}


def broken(source: Path, operation: str, folder: Path) -> Path:
    """Return a copy in which an operation paints red what it must paint black."""
    copy = folder / source.name
    copy.write_text(re.sub(PAINTED[operation], r"\1, RB_RED", source.read_text()))
    return copy


def measured(words: list[str], limit: int) -> Run:
    """Run the checker; the system ends it when it has used up its processor time."""
    allowed = partial(resource.setrlimit, resource.RLIMIT_CPU, (limit, limit + 5))
    with tempfile.TemporaryFile("w+") as said:
        began = monotonic()
        child = subprocess.Popen(
            words, stdout=said, stderr=subprocess.STDOUT, preexec_fn=allowed
        )
        done = os.wait4(child.pid, 0)
        _, status, used = done
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    late = child.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
    found = re.findall(r"^(\d+ variables, \d+ clauses)", text, re.MULTILINE)
    return Run(
        verdict="no answer in time" if late else verdict_of(text),
        seconds=monotonic() - began,
        processor=used.ru_utime + used.ru_stime,
        megabytes=used.ru_maxrss / 1024,
        size=found[-1] if found else "",
    )


def verdict_of(text: str) -> str:
    """Return what the checker found."""
    if "VERIFICATION SUCCESSFUL" in text:
        return "proved"
    failed = re.findall(r"^\[.*?\] (.*): FAILURE$", text, re.MULTILINE)
    claims = [each for each in failed if "unwinding assertion" not in each]
    if claims:
        claim = claims[0].removeprefix("line ")
        return f"refuted: {claim.lstrip('0123456789 ')}"
    if failed:
        return "not unwound far enough"
    return "error: " + (text.strip().splitlines() or ["it said nothing"])[-1]


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kernel", type=Path, help="an unpacked source of Linux 5.10")
    parser.add_argument("cbmc", type=Path, help="the program")
    parser.add_argument("-n", dest="items", type=int, default=3, help="items")
    parser.add_argument("-t", dest="limit", type=int, default=600, help="seconds")
    parser.add_argument("--broken", action="store_true", help="change one colour")
    parser.add_argument("--only", choices=("insert", "erase"))
    args = parser.parse_args()
    if not 1 <= args.items <= MOST:
        parser.error(f"1 to {MOST} items")
    chosen = (args.only,) if args.only else ("insert", "erase")
    verdicts = [report(args, each) for each in chosen]
    return 0 if all(each == "proved" for each in verdicts) else 1


def report(args: argparse.Namespace, operation: str) -> str:
    """Run the checker on one operation, say what it cost, return the verdict."""
    source = args.kernel / "lib" / "rbtree.c"
    with tempfile.TemporaryDirectory() as folder:
        if args.broken:
            source = broken(source, operation, Path(folder))
        run = measured(command(args, operation, source), args.limit)
    loops = unwound(operation, args.items)
    told = ", ".join(f"{name} {times}" for name, times in loops.items())
    print(
        f"{operation} n={args.items}: {run.verdict}; {run.seconds:.0f} s, "
        f"{run.processor:.0f} s of processor, {run.megabytes:,.0f} MB; "
        f"{run.size or 'not solved'}; unwound {told}",
        flush=True,
    )
    return run.verdict


if __name__ == "__main__":
    sys.exit(main())
