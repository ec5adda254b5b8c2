"""What CrossHair attacks beside Z3: contracts, pairs, and these lemmas.

The lemmas are those on which it comes to a verdict within seconds: claims about few
plain numbers, without masks of many bits.
"""

from __future__ import annotations

from mmoracle.checkers.lemma import Lemma

from .catalogue import LEMMAS
from .contracts import CONTRACTS
from .pairs import PAIRS

ATTACKED = (
    "capping_stops_at_the_top_and_cuts_nothing_that_fits",
    "ranges_overlap_exactly_where_they_share_an_address",
    "pages_of_a_range_are_those_that_lie_in_it_whole",
    "the_batch_is_one_below_a_power_of_two_and_at_most_63",
    "a_larger_zone_has_no_smaller_batch",
    "a_descriptor_of_an_array_leads_back_to_its_index",
    "every_section_of_a_virtual_map_stores_the_same_base",
    "fractions_are_taken_exactly",
    "marks_rise_by_equal_steps",
    "a_zone_keeps_more_from_a_higher_request",
    "no_zone_keeps_more_than_it_manages",
    "a_boost_grows_by_a_block_up_to_its_bound",
    "the_machine_takes_as_much_kernel_memory",
    "no_load_outweighs_a_step_of_distance",
    "a_single_page_is_given_above_mark_and_reserve_and_only_there",
    "a_block_is_given_alike_on_both_sides",
    "what_a_first_look_lets_go_leaves_mark_and_reserve",
    "each_retry_for_compaction_leaves_less_to_try",
    "both_sides_retry_for_compaction_alike",
    "a_measure_that_falls_twice_has_fallen_and_does_not_come_back",
    "the_index_is_the_exact_fraction_rounded_once",
)


def lemmas() -> tuple[Lemma, ...]:
    """Return the lemmas that are attacked."""
    by_name = {each.name: each for each in LEMMAS}
    return tuple(by_name[name] for name in ATTACKED)


__all__ = ["ATTACKED", "CONTRACTS", "PAIRS", "lemmas"]
