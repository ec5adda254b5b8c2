"""Operator mutants of the slow path that change nothing, and why."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {
    "impl.slowpath.variables.Variables.watermark_ok: 0 -> 1 (#3)": (
        "The lists below the order of a request are not looked at."
    ),
    "spec.slowpath.path.first_failed: 0 -> -1": (
        "A single page is compacted in no way: compact() goes on at once."
    ),
}
