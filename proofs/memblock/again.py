"""memblock at the start, and searches that are made again after something changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from mmoracle.checkers.bind import memblock as binding
from mmoracle.checkers.lemma import Lemma, Mistake, Shapes, Sweep, Values
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.impl.memblock.search import Search
from mmoracle.spec.linux import NUMA_NO_NODE, Addr
from mmoracle.spec.memblock import regions, search
from mmoracle.spec.memblock.regions import NONE, Config, Memblock, Region, Request

from .twins import ROWS
from .words import config

# ------------------------------------------------------------------ the start


def memblock_starts_empty_and_limited_by_the_top_alone(shape: Config) -> bool:
    """Both sides start alike: static arrays, nothing in use, no limit but the top."""
    cfg, m = shape, binding.build(shape)
    told = regions.initial(cfg)
    bare = regions.initial(Config(width=cfg.width))
    kept = (told.memory.regions, told.reserved.regions)
    sizes = sum(r.size for r in cfg.start), 0
    return (
        binding.abstract(m) == told
        and binding.abstract(binding.machine(cfg)) == bare
        and kept == (cfg.start, ())
        and (told.memory.total_size, told.reserved.total_size) == sizes
        and cfg.top == m.top == int("1" * cfg.width, 2) == told.current_limit
        and (told.memory.max, told.reserved.max) == (cfg.init_regions,) * 2
        and (told.memory.array, told.reserved.array) == (0, 0)
        and not (m.events or m.hands or m.stopped or m.answer or m.journal)
        and m.kmalloc
    )


def configs() -> Iterator[Values]:
    """Yield machines of every width, with and without memory."""
    memory = (Region(Addr(1), Addr(2)), Region(Addr(5), Addr(1), NONE, 0))
    for width in range(1, 65):
        yield (Config(width=width, can_resize=bool(width & 1)),)
        if width > 2:
            yield (Config(width=width, start=memory, slab_is_up=bool(width & 1)),)


def start_full(cfg: Config) -> Memblock:
    """Count a byte of memory before there is any."""
    s = right_initial(cfg)
    t = replace(s.memory, total_size=Addr(s.memory.total_size + 1))
    return replace(s, memory=t)


def start_with_mirror(m: Any, **told: Any) -> None:
    """Let the machine believe that there is mirrored memory."""
    right_init(m, **told)
    m.system_has_some_mirror = True


right_initial, right_init = regions.initial, Search.__init__

# ------------------------------------------------------------------ again


def a_search_made_again_finds_what_a_first_one_would(
    top: int,
    h0: int,
    e0: int,
    h1: int,
    e1: int,
    base: int,
    size: int,
    length: int,
    align: int,
    up: int,
    frees: int,
) -> bool:
    """What a search remembers of gaps that it passed never hides room, nor makes it."""
    cfg = config(top)
    start = (Region(Addr(1), Addr(top - 1)),)
    cfg = Config(width=cfg.width, page_size=1, start=start)
    m = binding.build(cfg)
    m.bottom_up = bool(up)
    for low, high in ((h0, e0), (h1, e1)):
        m.memblock_reserve(low, high - low)
    asked = (length, align, 0, 0, NUMA_NO_NODE, 0)
    for _ in range(2):  # the second time it goes on where it came to
        if m.memblock_find_in_range_node(*asked) != fresh(cfg, m, length, align):
            return False
    change = m.memblock_free if frees else m.memblock_reserve
    change(base, size)
    return bool(m.memblock_find_in_range_node(*asked) == fresh(cfg, m, length, align))


def fresh(cfg: Config, m: Any, length: int, align: int) -> int:
    """Return what the specification finds in the machine's state."""
    s = binding.abstract(m)
    request = Request(length, align, 0, 0, NUMA_NO_NODE, NONE)
    return search.find_in_range_node(cfg, s, request)


def small_searches(top: int) -> Iterator[Values]:
    """Yield two reservations, a range to free or reserve, a size and a direction."""
    for points in combinations(range(1, top + 1), 4):
        for base in range(1, top):
            for length, align in ((0, 1), (1, 1), (3, 1), (1, 4)):
                for way in range(4):
                    yield (*points, base, 2, length, align, way & 1, way >> 1)


def go_on_from(m: Any, sought: Any) -> tuple[int, int]:
    """Go on behind what was found the last time."""
    low, high = right_resume(m, sought)
    return low, high - 1 if sought[0] else high


right_resume = Search.resume

# ------------------------------------------------------------------ the lemmas

AGAIN = (
    Lemma(
        claim=memblock_starts_empty_and_limited_by_the_top_alone,
        provers=(Shapes(configs, "every case"),),
        mistakes=(
            Mistake(regions, "initial", start_full),
            Mistake(Search, "__init__", start_with_mirror),
        ),
        size="every width of an address",
    ),
    Lemma(
        claim=a_search_made_again_finds_what_a_first_one_would,
        provers=(Sweep(3, small_searches),),
        mistakes=(
            Mistake(ROWS, "reopen", mutants.stay_behind),
            Mistake(Search, "resume", go_on_from),
        ),
    ),
)
