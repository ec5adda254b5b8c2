"""`python -m mmoracle.proofs` is `mmoracle prove`."""

from mmoracle.checkers.cli import prove

prove()
