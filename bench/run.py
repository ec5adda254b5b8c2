"""Measure mmoracle against named peers, and write what came out as Markdown.

    python bench/run.py [--quick] [--write docs/performance.md]

Nothing here is a test: a ratio between two sides of one run says something on any
machine, an absolute time does not.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

import buddy
import engines
import memblock
import rbtree
import traces

PARTS = {
    "Red-black trees": rbtree.tables,
    "memblock": memblock.tables,
    "Page allocator": buddy.tables,
    "Traces of page events": traces.tables,
    "Engines": engines.tables,
}

INTRO = """# Performance

Written by `make bench`, that is `python bench/run.py --write docs/performance.md`,
with {python} on {cores} cores{how}.

Every ratio is taken inside one run: the repetitions of all sides take turns, and the
fastest repetition of each side counts. The garbage collector rests while a repetition
is measured. Rates and seconds hold for this machine only; no test depends on any of
these numbers. A ratio above 1 means that mmoracle is slower than the peer, unless the
table says otherwise.
"""


def intro(quick: bool) -> str:
    """Return what a reader must know to reproduce the tables."""
    return INTRO.format(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cores=os.cpu_count(),
        how=", by a quick run with fewer sizes and repetitions" if quick else "",
    )


def report(quick: bool) -> str:
    """Measure everything and return the report."""
    parts = [intro(quick)]
    for title, tables in PARTS.items():
        print(f"measuring: {title}", file=sys.stderr)
        parts.append(f"## {title}\n")
        parts += [each.markdown() for each in tables(quick)]
    return "\n".join(parts)


def main() -> None:
    """Read the command line, measure, and print or write the report."""
    parser = argparse.ArgumentParser(description="Measure mmoracle against its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer sizes, less time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write it there")
    asked = parser.parse_args()
    text = report(asked.quick)
    if asked.write is None:
        print(text, end="")
    else:
        asked.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
