"""Bindings: the only modules that know both sides of a subsystem."""

from mmoracle.spec.core import Disallowed


def refuse(complaint: tuple[str, str] | None) -> None:
    """Raise `Disallowed` for a machine's complaint (rule, reason), if there is one."""
    if complaint is not None:
        raise Disallowed(*complaint)
