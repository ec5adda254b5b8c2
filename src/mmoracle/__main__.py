"""``python -m mmoracle``: the same as the ``mmoracle`` command."""

from mmoracle.checkers.cli import main

main()
