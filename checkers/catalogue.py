"""What there is to check: every subsystem with its operations, rules and sizes."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any

import mmoracle
from mmoracle.spec.core import sentence

from .registry import SUBSYSTEMS
from .session import GENERIC_RULES, RULES_OF_ENGINES
from .shape import fields_of
from .subsystem import Subsystem


def catalogue() -> dict[str, Any]:
    """Return everything that can be named on the command line, as plain data."""
    rules = GENERIC_RULES | RULES_OF_ENGINES
    return {
        "tool": "mmoracle",
        "version": mmoracle.__version__,
        "subsystems": [entry(each) for each in SUBSYSTEMS.values()],
        "rules": [{"id": i, "sentence": s} for i, s in rules.items()],
    }


def entry(sub: Subsystem[Any, Any, Any]) -> dict[str, Any]:
    """Return one subsystem as plain data."""
    return {
        "name": sub.name,
        "about": sub.about,
        "operations": [
            {"name": op.__name__, "about": sentence(op), "arguments": arguments(op)}
            for op in sub.ops
        ],
        "invariants": [claim(each.id, each.check) for each in sub.invariants],
        "laws": [claim(each.id, each.check) for each in sub.laws],
        "contracts": [{"id": c.id, "sentence": c.sentence} for c in sub.contracts],
        "implied": dict(sub.implied),
        "witnesses": [
            {"name": each.__name__, "sentence": sentence(each)}
            for each in sub.witnesses
        ],
        "configs": {name: sizes(cfg) for name, cfg in sub.configs.items()},
    }


def claim(rule: str, check: Any) -> dict[str, str]:
    """Return a rule with the sentence it states."""
    return {"id": rule, "sentence": sentence(check)}


def arguments(op: type[Any]) -> dict[str, str]:
    """Return the arguments of an operation with the names of their types."""
    given = fields_of(op)  # type: ignore[arg-type]  # a class is hashable
    return {name: getattr(t, "__name__", str(t)) for name, t in given.items()}


def sizes(cfg: Any) -> dict[str, Any]:
    """Return the fields of a configuration."""
    return {each.name: plain(getattr(cfg, each.name)) for each in fields(cfg)}


def plain(thing: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(thing, Enum):
        return thing.name
    if isinstance(thing, tuple | list | frozenset):
        return [plain(each) for each in thing]
    if isinstance(thing, bool | int | str | None):
        return thing
    return str(thing)


def lines_of(found: dict[str, Any]) -> list[str]:
    """Return the catalogue as text."""
    lines = []
    for sub in found["subsystems"]:
        lines += [f"{sub['name']}: {sub['about']}", "  operations"]
        for op in sub["operations"]:
            call = f"{op['name']}({', '.join(op['arguments'])})"
            lines.append(f"    {call:<34} {op['about']}")
        for kind in ("invariants", "laws", "contracts"):
            lines.append(f"  {kind}")
            lines += [f"    {c['id']:<18} {c['sentence']}" for c in sub[kind]]
        lines.append("  witnesses")
        lines += [f"    {w['name']:<34} {w['sentence']}" for w in sub["witnesses"]]
        lines.append("  configs")
        for name, bounds in sub["configs"].items():
            shown = ", ".join(f"{k}={v}" for k, v in bounds.items() if v)
            lines.append(f"    {name:<18} {shown}")
    lines.append("every subsystem")
    lines += [f"    {rule['id']:<18} {rule['sentence']}" for rule in found["rules"]]
    return lines
