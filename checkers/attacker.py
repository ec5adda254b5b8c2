"""CrossHair's own command lines, one after another in one process.

`python -m mmoracle.checkers.attacker` reads them from standard input, as JSON: a list
of lists of words.  Starting the program takes longer than most answers, so it is
started once.  Each answer stands between two lines that begin with MARK: the number of
the question, then its number, exit code and seconds of processor time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from time import process_time
from typing import Any

MARK = "\x1e"  # no answer has it


def write(line: str) -> None:
    """Write one line that is read at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def answer(program: Any, words: Sequence[str]) -> int:
    """Let the program run one command line; return its exit code."""
    try:
        return int(program.unwalled_main(list(words)))
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 2


def main() -> int:
    """Answer every question."""
    questions = json.load(sys.stdin)
    program = import_module("crosshair.main")
    import_module("crosshair.auditwall").engage_auditwall(())
    for number, words in enumerate(questions):
        write(f"{MARK}{number}")
        began = process_time()
        code = answer(program, words)
        write(f"{MARK}{number} {code} {process_time() - began:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
