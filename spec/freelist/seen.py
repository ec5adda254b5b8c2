"""What can be read off a step: the page, the questions, the zones that were refused."""

from __future__ import annotations

from ..core import Step
from .answers import (
    Mark,
    Page,
)
from .zones import Config, Memory

Moment = Step[Config, Memory]


def page(step: Moment) -> Page | None:
    """Return the page that a step handed out."""
    got = step.result.value
    return got if isinstance(got, Page) else None


def saw(step: Moment, *kinds: type) -> bool:
    """Say whether a step has an event of one of these kinds."""
    return any(isinstance(each, kinds) for each in step.result.events)


def refused(step: Moment) -> list[int]:
    """Return the zones whose watermark said no."""
    marks = (each for each in step.result.events if isinstance(each, Mark))
    return [each.at for each in marks if not each.ok]
