"""memblock's arithmetic: capping, overlap and rounding.

Each claim speaks of the specification's function and of the machine's twin of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.bind.memblock import machine
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Bounded, Whole, Wrapping, one_of
from mmoracle.spec.core import value
from mmoracle.spec.linux import Addr
from mmoracle.spec.memblock import regions
from mmoracle.spec.memblock.regions import Config, Region


@value
class Unbounded(Config):
    """A machine whose last address may be any number."""

    last: Any = 0

    @property
    def top(self) -> Any:
        """Return the last address."""
        return self.last


def config(top: Any) -> Config:
    """Return a machine with this last address; small ones have pages of one byte."""
    if not isinstance(top, int):
        return Unbounded(last=top)
    page_size = 1 if top < 1 << 16 else Config().page_size
    return Config(width=top.bit_length(), page_size=page_size)


def twin(cfg: Config) -> Any:
    """Return the machine that computes beside the specification."""
    m = machine(cfg)
    m.top = cfg.top
    return m


MACHINE = type(machine(Config()))


def owner(name: str) -> type:
    """Return the class of the machine that defines a method."""
    return next(cls for cls in MACHINE.__mro__ if name in vars(cls))


# ------------------------------------------------------------------ capping


def in_a_word(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that every argument is an address."""
    return [word <= top for word in words]


def capping_stops_at_the_top_and_cuts_nothing_that_fits(
    top: Any, base: Any, size: Any
) -> Any:
    """Base plus capped size does not wrap, and a range that fits keeps its size."""
    cfg = config(top)
    capped = regions.cap_size(cfg, base, size)
    return every(
        capped <= top - base,
        capped <= size,
        either(size > top - base, capped == size),
        either(size <= top - base, capped == top - base),
        twin(cfg).cap_size(base, size) == capped,
    )


def cap_one_too_far(cfg: Config, base: int, size: int) -> int:
    """Cap so that the end may be one behind the last address, which wraps to 0."""
    return min(size, cfg.top - base + 1)


def cap_to_the_top(cfg: Config, base: int, size: int) -> int:
    """Take all the room up to the top whatever size was asked for."""
    return cfg.top - base


def cap_nothing(m: Any, base: int, size: int) -> int:
    """Leave the machine's size as it was given."""
    return size


# ------------------------------------------------------------------ overlap


def two_ranges(
    top: Any, base: Any, size: Any, start: Any, length: Any, addr: Any
) -> Iterable[Any]:
    """Assume two capped ranges that are not empty."""
    yield from in_a_word(top, base, start, addr)
    yield from (size >= 1, length >= 1, size <= top - base, length <= top - start)


def ranges_overlap_exactly_where_they_share_an_address(
    top: Any, base: Any, size: Any, start: Any, length: Any, addr: Any
) -> Any:
    """A shared address means overlap, and overlap means that a base is shared."""
    r = Region(Addr(start), Addr(length))
    found = regions.overlaps(base, base + size, r)
    m = twin(config(top)).memory
    m.splice(0, 0, [(start, start + length, 0, 0)])
    theirs = m.addrs_overlap(base, base + size, 0)
    either_base = either(shared(base, start, length), shared(start, base, size))
    both = every(shared(addr, base, size), shared(addr, start, length))
    if not agree(found, theirs):
        return False
    return agree(found, either_base) and either(not both, found)


def shared(addr: Any, base: Any, size: Any) -> Any:
    """Say whether an address lies in a range."""
    return every(base <= addr, addr < base + size)


def touching_counts(base: int, end: int, r: Region) -> bool:
    """Take ranges that only touch for overlapping ones."""
    return base <= r.end and r.base <= end


def only_containment(base: int, end: int, r: Region) -> bool:
    """See an overlap only where one border of the region lies in the range."""
    return base <= r.base < end or base < r.end <= end


# ------------------------------------------------------------------ rounding


def aligned_word(top: Any, addr: Any, bit: Any) -> Iterable[Any]:
    """Assume an address and an alignment of 1 << bit."""
    return (addr <= top, bit < top.bit_length())


