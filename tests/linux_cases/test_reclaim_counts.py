"""How many pages of a list a scan looks at: get_scan_count() of mm/vmscan.c (v5.10)."""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.reclaim import RECLAIM
from mmoracle.checkers.bind.reclaim_configs import LINUX, PROTECT
from mmoracle.checkers.session import Session
from mmoracle.spec.core import Disallowed
from mmoracle.spec.reclaim import counts
from mmoracle.spec.reclaim.counts import Count
from mmoracle.spec.reclaim.levels import ScanCount
from mmoracle.spec.reclaim.state import LOW_UNNOTED, Aim

CACHE = Aim(swap=False)  # only the cache is scanned
REAL = replace(LINUX, quirks=())


def pages(
    size=4096,
    low=0,
    least=0,
    usage=0,
    *,
    is_file=True,
    online=True,
    aim=CACHE,
    priority=0,
    again=False,
    cfg=REAL,
):
    """Return what both sides count."""
    op = ScanCount(is_file, size, low, least, usage, online, aim, priority, again)
    return Session(RECLAIM, cfg).do(op)


def test_an_unprotected_list_is_scanned_by_its_priority():
    assert pages() == Count(4096)
    assert pages(priority=12) == Count(1)
    assert pages(4095, priority=12) == Count(0)


def test_an_empty_list_of_an_unprotected_group_divides_by_1():
    """With the usage alone as divisor this was a division by zero: 5.10.70.

    |  size 0, protection 0, usage 0  |
    """
    assert pages(0, low=1, again=True) == Count(32)
    assert pages(0, low=1, again=True, priority=1) == Count(16)


@pytest.mark.parametrize(
    ("usage", "scan"),
    [(0, 10), (999, 10), (1000, 10), (1999, 5000), (9999, 9000)],
)
def test_protection_takes_its_share_of_the_usage_off(usage, scan):
    """10000 - 10000 * 1000 / (usage + 1); the usage is at least the protection.

    |  1000 of 2000 protected: half of the list  |
    """
    assert counts.unprotected(10_000, 1000, usage, 64) == scan
    assert pages(10_000, least=1000, usage=usage).pages == max(scan, 32)


def test_a_list_protected_as_a_whole_is_scanned_for_a_cluster():
    assert pages(4096, least=9000, usage=9000) == Count(32)


def test_memory_low_counts_where_it_protects_more_and_is_noted():
    assert pages(low=500, least=300, usage=999) == Count(2048, low_skipped=True)
    assert pages(low=500, least=300, usage=999, again=True) == Count(2868)
    assert pages(low=300, least=300, usage=999) == Count(2868)


def test_5_10_0_did_not_note_what_memory_low_had_spared():
    early = replace(PROTECT, quirks=(LOW_UNNOTED,), word=64)
    op = ScanCount(True, 4096, 500, 300, 999, True, CACHE, 0, False)
    assert op.choose(early, RECLAIM.initial(early)) == Count(2048)


def test_products_wrap_as_words_do():
    """2**20 pages times 2**20 is 0 in 32 bits: the whole list is scanned."""
    big = 1 << 20
    assert counts.unprotected(big, big, big, 64) == 1
    assert counts.unprotected(big, big, big, 32) == big


def test_the_last_pages_of_a_dead_group_are_scraped():
    assert pages(5, online=False, priority=12) == Count(5)
    assert pages(50, online=False, priority=12) == Count(32)
    assert pages(5, online=True, priority=12) == Count(0)


# ------------------------------------------------------------------ which lists


def sides(**fields):
    """Return the pages of anonymous memory and of cache that are scanned."""
    priority = fields.pop("priority", 1)
    aim = Aim(**fields)
    return tuple(
        pages(1000, is_file=is_file, aim=aim, priority=priority).pages
        for is_file in (False, True)
    )


def test_without_swap_the_cache_only_is_scanned():
    assert sides(swap=False) == (0, 500)


def test_a_group_without_swappiness_does_not_swap():
    assert sides(swappiness=0, cgroup=True) == (0, 500)
    assert sides(swappiness=0, cgroup=True, tiny=True) == (0, 500)


def test_near_oom_both_sides_are_scanned_as_a_whole_unless_nothing_may_be_swapped():
    assert sides(priority=0) == (1000, 1000)
    assert sides(priority=0, swappiness=0) == (0, 1000)


def test_anonymous_pages_are_scanned_where_the_cache_is_tiny():
    assert sides(tiny=True, trim=True) == (500, 0)


def test_the_cache_is_trimmed_first_where_there_is_much_of_it():
    assert sides(trim=True) == (0, 500)


def test_the_weights_follow_swappiness_and_cost():
    """At 60 of 200 anonymous pages have 3 of 10 parts, if both sides cost the same."""
    assert counts.fractions(60, 0, 0) == (60, 140)
    assert sides(swappiness=60) == (150, 350)
    assert sides(swappiness=100, anon_cost=10, file_cost=10) == (250, 250)
    assert counts.fractions(100, 0, 30) == (293, 149)


def test_a_dead_groups_share_is_rounded_up():
    aim = Aim(swappiness=60)
    assert pages(1, is_file=False, aim=aim, online=False, priority=12) == Count(1)
    assert pages(1, is_file=False, aim=aim) == Count(1)
    assert counts.share(1, 60, 200, True) == 0
    assert counts.share(1, 60, 200, False) == 1


def test_a_scan_is_counted_where_there_are_aims():
    state = RECLAIM.initial(REAL)
    assert len(ScanCount.domain(REAL, state)["size"]) == 1 << 32
    assert tuple(ScanCount.domain(PROTECT, state)["size"]) == PROTECT.sizes
    assert not len(ScanCount.domain(replace(REAL, aims=()), state)[""])


def test_another_count_is_refused():
    op = ScanCount(True, 8, 0, 0, 0, True, CACHE, 0, False)
    with pytest.raises(Disallowed, match="SCAN-COUNT"):
        op.after(REAL, RECLAIM.initial(REAL), Count(7))
