"""The words of the page allocator's proofs compute what Python's integers compute."""

import operator

import pytest

z3 = pytest.importorskip("z3", reason="z3-solver is not installed")

from mmoracle.checkers.symbolic import Paths, Truth, Unsupported  # noqa: E402
from mmoracle.checkers.word import Bounded, Whole, Word, fresh  # noqa: E402
from mmoracle.proofs.buddy.places import ALIGN, Place, place  # noqa: E402
from mmoracle.proofs.buddy.scales import Order, nth_block, scaled  # noqa: E402

NTHS, OFFSETS = (0, 1, 2, 5, 1 << 60), (0, 1, 2, 3, 6, 7, 8, 13)
BITS = range(ALIGN)
COMPARED = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
UNARY = {
    **{f"^ {1 << bit}": lambda p, bit=bit: p ^ (1 << bit) for bit in range(ALIGN + 2)},
    **{f"& ~{1 << bit}": lambda p, bit=bit: p & ~(1 << bit) for bit in BITS},
    **{f"& {(1 << bit) - 1}": lambda p, bit=bit: p & (1 << bit) - 1 for bit in BITS},
    **{f"& -{1 << bit}": lambda p, bit=bit: p & -(1 << bit) for bit in BITS},
    **{f"% {1 << bit}": lambda p, bit=bit: p % (1 << bit) for bit in BITS},
    **{f">> {bit}": lambda p, bit=bit: p >> bit for bit in (*BITS, ALIGN)},
    **{f"| {1 << bit}": lambda p, bit=bit: p | 1 << bit for bit in BITS},
    "+ 3": lambda p: p + 3,
    "3 +": lambda p: 3 + p,
    "- 2": lambda p: p - 2,
}


def told(value, **words):
    """Return the number or the truth that a term is for these numbers."""
    if not isinstance(value, (Word, Truth)):
        return value
    given = [(z3.Int(name), z3.IntVal(number)) for name, number in words.items()]
    plain = z3.simplify(z3.substitute(value.term, *given))
    return z3.is_true(plain) if isinstance(value, Truth) else plain.as_long()


@pytest.fixture
def nth():
    return fresh(Bounded, Paths("QF_LIA"), "nth", 64)


@pytest.mark.parametrize("name", UNARY)
def test_places_compute_what_their_sums_compute(nth, name):
    for number in NTHS:
        for offset in OFFSETS:
            got = told(UNARY[name](place(nth, offset)), nth=number)
            assert got == UNARY[name](place(number, offset)), (number, offset)


@pytest.mark.parametrize("name", COMPARED)
def test_places_compare_as_their_sums_do(nth, name):
    compare = COMPARED[name]
    for number in NTHS:
        for one in OFFSETS:
            for two in OFFSETS:
                due = compare(place(number, one), place(number, two))
                assert (
                    told(compare(place(nth, one), place(nth, two)), nth=number) == due
                )
                due = compare(place(number, one), two)
                assert told(compare(place(nth, one), two), nth=number) == due
            due = compare(place(number, one), -1)
            assert told(compare(place(nth, one), -1), nth=number) == due


def test_two_places_are_apart_by_a_plain_number(nth):
    assert place(nth, 9) - place(nth, 2) == 7
    assert hash(place(nth, 9)) == hash(place(nth, 9))
    assert isinstance(place(nth, 1) + 2, Place)


def test_a_place_above_another_base_is_not_looked_up(nth):
    with pytest.raises(Unsupported):
        hash(place(nth, 1) ^ 1 << ALIGN)


def test_bits_of_the_base_are_not_known(nth):
    for ask in (lambda p: p & 15, lambda p: p % 16, lambda p: p >> ALIGN + 1):
        with pytest.raises(Unsupported):
            ask(place(nth, 1))


# ------------------------------------------------------------------ any order


@pytest.fixture
def words():
    paths = Paths("QF_LIA")
    return [fresh(Whole, paths, name, 64) for name in ("n", "order")]


BLOCKS = {
    "buddy": lambda n, order: nth_block(n, order) ^ (1 << scaled(order)),
    "buddy above": lambda n, order: nth_block(n, order) ^ (2 << scaled(order)),
    "parent": lambda n, order: nth_block(n, order) & ~(1 << scaled(order)),
    "upper": lambda n, order: nth_block(n, order) | (1 << scaled(order)),
    "behind": lambda n, order: nth_block(n, order) + (1 << scaled(order) + 1),
    "before": lambda n, order: nth_block(n + 1, order) - (1 << scaled(order)),
    "minus": lambda n, order: -(1 << scaled(order) + 2),
    "none": lambda n, order: nth_block(n, order) + 0,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_of_any_order_compute_what_frames_compute(words, name):
    for number in (0, 1, 2, 3, 6, 7, 100):
        for order in (0, 1, 5, 40):
            got = told(BLOCKS[name](*words), n=number, order=order)
            assert got << order == BLOCKS[name](number, order)


@pytest.mark.parametrize("name", COMPARED)
def test_blocks_of_one_order_compare_as_frames_do(words, name):
    n, order = words
    for number in (0, 1, 7):
        for plain in (0, 3):
            for other in (0, 1, 7):
                got = COMPARED[name](nth_block(n, order), nth_block(other, order))
                due = COMPARED[name](number << plain, other << plain)
                assert told(got, n=number, order=plain) == due
            due = COMPARED[name](number << plain, 0)
            got = COMPARED[name](nth_block(n, order), 0)
            assert told(got, n=number, order=plain) == due


def test_orders_are_looked_up_from_the_lowest_in_sight(words):
    _, order = words
    rows = ("this", "next", "after")
    assert rows[scaled(order)] == "this"
    assert rows[scaled(order) + 1] == "next"
    assert rows[: scaled(order) + 2] == ("this", "next")
    with pytest.raises(Unsupported):
        rows[scaled(order) - 1]
    code = scaled(order) + 1 << 3 | 5
    assert code.__index__() == 13
    assert told(code, order=4) == (5 << 3 | 5)
    assert told(code >> 3, order=4) == 5
    assert isinstance(code >> 3, Order)


@pytest.mark.parametrize(
    "ask",
    [
        lambda n, order: nth_block(n, order) + 1,
        lambda n, order: nth_block(n, order) < 1,
        lambda n, order: nth_block(n, order) & 1,
        lambda n, order: nth_block(n, order) ^ nth_block(n, order),
        lambda n, order: 1 << scaled(order) - 1,
        lambda n, order: scaled(order) << 2,
        lambda n, order: scaled(order) | 1,
    ],
)
def test_what_depends_on_the_order_is_not_answered(words, ask):
    with pytest.raises(Unsupported):
        ask(*words)
