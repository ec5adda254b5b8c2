"""What looking ahead in a trace finds, and what it forgets."""

from mmoracle.checkers.kernel.ftrace import BATCHED, FREE, Event
from mmoracle.checkers.kernel.kmem_ahead import LOOK_AHEAD, MEMORY, with_ahead

BATCHES, PAIRS = 200, 2048


def list_frees(first: int) -> list[Event]:
    """Return events that free the same list of pages, from an entry on."""
    line = b"            cat-1     [000] ....     1.000000: mm_page_free"
    frees = [(FREE, i, 0, 0, None, 0, first + i, line) for i in range(PAIRS)]
    batched = [
        (BATCHED, i, 0, 0, None, 0, first + PAIRS + i, line) for i in range(PAIRS)
    ]
    return frees + batched


def test_a_free_is_known_to_be_of_a_list_when_its_batch_is_followed():
    for batch, ahead in with_ahead(list_frees(n * 2 * PAIRS) for n in range(BATCHES)):
        assert {event[6] for event in batch[:PAIRS]} <= ahead.listed


def test_what_is_remembered_does_not_grow_with_the_trace():
    sizes = [
        len(ahead.listed)
        for _, ahead in with_ahead(list_frees(n * 2 * PAIRS) for n in range(BATCHES))
    ]
    assert max(sizes) <= 2 * MEMORY + LOOK_AHEAD < BATCHES * PAIRS
    assert max(sizes[BATCHES // 2 :]) <= max(sizes[: BATCHES // 2])
