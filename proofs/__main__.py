"""`python -m mmoracle.proofs [-v] [LEMMA...]`: prove every lemma, or those named.

With -v it says what each means, what meets its hypotheses and what refutes it.  Exit
codes: 0 all hold, 1 one is refuted, 2 there is no such lemma, 3 one is not decided.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from threading import Timer

WALL = 300.0  # seconds; a solver that hangs must not hang the run
USAGE, UNDECIDED = 2, 3


def write(line: str) -> None:
    """Write one line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def give_up() -> None:
    """End the run from outside the solver: what is not decided stays unknown."""
    write(f"UNKNOWN   no answer within {WALL:.0f} s; the run was stopped")
    os._exit(UNDECIDED)


def main(words: Sequence[str]) -> int:
    """Prove the lemmas whose names contain one of these; all without names."""
    names = [word for word in words if word != "-v"]
    try:
        import z3  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        write("UNKNOWN   nothing is proved without z3: pip install z3-solver")
        return UNDECIDED
    from mmoracle.checkers.ledger import details, exit_of, line_of, summary
    from mmoracle.checkers.lemma import prove

    from .catalogue import LEMMAS

    missing = [one for one in names if not any(one in each.name for each in LEMMAS)]
    if missing:
        write(f"there is no lemma {missing[0]}")
        return USAGE
    wall = Timer(WALL, give_up)
    wall.daemon = True
    wall.start()
    proofs = []
    for lemma in LEMMAS:
        if not names or any(one in lemma.name for one in names):
            proofs.append(prove(lemma))
            write(line_of(proofs[-1]))
            for line in details(proofs[-1]) if "-v" in words else ():
                write(line)
    wall.cancel()
    for line in summary(proofs):
        write(line)
    return exit_of(proofs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
