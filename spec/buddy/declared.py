"""How often an allocator that is not Linux did what only its declaration allows.

A declaration that is never used may be dropped; one that is always used says what the
allocator is.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core import Step
from .alloc import AllocPages
from .others import fits, must_succeed, used_order
from .zones import Config, Memory


def used(cfg: Config, step: Step[Config, Memory]) -> Iterator[str]:
    """Yield the fields of the configuration without which a step would be refused."""
    op, got = step.op, step.result.value
    if cfg.is_linux or not isinstance(op, AllocPages) or op.order > cfg.max_order:
        return
    order = used_order(cfg, op.order)
    if order > op.order and got is not None:
        yield "min_order"
    must = must_succeed(cfg, step.before, op.at, order)
    if got is None and must:
        yield "fails"
    if got is None and not must and fits(cfg, step.before, op.at, order):
        yield "merging"
    if got is not None and got != op.linux(cfg, step.before)[1].value:
        yield "picks"
