"""What must happen at least once: every way in which a request ends, and goes on."""

from __future__ import annotations

from dataclasses import replace

from ..core import Step
from ..linux import AllocFlags, CompactPriority, CompactResult, Gfp
from .always import NEW_ROUND, ROUND, asker, reply_of
from .request import (
    At,
    Config,
    Context,
    Event,
    Next,
    Nodemask,
    Reclaim,
    Reply,
    State,
    can_reclaim,
    is_barred,
)
from .retry import has_hope, may_go_round

Moment = Step[Config, State]


def told(step: Moment) -> Next:
    """Return what follows a step; after a question from outside nothing new does."""
    got = step.result
    return got if isinstance(got, Next) else Next(step.before.at)


def served(step: Moment, *at: At) -> bool:
    """Say whether there was a page after one of these questions."""
    return told(step).page is True and step.before.at in at


def fails(step: Moment) -> bool:
    """Say whether the request returns without a page."""
    return told(step).page is False


# ------------------------------------------------------------------ pages


def the_first_look_helps(cfg: Config, step: Moment) -> bool:
    """The flags of the slow path are enough."""
    return served(step, At.FIRST)


def early_compaction_helps(cfg: Config, step: Moment) -> bool:
    """Compaction before any reclaim makes a block."""
    return served(step, At.EARLY_FREELIST)


def compaction_captures_early(cfg: Config, step: Moment) -> bool:
    """Compaction before any reclaim catches a block."""
    return served(step, At.EARLY_COMPACT)


def reserves_help(cfg: Config, step: Moment) -> bool:
    """The free lists give without any mark to one with a right to it."""
    flags = step.before.flags
    return served(step, At.RETRY) and AllocFlags.NO_WATERMARKS in flags


def a_victim_is_served(cfg: Config, step: Moment) -> bool:
    """A task that is to die gets a page from half of the reserve."""
    return served(step, At.RETRY) and AllocFlags.OOM in step.before.flags


def reclaim_helps(cfg: Config, step: Moment) -> bool:
    """There is a page after reclaim."""
    return served(step, At.RECLAIMED)


def a_drain_helps(cfg: Config, step: Moment) -> bool:
    """There is a page only after pagesets were drained."""
    return served(step, At.DRAINED)


def compaction_helps(cfg: Config, step: Moment) -> bool:
    """There is a page after compaction."""
    return served(step, At.COMPACTED)


def compaction_captures(cfg: Config, step: Moment) -> bool:
    """Compaction catches a page on its way to the free lists."""
    return served(step, At.COMPACT)


def a_page_turns_up_before_a_kill(cfg: Config, step: Moment) -> bool:
    """The last look before a kill finds a page."""
    return served(step, At.OOM_FREELIST)


def a_kill_helps(cfg: Config, step: Moment) -> bool:
    """There is a page in the round after a kill."""
    return served(step, At.RETRY) and step.before.left.kills < cfg.kills


def all_reserves_help_nofail(cfg: Config, step: Moment) -> bool:
    """A request that must not fail gets a page without any mark."""
    return served(step, At.OOM_CPUSET)


def nodes_of_others_help_nofail(cfg: Config, step: Moment) -> bool:
    """It gets one only where the cpuset is ignored as well."""
    return served(step, At.OOM_ANY)


def harder_helps_nofail(cfg: Config, step: Moment) -> bool:
    """It gets one from a part of the reserve."""
    return served(step, At.HARDER_CPUSET)


def harder_on_any_node_helps_nofail(cfg: Config, step: Moment) -> bool:
    """It gets one from a part of the reserve of nodes that are not in the cpuset."""
    return served(step, At.HARDER_ANY)


# ------------------------------------------------------------------ failures


def an_atomic_request_fails(cfg: Config, step: Moment) -> bool:
    """A request that must not sleep fails after two looks."""
    return fails(step) and Gfp.ATOMIC in asker(step).gfp


def nofail_without_sleep_fails(cfg: Config, step: Moment) -> bool:
    """A request that must neither fail nor sleep fails."""
    return fails(step) and Event.WARN_NOWAIT in told(step).events


