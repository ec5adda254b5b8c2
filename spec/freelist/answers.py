"""What a request returns, and what could be seen on the way, question by question.

Source: mm/page_alloc.c:get_page_from_freelist (v5.10).
"""

from __future__ import annotations

from ..core import value
from ..linux import Bug, Gfp, NodeReclaim


@value
class Skipped:
    """A zone was passed over: the task's cpuset does not allow it, or `dirty` again."""

    at: int
    why: str  # "cpuset", or "dirty": its node was over the limit a moment ago


@value
class DirtyLimit:
    """A node was asked whether it is within its dirty limit."""

    nid: int
    ok: bool


@value
class Mark:
    """A zone's watermark was tested."""

    at: int
    ok: bool


@value
class Reclaimed:
    """A node was asked to reclaim pages: node_reclaim()."""

    nid: int
    answer: NodeReclaim


@value
class Grew:
    """A zone was asked for memory that is not initialised yet, and had some or not."""

    at: int
    ok: bool


@value
class Took:
    """A block of an order left a zone's lists, what was too much of it put back."""

    at: int
    order: int
    mt: int


@value
class Pageset:
    """A page that waited in a pageset was taken."""

    at: int


@value
class NoPage:
    """A zone that may give a page had none for this request."""

    at: int


@value
class Woke:
    """kswapd was woken because a zone's watermark is boosted."""

    at: int


@value
class Reserve:
    """The page block is to be kept for high-order atomic requests from now on."""

    at: int


@value
class Again:
    """The walk begins anew, and may now mix migrate types in a page block."""


Event = (
    Skipped
    | DirtyLimit
    | Mark
    | Reclaimed
    | Grew
    | Took
    | Pageset
    | NoPage
    | Woke
    | Reserve
    | Again
)


@value
class Page:
    """A block, the zone it is of, and how it was prepared: prep_new_page()."""

    at: int
    zeroed: bool = False
    compound: bool = False
    pfmemalloc: bool = False


@value
class SlowPath:
    """No zone would do: what __alloc_pages_slowpath() is called with.

    `preferred` is a zone, -1 where no zone is eligible.
    """

    gfp: Gfp
    preferred: int
    highest: int
    mt: int


@value
class Outcome:
    """What an operation returned, and what could be seen on the way."""

    value: Page | SlowPath | Bug | None = None
    events: tuple[Event, ...] = ()


DONE = Outcome()
