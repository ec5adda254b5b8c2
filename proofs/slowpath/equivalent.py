"""Operator mutants of the slow path that change nothing, and why."""

from __future__ import annotations

BELOW = "The lists below the order of a request are not looked at."
SINGLE = "A single page is compacted in no way: compact() goes on at once."
ALIKE = "The lists of unmovable and of other ordinary pages count alike."
FIRST = "There is one reserve for lower zones, which is the first and the last."
UNMOVED = "MIGRATE_UNMOVABLE is 0, and a shift by 0 changes nothing either way."
UNEQUAL = "Only parts that differ are compared."
WORDING = "It only writes a text for a reader."

MACHINE, SPEC = "impl.slowpath.variables.Variables.", "spec.slowpath."
RETRY, REPLIES, REQUEST = SPEC + "retry.", SPEC + "replies.", SPEC + "request."

EQUIVALENT: dict[str, str] = {
    MACHINE + "watermark_ok: 0 -> 1 (#3)": BELOW,
    MACHINE + "watermark_ok: 0 -> -1 (#3)": BELOW,
    MACHINE + "watermark_ok: 1 -> 2": ALIKE,
    SPEC + "path.first_failed: 0 -> -1": SINGLE,
    SPEC + "path.first_failed: s.order > 0 -> s.order >= 0": SINGLE,
    REPLIES + "may_serve: 0 -> -1": FIRST,
    REPLIES + "is_ready: 0 -> -1": FIRST,
    REPLIES + "is_ready: 0 -> -1 (#3)": FIRST,
    RETRY + "suitability: 0 -> -1": FIRST,
    RETRY + "suitability: 0 -> -1 (#3)": FIRST,
    RETRY + "order_0_is_fine: 0 -> -1 (#2)": FIRST,
    RETRY + "has_hope: 0 -> -1": FIRST,
    RETRY + "falls: new < old -> new <= old": UNEQUAL,
    REQUEST + "level: 1 << MIGRATE_UNMOVABLE -> 1 >> MIGRATE_UNMOVABLE": UNMOVED,
    REQUEST + "brief: one != each.default -> one == each.default": WORDING,
    REQUEST + "Next.__repr__: self.page is not None -> self.page is None": WORDING,
}