def a_request_inside_reclaim_fails(cfg: Config, step: Moment) -> bool:
    """A request of a task that reclaims fails where even the reserves are empty."""
    s = asker(step)
    return fails(step) and can_reclaim(s) and Context.MEMALLOC in s.context


def a_request_without_retries_fails(cfg: Config, step: Moment) -> bool:
    """A small request with NORETRY fails after one round."""
    s = asker(step)
    return fails(step) and Gfp.NORETRY in s.gfp and not s.costly


def a_costly_one_fails_before_reclaim(cfg: Config, step: Moment) -> bool:
    """A costly request with NORETRY fails where compaction cannot even begin."""
    return fails(step) and step.before.at is At.EARLY_FREELIST


def a_costly_request_fails(cfg: Config, step: Moment) -> bool:
    """A costly request fails after one round."""
    s, round_over = asker(step), (At.COMPACTED, At.RECLAIM)
    plain = not s.gfp & (Gfp.NORETRY | Gfp.RETRY_MAYFAIL)
    return fails(step) and s.costly and plain and s.at in round_over


def a_costly_request_without_io_fails(cfg: Config, step: Moment) -> bool:
    """A costly request that must not start IO fails, though it may be retried."""
    s = asker(step)
    mayfail = Gfp.RETRY_MAYFAIL in s.gfp and Gfp.IO not in s.gfp
    return fails(step) and s.costly and mayfail


def a_request_that_may_fail_fails(cfg: Config, step: Moment) -> bool:
    """A request with RETRY_MAYFAIL fails where others have a task killed."""
    s = asker(step)
    may_fail = Gfp.RETRY_MAYFAIL in s.gfp
    return fails(step) and may_fail and s.at is At.OOM_FREELIST


def nothing_can_be_killed(cfg: Config, step: Moment) -> bool:
    """A request fails as the OOM killer finds nothing to kill."""
    return fails(step) and reply_of(step) is Reply.NOBODY


def a_victim_fails(cfg: Config, step: Moment) -> bool:
    """A task that is to die, and had its share of the reserve, gets nothing."""
    s = asker(step)
    had_share = AllocFlags.OOM in s.flags or Gfp.NOMEMALLOC in s.gfp
    return fails(step) and Context.VICTIM in s.context and had_share


def blocks_fail_without_compaction(cfg: Config, step: Moment) -> bool:
    """A block of several pages is not to be had in a kernel without compaction."""
    return fails(step) and not cfg.compaction and asker(step).order > 0


def no_zone_is_eligible(cfg: Config, step: Moment) -> bool:
    """A request for nodes without a fitting zone fails."""
    return fails(step) and asker(step).nodemask is Nodemask.EMPTY


def an_insane_cpuset_has_no_zone(cfg: Config, step: Moment) -> bool:
    """A request that keeps to its cpuset fails at once, as no zone of it fits."""
    return fails(step) and is_barred(asker(step))


# ------------------------------------------------------------------ on the way


def nofail_goes_round(cfg: Config, step: Moment) -> bool:
    """A request that must not fail begins again after everything was in vain."""
    return may_go_round(step.before, step.after)


def somebody_is_killed(cfg: Config, step: Moment) -> bool:
    """The OOM killer finds a victim."""
    return reply_of(step) is Reply.KILLED


def the_asker_is_killed(cfg: Config, step: Moment) -> bool:
    """The OOM killer picks the task that asks."""
    return reply_of(step) is Reply.CHOSEN


def somebody_else_is_killing(cfg: Config, step: Moment) -> bool:
    """The lock of the OOM killer is busy, and the request waits."""
    return Event.SLEEP in told(step).events


def compaction_tries_harder(cfg: Config, step: Moment) -> bool:
    """Compaction is tried again, with its whole might."""
    return step.after.priority is CompactPriority.SYNC_FULL


def compaction_is_tried_too_often(cfg: Config, step: Moment) -> bool:
    """Compaction has succeeded in vain as often as it may."""
    return step.after.retries > cfg.compact_retries


