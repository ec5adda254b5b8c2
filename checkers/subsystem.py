"""What an engine may know of a subsystem: one value, and the moves it offers.

A `Subsystem` is a record of functions.  Engines are generic over it: they draw
operations from the domains, apply them to the machine, and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from itertools import product
from typing import Any, Generic, TypeVar, cast

from mmoracle.spec.core import (
    C,
    Contract,
    Invariant,
    Law,
    Op,
    Result,
    S,
    Step,
    sentence,
)

M = TypeVar("M")  # the machine

Witness = Callable[[C, Step[C, S]], bool]


class Fidelity(Enum):
    """How much must agree: any correct allocator, or Linux 5.10 to the bit."""

    ALLOWED = "allowed"
    EXACT = "exact"


def itself(state: S) -> S:
    """Return the state: the default where all of it counts."""
    return state


@dataclass(frozen=True, kw_only=True)
class Halves(Generic[C, S]):
    """How a large configuration is two of half the size that do not touch each other.

    `half` is none where a configuration is not made so, `split` where a state is not:
    such states are few.  `split` undoes `join`, up to symmetry.
    """

    half: Callable[[C], C | None]
    join: Callable[[C, S, S], S]
    split: Callable[[C, S], tuple[S, S] | None]
    swaps: Callable[[C], bool]  # the same state, whichever half is told first
    due: Callable[[C], bool]  # too large to be explored in any other way


@dataclass(frozen=True, kw_only=True)
class Subsystem(Generic[C, S, M]):
    """A specification and a machine, bound together.

    `load` and `abstract` are inverse to each other; `apply` does what Linux does;
    `accept` takes somebody else's answer or raises `Disallowed` and changes nothing.
    `view` is what the `allowed` fidelity compares; `canonical` names one state for
    all that differ only by a symmetry, and must itself be a state.  `permitted` are
    the answers that a correct implementation may give, none where there is only one;
    `faithful` says that a configuration claims to be Linux, so that EXACT applies.
    """

    name: str
    about: str
    configs: Mapping[str, C]
    initial: Callable[[C], S]
    ops: tuple[type[Op[C, S]], ...]
    invariants: tuple[Invariant[C, S], ...]
    laws: tuple[Law[C, S], ...] = ()
    contracts: tuple[Contract, ...] = ()
    witnesses: tuple[Witness[C, S], ...]
    build: Callable[[C], M]
    load: Callable[[C, S], M]
    abstract: Callable[[M], S]
    apply: Callable[[M, Op[C, S]], Result]
    accept: Callable[[M, Op[C, S], Result], None]
    view: Callable[[S], Hashable] = field(default=itself)
    canonical: Callable[[C, S], S] = field(default=lambda cfg, s: s)
    permitted: Callable[[C, S, Op[C, S]], Iterable[Result]] | None = None
    faithful: Callable[[C], bool] = field(default=lambda cfg: True)
    halves: Halves[C, S] | None = None
    second: Callable[[C, S, Op[C, S]], S | None] | None = None
    declared: Callable[[C, Step[C, S]], Iterable[str]] | None = None
    implied: Mapping[str, str] = field(default_factory=dict)

    @property
    def rules(self) -> dict[str, str]:
        """Return every stable id that a complaint may cite, with its sentence."""
        said = [(each.id, sentence(each.check)) for each in self.laws]
        said += [(each.id, sentence(each.check)) for each in self.invariants]
        said += [(each.id, each.sentence) for each in self.contracts]
        rules: dict[str, str] = {}
        for rule, claim in said:  # a law and an invariant may share an id
            rules[rule] = f"{rules[rule]} {claim}" if rule in rules else claim
        return rules

    def offers(self, cfg: C) -> tuple[type[Op[C, S]], ...]:
        """Return the operations that a configuration has on offer."""
        named = getattr(cfg, "ops", ())
        return tuple(op for op in self.ops if not named or op.__name__ in named)

    def op_named(self, name: str) -> type[Op[C, S]] | None:
        """Return the operation of this name, if there is one."""
        return next((op for op in self.ops if op.__name__ == name), None)


def moves(sub: Subsystem[C, S, M], cfg: C, state: S) -> Iterator[Op[C, S]]:
    """Yield every operation with every legal argument in this state."""
    for op in sub.offers(cfg):
        domain = op.domain(cfg, state)
        for arguments in product(*domain.values()):
            yield op(*arguments)


def answers(
    sub: Subsystem[C, S, M], cfg: C, fidelity: Fidelity, state: S, op: Op[C, S]
) -> tuple[Result, ...]:
    """Return what another correct implementation may answer here, if that counts."""
    if sub.permitted is None or fidelity is Fidelity.EXACT:
        return ()
    return tuple(sub.permitted(cfg, state, op))


def words(op: Op[C, S]) -> str:
    """Return an operation as a reader writes it, defaults left out."""
    shown = [
        f"{each.name}={number(getattr(op, each.name))}"
        for each in fields(op)
        if getattr(op, each.name) != each.default
    ]
    return f"{type(op).__name__}({', '.join(shown)})"


def bounds(cfg: C) -> str:
    """Return the numbers and switches of a configuration that are not the default."""
    return ", ".join(
        f"{each.name} {number(getattr(cfg, each.name))}"
        for each in fields(cast(Any, cfg))
        if isinstance(getattr(cfg, each.name), int | str)
        and getattr(cfg, each.name) != each.default
    )


def number(thing: object) -> str:
    """Return a value for a reader: addresses from 4096 on in hexadecimal."""
    if isinstance(thing, int) and not isinstance(thing, bool | Enum) and thing > 4095:
        return hex(thing)
    return thing.name or str(thing) if isinstance(thing, Enum) else repr(thing)
