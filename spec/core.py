"""The waist: the few words in which every subsystem says what is right.

A subsystem's state is a frozen value and an operation is a value too.  An
operation names its legal arguments (`domain`), what Linux 5.10 answers (`choose`)
and the next state for *any* permitted answer (`after`), which refuses every other
answer with `Disallowed`.  Engines are functions over these three; they know no
subsystem.  Everything here is plain data and the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import (
    Any,
    ClassVar,
    Generic,
    Protocol,
    TypeAlias,
    TypeVar,
    dataclass_transform,
)

C = TypeVar("C")  # a subsystem's configuration
S = TypeVar("S")  # its state
T = TypeVar("T")

C_contra = TypeVar("C_contra", contravariant=True)


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Make a frozen, hashable record with slots: the only kind of state there is."""
    return dataclass(frozen=True, slots=True)(cls)


@value
class Ints:
    """The integers ``lo, lo + step, …`` below ``hi`` (half-open)."""

    lo: int
    hi: int
    step: int = 1

    @property
    def count(self) -> int:
        """Return how many there are, however many; `len` stops at the machine word."""
        return max(0, (self.hi - self.lo + self.step - 1) // self.step)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.lo, self.hi, self.step))

    def __getitem__(self, index: int) -> int:
        return range(self.lo, self.hi, self.step)[index]


@value
class OneOf:
    """Exactly these options, in this order."""

    options: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.options)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.options)

    def __getitem__(self, index: int) -> Any:
        return self.options[index]


Domain: TypeAlias = "Ints | OneOf"
Domains: TypeAlias = Mapping[str, Domain]
Result: TypeAlias = Any  # each operation says its own in the signature of `choose`
Complaints: TypeAlias = Iterator[str]


class Disallowed(Exception):  # noqa: N818  (a verdict, not an error)
    """No correct implementation may answer this.

    `rule` is the stable id of the contract that the answer breaks, `why` one
    sentence that names the objects.
    """

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(f"{rule}: {why}")
        self.rule = rule
        self.why = why


def require(holds: bool, rule: str, why: str) -> None:
    """Refuse the answer under `rule` unless `holds`."""
    if not holds:
        raise Disallowed(rule, why)


class Op(Protocol[C_contra, S]):
    """One operation with its arguments; a frozen value made with `value`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def domain(cls, cfg: C_contra, s: S) -> Domains:
        """Return the legal arguments in this state, one domain for each field."""
        ...

    def choose(self, cfg: C_contra, s: S) -> Result:
        """Return what Linux 5.10 answers."""
        ...

    def after(self, cfg: C_contra, s: S, result: Result) -> S:
        """Return the next state if `result` is permitted, else raise `Disallowed`."""
        ...


@value
class Step(Generic[C, S]):
    """One operation that was done: the state before, the answer, the state after."""

    before: S
    op: Op[C, S]
    result: Result
    after: S


@value
class Invariant(Generic[C, S]):
    """Always true of a state: a generator of complaints, silent while it holds."""

    id: str
    check: Callable[[C, S], Complaints]


@value
class Law(Generic[C, S]):
    """Always true of a step: what an operation must, and must not, have changed."""

    id: str
    check: Callable[[C, Step[C, S]], Complaints]


@value
class Contract:
    """A rule about answers, enforced by `after` through `require`."""

    id: str
    sentence: str


def sentence(thing: Callable[..., Any]) -> str:
    """Return the first line of a docstring: the claim that the function states."""
    return (thing.__doc__ or "").strip().partition("\n")[0]


def nothing() -> Domains:
    """Return a domain with no legal arguments: the operation is not enabled here."""
    return {"": OneOf(())}