def compaction_waits_for_reclaim(cfg: Config, step: Moment) -> bool:
    """A round is begun for compaction that had too little room."""
    at = step.after.at
    skipped = step.before.compacted is CompactResult.SKIPPED and step.before.order > 0
    ends = reply_of(step) is Reply.NO_PAGE and step.before.at is At.COMPACTED
    return ends and skipped and at in (At.RETRY, At.LOOK_RETRY)


def reclaim_steps_back_for_compaction(cfg: Config, step: Moment) -> bool:
    """Reclaim frees nothing, as a zone is ready for compaction, and is believed."""
    return step.before.gained is Reclaim.READY and step.before.at is At.COMPACT


def reclaim_is_tried_too_often(cfg: Config, step: Moment) -> bool:
    """Reclaim has made no progress as often as it may."""
    return step.after.loops > cfg.reclaim_retries


def free_pages_count_twice(cfg: Config, step: Moment) -> bool:
    """A round is begun only as what is free counts as reclaimable as well."""
    begins = step.before.at in ROUND and step.after.at in NEW_ROUND
    if not begins or Event.UNRESERVE_ALL in told(step).events:
        return False
    once = replace(cfg, counts_free=False)
    return has_hope(cfg, step.before) and not has_hope(once, step.before)


def the_last_reserve_is_given_back(cfg: Config, step: Moment) -> bool:
    """A page block for atomic requests is given back, and the request goes on."""
    return step.after.zone.highatomic < step.before.zone.highatomic and (
        Event.UNRESERVE_ALL in told(step).events
    )


def writeback_is_waited_for(cfg: Config, step: Moment) -> bool:
    """A round waits for writeback."""
    return Event.WAIT in told(step).events


def a_cpuset_has_changed(cfg: Config, step: Moment) -> bool:
    """The request begins again as its cpuset has changed."""
    return reply_of(step) is Reply.CPUSET


def a_cpuset_becomes_sane(cfg: Config, step: Moment) -> bool:
    """The request begins again as its cpuset has a zone for it now."""
    return is_barred(step.before) and step.after.at is At.FIRST


def a_nodemask_is_dropped(cfg: Config, step: Moment) -> bool:
    """The request begins again without its nodemask."""
    return reply_of(step) is Reply.NODEMASK


def zonelists_have_changed(cfg: Config, step: Moment) -> bool:
    """The request begins again as the zonelists were rebuilt."""
    return reply_of(step) is Reply.ZONELIST


def atomic_is_ignored(cfg: Config, step: Moment) -> bool:
    """A request that may sleep is not atomic."""
    return Event.WARN_ATOMIC in told(step).events


WITNESSES = (
    the_first_look_helps,
    early_compaction_helps,
    compaction_captures_early,
    reserves_help,
    a_victim_is_served,
    reclaim_helps,
    a_drain_helps,
    compaction_helps,
    compaction_captures,
    a_page_turns_up_before_a_kill,
    a_kill_helps,
    all_reserves_help_nofail,
    nodes_of_others_help_nofail,
    harder_helps_nofail,
    harder_on_any_node_helps_nofail,
    an_atomic_request_fails,
    nofail_without_sleep_fails,
    a_request_inside_reclaim_fails,
    a_request_without_retries_fails,
    a_costly_one_fails_before_reclaim,
    a_costly_request_fails,
    a_costly_request_without_io_fails,
    a_request_that_may_fail_fails,
    nothing_can_be_killed,
    a_victim_fails,
    blocks_fail_without_compaction,
    no_zone_is_eligible,
    an_insane_cpuset_has_no_zone,
    nofail_goes_round,
    somebody_is_killed,
    the_asker_is_killed,
    somebody_else_is_killing,
    compaction_tries_harder,
    compaction_is_tried_too_often,
    compaction_waits_for_reclaim,
    reclaim_steps_back_for_compaction,
    reclaim_is_tried_too_often,
    free_pages_count_twice,
    the_last_reserve_is_given_back,
    writeback_is_waited_for,
    a_cpuset_has_changed,
    a_cpuset_becomes_sane,
    a_nodemask_is_dropped,
    zonelists_have_changed,
    atomic_is_ignored,
)