def rounding_down_gives_the_nearest_aligned_address_below(
    top: Any, addr: Any, bit: Any
) -> Any:
    """The result is aligned, not above the address, and less than one unit away."""
    align = 1 << one_of(bit, range(top.bit_length()))
    down = regions.round_down(addr, align)
    return every(
        down % align == 0,
        down <= addr,
        addr - down < align,
        twin(config(top)).round_down(addr, align) == down,
    )


def rounding_up_gives_the_nearest_aligned_address_or_wraps_to_0(
    top: Any, addr: Any, bit: Any
) -> Any:
    """The result is aligned and brackets; it wraps, to 0, where no word is left."""
    cfg, align = config(top), 1 << one_of(bit, range(top.bit_length()))
    up = regions.round_up(cfg, addr, align)
    wraps = addr > top - (align - 1)
    brackets = every(top - addr >= align - 1, up >= addr, up - addr < align)
    return every(
        up % align == 0,
        either(every(wraps, up == 0), brackets),
        twin(cfg).round_up(addr, align) == up,
    )


def round_down_by_mask(addr: int, align: int) -> int:
    """Keep the low bits instead of clearing them."""
    return addr & (align - 1)


def round_up_always(cfg: Config, addr: int, align: int) -> int:
    """Add a whole unit, so that an aligned address moves as well."""
    return (addr + align) & ~(align - 1) & cfg.top


def round_up_and_stay(cfg: Config, addr: int, align: int) -> int:
    """Stay at the last unit where the kernel's word would wrap."""
    return min((addr + align - 1) & ~(align - 1), cfg.top & ~(align - 1))


def round_up_unmasked(m: Any, addr: int, align: int) -> int:
    """Let the machine's result grow beyond the word."""
    return (addr + align - 1) & -align


# ------------------------------------------------------------------ the lemmas


def as_drawn(top: int, values: Values) -> Values:
    """Leave the words as they are."""
    return values


def two_capped(top: int, values: Values) -> Values:
    """Cut both sizes so that nothing wraps."""
    base, size, start, length, addr = values
    return base, min(size, top - base), start, min(length, top - start), addr


def with_bit(top: int, values: Values) -> Values:
    """Make the last word the number of a bit."""
    return (*values[:-1], values[-1] % top.bit_length())


WORDS = (
    Lemma(
        claim=capping_stops_at_the_top_and_cuts_nothing_that_fits,
        given=in_a_word,
        provers=(
            Symbolic(Whole),
            Symbolic(),
            Symbolic(Wrapping),
            Sweep(),
            Sampled(as_drawn),
        ),
        mistakes=(
            Mistake(regions, "cap_size", cap_one_too_far),
            Mistake(regions, "cap_size", cap_to_the_top),
            Mistake(owner("cap_size"), "cap_size", cap_nothing),
        ),
    ),
    Lemma(
        claim=ranges_overlap_exactly_where_they_share_an_address,
        given=two_ranges,
        provers=(
            Symbolic(Whole),
            Symbolic(Wrapping),
            Sweep(3),
            Sampled(two_capped),
        ),
        mistakes=(
            Mistake(regions, "overlaps", touching_counts),
            Mistake(regions, "overlaps", only_containment),
        ),
    ),
    Lemma(
        claim=rounding_down_gives_the_nearest_aligned_address_below,
        slow=True,
        given=aligned_word,
        provers=(
            Symbolic(Bounded),
            Symbolic(),
            Symbolic(Wrapping),
            Sweep(),
            Sampled(with_bit),
        ),
        mistakes=(Mistake(regions, "round_down", round_down_by_mask),),
    ),
    Lemma(
        claim=rounding_up_gives_the_nearest_aligned_address_or_wraps_to_0,
        slow=True,
        given=aligned_word,
        provers=(
            Symbolic(Bounded),
            Symbolic(Wrapping),
            Sweep(),
            Sampled(with_bit),
        ),
        mistakes=(
            Mistake(regions, "round_up", round_up_always),
            Mistake(regions, "round_up", round_up_and_stay),
            Mistake(owner("round_up"), "round_up", round_up_unmasked),
        ),
    ),
)
